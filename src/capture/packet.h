/* A packet as a capture has it, from a file or a live interface: bytes beginning with a
 * link header, and what stands beside them. */
#ifndef WOSHOU_CAPTURE_PACKET_H
#define WOSHOU_CAPTURE_PACKET_H

#include <stdint.h>

/* The time of a packet that has none (pcapng's simple packet blocks). */
#define PACKET_TIMELESS INT64_MIN

enum packet_direction { DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT };

struct packet {
    uint64_t number;      /* from 1: the file's own count */
    int64_t t_ns;         /* since 1970, UTC; or PACKET_TIMELESS */
    const uint8_t *bytes; /* borrowed until the next packet is asked for */
    uint32_t captured;    /* bytes there are at `bytes` */
    uint32_t length;      /* bytes it had on the wire; never less than captured */
    uint32_t interface;   /* from 0: counted through the file, over all its sections */
    uint16_t link_type;   /* LINKTYPE_... as the file says */
    uint8_t fcs_bytes;    /* of the link's check sequence, at the end of `length` */
    uint8_t direction;    /* enum packet_direction */
};

#endif
