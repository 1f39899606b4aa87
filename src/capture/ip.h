/* IP headers, version 4 and 6: what stands behind them, and how much of it. */
#ifndef WOSHOU_CAPTURE_IP_H
#define WOSHOU_CAPTURE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/decode.h"

/* Bytes of a packet that are still to be read. Borrowed. */
struct span {
    const uint8_t *bytes;
    size_t length; /* bytes there are */
};

/* A length that the header leaves out: the packet goes on to the end of its bytes. */
#define IP_UNSAID SIZE_MAX

struct ip_packet {
    uint8_t family; /* 4 or 6 */
    uint8_t protocol;
    uint8_t ttl;
    bool fragment; /* a part of a datagram: */
    bool more_fragments;
    uint32_t fragment_at; /* in bytes */
    uint32_t id;
    const uint8_t *source, *destination; /* 4 or 16 bytes, in the packet */
    struct span payload;                 /* as much of it as was captured */
    size_t payload_bytes;                /* what the header says, or IP_UNSAID */
};

/* Reads the header, IPv6's extension headers included. DECODE_TCP means that it is well
 * and filled in, whatever the protocol; DECODE_OTHER that what follows cannot be read. */
enum decode_result ip_parse(struct span bytes, struct ip_packet *ret_ip);

/* The TCP header behind an IP header. Of a header that was not captured whole the first
 * 14 bytes suffice: its window counts as open then, and its options as absent. */
enum decode_result ip_decode_tcp(const struct ip_packet *ip, struct segment *ret_segment);

static inline uint16_t get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t get32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

static inline struct span span_after(struct span span, size_t count)
{
    return (struct span){span.bytes + count, span.length - count};
}

#endif
