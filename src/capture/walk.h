/* Inside the decoder: a walk through a packet's wrappings, each step a function that
 * finds what comes next. For the decoder's own files alone. */
#ifndef WOSHOU_CAPTURE_WALK_H
#define WOSHOU_CAPTURE_WALK_H

#include "capture/decoder.h"
#include "capture/fragment.h"
#include "capture/ip.h"

enum { WRAPPINGS_MAX = 16 };

#define MISSING_UNKNOWN SIZE_MAX

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_IPV6 = 0x86dd, ETHERTYPE_TRANSPARENT = 0x6558 };

struct walk {
    struct fragments *fragments;
    int64_t t_ns;
    int wrappings;    /* entered so far: a nest of them ends */
    size_t missing;   /* bytes it had behind those that were captured; or not known */
    struct span rest; /* of an aggregate: the frames behind this one, */
    size_t rest_missing;
    struct decoded *decoded;
};

/* Ethernet; an 802.11 frame; what an EtherType says; PPP behind its address and control;
 * an IP packet; what is behind IP, where it is neither TCP nor ICMP. */
enum decode_result walk_ethernet(struct walk *walk, struct span span);
enum decode_result walk_wlan(struct walk *walk, struct span span);
enum decode_result walk_ethertype(struct walk *walk, uint16_t type, struct span span);
enum decode_result walk_ppp(struct walk *walk, struct span span);
enum decode_result walk_ip(struct walk *walk, struct span span);
enum decode_result walk_tunnel(struct walk *walk, const struct ip_packet *ip);
enum decode_result walk_icmp(struct walk *walk, const struct ip_packet *ip);

/* One more wrapping; false where there were too many. */
static inline bool walk_deeper(struct walk *walk)
{
    return ++walk->wrappings <= WRAPPINGS_MAX;
}

#endif
