#include "capture/ip.h"

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    /* IPv6 extension headers that may stand before the payload, and how many at most we
     * follow. */
    HOP_BY_HOP = 0,
    ROUTING = 43,
    FRAGMENT = 44,
    AUTHENTICATION = 51,
    DESTINATION_OPTIONS = 60,
    MOBILITY = 135,
    EXTENSIONS_MAX = 8
};

/* What was captured behind the IP payload (Ethernet's padding) is none of it. */
static void trim(struct ip_packet *ip)
{
    if (ip->payload_bytes < ip->payload.length)
        ip->payload.length = ip->payload_bytes;
}

static enum decode_result parse_ipv4(struct span bytes, struct ip_packet *ip)
{
    if (bytes.length < IPV4_HEADER)
        return DECODE_CUT;
    const uint8_t *header = bytes.bytes;
    size_t length = (size_t)(header[0] & 15) * 4, total = get16(header + 2);
    if (total == 0) /* segmentation offload: it did not fit, or was left to the device */
        total = IP_UNSAID;
    if (length < IPV4_HEADER || length > total)
        return DECODE_MALFORMED;
    if (bytes.length < length)
        return DECODE_CUT;
    uint16_t place = get16(header + 6);
    *ip = (struct ip_packet){
        .family = 4,
        .protocol = header[9],
        .ttl = header[8],
        .fragment = place & 0x3fff,
        .more_fragments = place & 0x2000,
        .fragment_at = (uint32_t)(place & 0x1fff) * 8,
        .id = get16(header + 4),
        .source = header + 12,
        .destination = header + 16,
        .payload = span_after(bytes, length),
        .payload_bytes = total == IP_UNSAID ? IP_UNSAID : total - length,
    };
    trim(ip);
    return DECODE_TCP;
}

static void read_fragment(const uint8_t *header, struct ip_packet *ip)
{
    uint16_t place = get16(header + 2);
    ip->fragment = place & 0xfff9;
    ip->more_fragments = place & 1;
    ip->fragment_at = place & 0xfff8;
    ip->id = get32(header + 4);
}

/* Steps over one extension header; DECODE_TCP where another may follow. */
static enum decode_result skip_extension(struct ip_packet *ip)
{
    if (ip->payload_bytes < 8)
        return DECODE_MALFORMED;
    if (ip->payload.length < 8)
        return DECODE_CUT;
    const uint8_t *header = ip->payload.bytes;
    size_t length = ((size_t)header[1] + 1) * 8;
    if (ip->protocol == FRAGMENT) {
        read_fragment(header, ip);
        length = 8;
    } else if (ip->protocol == AUTHENTICATION) {
        length = ((size_t)header[1] + 2) * 4;
    }
    if (length > ip->payload_bytes)
        return DECODE_MALFORMED;
    if (length > ip->payload.length)
        return DECODE_CUT;
    ip->protocol = header[0];
    if (ip->payload_bytes != IP_UNSAID)
        ip->payload_bytes -= length;
    ip->payload = span_after(ip->payload, length);
    return DECODE_TCP;
}

static bool is_extension(uint8_t protocol)
{
    return protocol == HOP_BY_HOP || protocol == ROUTING || protocol == FRAGMENT ||
           protocol == AUTHENTICATION || protocol == DESTINATION_OPTIONS ||
           protocol == MOBILITY;
}

static enum decode_result parse_ipv6(struct span bytes, struct ip_packet *ip)
{
    if (bytes.length < IPV6_HEADER)
        return DECODE_CUT;
    const uint8_t *header = bytes.bytes;
    size_t payload = get16(header + 4);
    *ip = (struct ip_packet){
        .family = 6,
        .protocol = header[6],
        .ttl = header[7],
        .source = header + 8,
        .destination = header + 24,
        .payload = span_after(bytes, IPV6_HEADER),
        /* 0: a jumbogram or segmentation offload */
        .payload_bytes = payload ? payload : IP_UNSAID,
    };
    trim(ip);
    for (int i = 0; is_extension(ip->protocol); i++) {
        /* What stands behind a later fragment's header is no header. */
        if (i == EXTENSIONS_MAX)
            return DECODE_OTHER;
        bool fragment = ip->protocol == FRAGMENT;
        enum decode_result result = skip_extension(ip);
        if (result != DECODE_TCP)
            return result;
        if (fragment && ip->fragment_at > 0)
            break;
    }
    return DECODE_TCP;
}

enum decode_result ip_parse(struct span bytes, struct ip_packet *ret_ip)
{
    if (bytes.length == 0)
        return DECODE_CUT;
    if (bytes.bytes[0] >> 4 == 4)
        return parse_ipv4(bytes, ret_ip);
    if (bytes.bytes[0] >> 4 == 6)
        return parse_ipv6(bytes, ret_ip);
    return DECODE_MALFORMED;
}
