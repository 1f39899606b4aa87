/* Segments that no host has sent, for the wire to slip in. Pure. */
#ifndef WOSHOU_LAB_FORGE_H
#define WOSHOU_LAB_FORGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"

enum { FORGE_MAX = 2048 };

struct forged {
    struct endpoint source, destination; /* IPv4 */
    uint32_t seq, ack;                   /* raw */
    uint8_t flags;
    uint16_t window;
    const char *payload; /* or null */
    size_t length;       /* of it; cut where it does not fit */
};

/* Writes the IPv4 packet with its checksums; a SYN gets a maximum segment size. Returns
 * its length. */
size_t forge_packet(const struct forged *forged, uint8_t ret_bytes[FORGE_MAX]);

#endif
