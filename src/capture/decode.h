/* Packet bytes in, one TCP segment out. Pure: looks at nothing but the bytes it is given,
 * and never past their end; every length in a packet is checked against them. */
#ifndef WOSHOU_CAPTURE_DECODE_H
#define WOSHOU_CAPTURE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"

/* TCP's control bits, where the header has them. */
enum tcp_flag {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80
};

/* A TCP segment as its header says; host byte order. */
struct segment {
    struct endpoint source, destination;
    uint32_t seq, ack;         /* raw; `ack` means something only with TCP_ACK */
    uint8_t flags;             /* enum tcp_flag */
    uint16_t window;           /* as sent, not scaled */
    uint32_t payload_bytes;    /* by the IP header's length, captured or not */
    const uint8_t *payload;    /* borrowed from the packet's bytes */
    uint32_t payload_captured; /* bytes there are at `payload`, at most payload_bytes */
    uint16_t mss;              /* option, 0: none */
    int8_t window_shift;       /* option, -1: none */
    uint16_t ip_id;            /* IPv4's identification; 0 in IPv6 */
    uint8_t ttl;               /* or hop limit */
    bool sack_permitted;
    bool sack;       /* option, with blocks */
    bool fast_open;  /* option, request or cookie */
    bool timestamps; /* option; the two below mean something only with it */
    uint32_t tsval, tsecr;
};

/* An ICMP error, and what it quotes of the TCP segment it is about. */
struct icmp_error {
    uint8_t family; /* 4: ICMP, 6: ICMPv6 */
    uint8_t type, code;
    struct endpoint reporter;            /* who sent it; port 0 */
    struct endpoint source, destination; /* of the quoted segment */
    uint32_t seq;                        /* its number */
};

enum decode_result {
    DECODE_TCP = 0,       /* a segment */
    DECODE_OTHER = 1,     /* a whole packet, but not TCP (or a fragment past the first) */
    DECODE_MALFORMED = 2, /* a header contradicts itself */
    DECODE_CUT = 3,       /* the bytes end inside a header */
    DECODE_ICMP = 4       /* of the decoder alone: an ICMP error that quotes TCP */
};

struct packet;
/* What most packets are, at once: Ethernet, IPv4 without options and in one piece, TCP with
 * its header captured whole. It is what a decoder comes to step by step. False: it is not
 * that, and a decoder tells what it is; nothing is written. */
bool decode_usual(const struct packet *packet, struct segment *ret_segment);

/* Decodes an IP packet (version 4 or 6, no link header). Only on DECODE_TCP is anything
 * written. */
enum decode_result decode_ip(const uint8_t *bytes, size_t length,
                             struct segment *ret_segment);

#endif
