/* Packets inside packets: IP in IP, GRE and ERSPAN, and what UDP's well-known ports carry
 * (VXLAN, GENEVE, GTP, Teredo, AYIYA). A port is only a hint: what it carries must prove
 * to be IP, or it is UDP's own business. */
#include <string.h>

#include "capture/walk.h"

enum {
    IPIP = 4,
    UDP = 17,
    IPV6_IN_IP = 41,
    GRE = 47,
    UDP_HEADER = 8,
    /* GRE's flags, and how its payload is called where no EtherType is. */
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACKNOWLEDGEMENT = 0x0080,
    GRE_PPP = 0x880b,
    ERSPAN_1_2 = 0x88be,
    ERSPAN_3 = 0x22eb,
    WCCP = 0x883e,
    /* Aruba's, from its access points: 802.11 frames. */
    ARUBA_FIRST = 0x8200,
    ARUBA_LAST = 0x82ff,
    ARUBA_OTHER = 0x9000
};

static enum decode_result skip_to(struct span *span, size_t count)
{
    if (span->length < count)
        return DECODE_CUT;
    *span = span_after(*span, count);
    return DECODE_TCP;
}

/* --- GRE --- */

/* Type II has a header of 8 bytes, and a sequence number in GRE's; type I neither. Type
 * III's may be longer by 8 bytes. */
static enum decode_result walk_erspan(struct walk *walk, uint16_t type, bool sequence,
                                      struct span span)
{
    size_t header = type == ERSPAN_3 ? 12 : sequence ? 8 : 0;
    if (type == ERSPAN_3 && span.length >= 12 && (span.bytes[11] & 1))
        header += 8;
    enum decode_result result = skip_to(&span, header);
    return result == DECODE_TCP ? walk_ethernet(walk, span) : result;
}

static enum decode_result walk_gre(struct walk *walk, struct span span)
{
    if (span.length < 4)
        return DECODE_CUT;
    uint16_t flags = get16(span.bytes), type = get16(span.bytes + 2);
    size_t header = 4;
    if (flags & GRE_ROUTING)
        return DECODE_OTHER; /* nobody has used it since 1994 */
    header += flags & GRE_CHECKSUM ? 4 : 0;
    header += flags & GRE_KEY ? 4 : 0;
    header += flags & GRE_SEQUENCE ? 4 : 0;
    header += (flags & 7) == 1 && (flags & GRE_ACKNOWLEDGEMENT) ? 4 : 0;
    enum decode_result result = skip_to(&span, header);
    if (result != DECODE_TCP)
        return result;
    if (type == ERSPAN_1_2 || type == ERSPAN_3)
        return walk_erspan(walk, type, flags & GRE_SEQUENCE, span);
    if (type == GRE_PPP)
        return walk_ppp(walk, span);
    if (type == WCCP) /* version 2 has four bytes more */
        return walk_ip(walk, span.length > 4 && span.bytes[0] >> 4 != 4
                                 ? span_after(span, 4)
                                 : span);
    if ((type >= ARUBA_FIRST && type <= ARUBA_LAST) || type == ARUBA_OTHER)
        return walk_wlan(walk, span);
    return walk_ethertype(walk, type, span);
}

/* --- UDP --- */

/* VXLAN, and VXLAN-GPE where its flags say that another protocol follows. */
static enum decode_result walk_vxlan(struct walk *walk, struct span span)
{
    if (span.length < 8)
        return DECODE_CUT;
    uint8_t flags = span.bytes[0], next = span.bytes[3];
    if (!(flags & 0x08))
        return DECODE_OTHER;
    span = span_after(span, 8);
    if (flags & 0x04 && (next == 1 || next == 2))
        return walk_ip(walk, span);
    return walk_ethernet(walk, span);
}

static enum decode_result walk_geneve(struct walk *walk, struct span span)
{
    if (span.length < 8)
        return DECODE_CUT;
    if (span.bytes[0] >> 6 != 0)
        return DECODE_OTHER;
    uint16_t type = get16(span.bytes + 2);
    enum decode_result result = skip_to(&span, 8 + (size_t)(span.bytes[0] & 0x3f) * 4);
    return result == DECODE_TCP ? walk_ethertype(walk, type, span) : result;
}

