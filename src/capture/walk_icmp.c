/* ICMP errors: which connection they quote. The first 8 bytes of its TCP header are
 * always there: ports and number. */
#include <string.h>

#include "capture/walk.h"

enum { ICMP_HEADER = 8, QUOTED_TCP = 8, PROTOCOL_TCP = 6 };

static bool is_error(uint8_t family, uint8_t type)
{
    /* unreachable, source quench, time exceeded, parameter problem; of ICMPv6 all errors */
    if (family == 4)
        return type == 3 || type == 4 || type == 11 || type == 12;
    return type >= 1 && type <= 4;
}

static void set_address(struct endpoint *endpoint, uint8_t family, const uint8_t *address)
{
    *endpoint = (struct endpoint){.family = family};
    memcpy(endpoint->address, address, family == 4 ? 4 : 16);
}

enum decode_result walk_icmp(struct walk *walk, const struct ip_packet *ip)
{
    const uint8_t *icmp = ip->payload.bytes;
    struct ip_packet quoted;

    if (ip->payload.length < ICMP_HEADER)
        return DECODE_CUT;
    if (!is_error(ip->family, icmp[0]))
        return DECODE_OTHER;
    enum decode_result result = ip_parse(span_after(ip->payload, ICMP_HEADER), &quoted);
    if (result != DECODE_TCP)
        return result;
    if (quoted.protocol != PROTOCOL_TCP || quoted.fragment_at > 0)
        return DECODE_OTHER;
    if (quoted.payload.length < QUOTED_TCP)
        return DECODE_CUT;
    struct icmp_error *error = &walk->decoded->icmp;
    const uint8_t *tcp = quoted.payload.bytes;
    *error = (struct icmp_error){
        .family = ip->family, .type = icmp[0], .code = icmp[1], .seq = get32(tcp + 4)};
    set_address(&error->reporter, ip->family, ip->source);
    set_address(&error->source, quoted.family, quoted.source);
    set_address(&error->destination, quoted.family, quoted.destination);
    error->source.port = get16(tcp);
    error->destination.port = get16(tcp + 2);
    return DECODE_ICMP;
}
