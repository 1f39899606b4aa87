/* IP packets made by hand, to be slipped into a wire: with checksums that a kernel
 * accepts. */
#ifndef WOSHOU_LAB_CRAFT_H
#define WOSHOU_LAB_CRAFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"

enum { CRAFT_BYTES = 128, CRAFT_PAYLOAD = 40 };

struct crafted {
    size_t length;
    uint8_t bytes[CRAFT_BYTES];
};

struct craft_tcp {
    struct endpoint source, destination; /* IPv4 */
    uint32_t seq, ack;
    uint8_t flags; /* enum tcp_flag; `ack` is written in any case */
    uint16_t window;
    uint32_t tsval, tsecr; /* 0 0: no timestamps */
    const char *payload;   /* or null; at most CRAFT_PAYLOAD bytes */
};

struct crafted craft_tcp(const struct craft_tcp *tcp);

/* An ICMP error from `reporter` to whoever sent the packet, of which it quotes the IP
 * header and 8 bytes. */
struct crafted craft_icmp(const struct endpoint *reporter, uint8_t type, uint8_t code,
                          const uint8_t *packet, size_t length);

#endif