/* GTP-U version 1: a packet of the user's, behind a chain of extension headers. */
static enum decode_result walk_gtp(struct walk *walk, struct span span)
{
    if (span.length < 8)
        return DECODE_CUT;
    uint8_t flags = span.bytes[0];
    if (flags >> 5 != 1 || !(flags & 0x10) || span.bytes[1] != 255)
        return DECODE_OTHER;
    size_t header = flags & 7 ? 12 : 8;
    if (span.length < header)
        return DECODE_CUT;
    uint8_t next = flags & 4 ? span.bytes[11] : 0;
    span = span_after(span, header);
    for (int i = 0; next != 0; i++) {
        if (span.length == 0)
            return DECODE_CUT;
        size_t length = (size_t)span.bytes[0] * 4;
        if (length == 0 || i == WRAPPINGS_MAX)
            return DECODE_OTHER;
        if (span.length < length)
            return DECODE_CUT;
        next = span.bytes[length - 1];
        span = span_after(span, length);
    }
    return walk_ip(walk, span);
}

/* Teredo: authentication and origin may stand before the IPv6 packet (RFC 4380, 5.1.1). */
static enum decode_result walk_teredo(struct walk *walk, struct span span)
{
    if (span.length >= 4 && get16(span.bytes) == 0x0001) {
        size_t header = 13 + (size_t)span.bytes[2] + span.bytes[3];
        if (skip_to(&span, header) != DECODE_TCP)
            return DECODE_CUT;
    }
    if (span.length >= 8 && get16(span.bytes) == 0)
        span = span_after(span, 8);
    if (span.length == 0 || span.bytes[0] >> 4 != 6)
        return DECODE_OTHER;
    return walk_ip(walk, span);
}

/* AYIYA: identity, signature, then the packet. */
static enum decode_result walk_ayiya(struct walk *walk, struct span span)
{
    if (span.length < 8)
        return DECODE_CUT;
    size_t identity = (size_t)1 << (span.bytes[0] >> 4);
    size_t signature = (size_t)(span.bytes[1] >> 4) * 4;
    uint8_t operation = span.bytes[2] & 15, next = span.bytes[3];
    if (operation != 1 || (next != IPV6_IN_IP && next != IPIP))
        return DECODE_OTHER;
    enum decode_result result = skip_to(&span, 8 + identity + signature);
    return result == DECODE_TCP ? walk_ip(walk, span) : result;
}

static const struct {
    uint16_t port;
    enum decode_result (*walk)(struct walk *, struct span);
} udp_ports[] = {
    {4789, walk_vxlan}, {8472, walk_vxlan},  {4790, walk_vxlan}, {6081, walk_geneve},
    {2152, walk_gtp},   {3544, walk_teredo}, {5072, walk_ayiya},
};

/* Between its relays Teredo uses any port. What proves it: an IPv6 packet of exactly the
 * length there is, with an address of Teredo's own prefix (RFC 4380, 2.6). */
static bool is_teredo(const struct walk *walk, struct span span)
{
    static const uint8_t prefix[4] = {0x20, 0x01, 0, 0};
    return span.length >= 40 && span.bytes[0] >> 4 == 6 &&
           (size_t)get16(span.bytes + 4) + 40 == span.length + walk->missing &&
           (memcmp(span.bytes + 8, prefix, sizeof prefix) == 0 ||
            memcmp(span.bytes + 24, prefix, sizeof prefix) == 0);
}

static enum decode_result walk_udp(struct walk *walk, struct span span)
{
    if (span.length < UDP_HEADER)
        return DECODE_CUT;
    uint16_t source = get16(span.bytes), destination = get16(span.bytes + 2);
    for (size_t i = 0; i < sizeof udp_ports / sizeof udp_ports[0]; i++) {
        if (udp_ports[i].port != source && udp_ports[i].port != destination)
            continue;
        enum decode_result result = udp_ports[i].walk(walk, span_after(span, UDP_HEADER));
        return result == DECODE_TCP || result == DECODE_ICMP ? result : DECODE_OTHER;
    }
    span = span_after(span, UDP_HEADER);
    return is_teredo(walk, span) ? walk_ip(walk, span) : DECODE_OTHER;
}

enum decode_result walk_tunnel(struct walk *walk, const struct ip_packet *ip)
{
    switch (ip->protocol) {
    case IPIP:
    case IPV6_IN_IP: return walk_ip(walk, ip->payload);
    case GRE: return walk_gre(walk, ip->payload);
    case UDP: return walk_udp(walk, ip->payload);
    default: return DECODE_OTHER;
    }
}
