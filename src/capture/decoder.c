/* Link types and what stands between them and IP. Numbers of link types are those of the
 * tcpdump group's list. */
#include "capture/decoder.h"

#include <stdlib.h>

#include "base/filled.h"
#include "capture/walk.h"

enum {
    PROTOCOL_ICMP = 1,
    PROTOCOL_TCP = 6,
    PROTOCOL_ICMPV6 = 58,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_QINQ = 0x88a8,
    ETHERTYPE_QINQ_OLD = 0x9100,
    ETHERTYPE_MPLS = 0x8847,
    ETHERTYPE_MPLS_MULTICAST = 0x8848,
    ETHERTYPE_PPPOE = 0x8864,
    ETHERTYPE_MIN = 0x0600, /* below, it is a length, and LLC follows */
    TAGS_MAX = 8
};

struct decoder {
    struct fragments *fragments;
    struct walk paused; /* behind the first frames of an aggregate */
};

struct decoder *decoder_new(void)
{
    struct decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder && !(decoder->fragments = fragments_new())) {
        free(decoder);
        return NULL;
    }
    return decoder;
}

void decoder_free(struct decoder **decoder)
{
    if (!*decoder)
        return;
    fragments_free(&(*decoder)->fragments);
    free(*decoder);
    *decoder = NULL;
}

/* --- IP --- */

/* Whatever the header says, the packet ended where it ended on the wire; and where it says
 * nothing, it went on to there. */
static void bound(const struct walk *walk, struct ip_packet *ip)
{
    bool known = walk->missing != MISSING_UNKNOWN,
         unsaid = ip->payload_bytes == IP_UNSAID;
    size_t there = ip->payload.length + (known ? walk->missing : 0);
    if (unsaid || (known && ip->payload_bytes > there))
        ip->payload_bytes = there;
}

/* Puts fragments together. A first one that is not there whole will never be put together
 * with others, and has TCP's header all the same. */
static bool assemble(const struct walk *walk, struct ip_packet *ip)
{
    return !ip->fragment || fragments_add(walk->fragments, walk->t_ns, ip) ||
           (ip->fragment_at == 0 && ip->payload.length < ip->payload_bytes);
}

enum decode_result walk_ip(struct walk *walk, struct span span)
{
    FILLED_BY_CALL struct ip_packet ip;
    enum decode_result result = ip_parse(span, &ip);

    if (result != DECODE_TCP)
        return result;
    if (!walk_deeper(walk))
        return DECODE_OTHER;
    if (!assemble(walk, &ip))
        return DECODE_OTHER;
    bound(walk, &ip);
    if (ip.protocol == PROTOCOL_TCP)
        return ip_decode_tcp(&ip, &walk->decoded->segment);
    if (ip.protocol == (ip.family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6))
        return walk_icmp(walk, &ip);
    return walk_tunnel(walk, &ip);
}

/* --- between link and IP --- */

static enum decode_result walk_mpls(struct walk *walk, struct span span)
{
    for (int labels = 0; labels < TAGS_MAX; labels++) {
        if (span.length < 4)
            return DECODE_CUT;
        bool bottom = span.bytes[2] & 1;
        span = span_after(span, 4);
        if (!bottom)
            continue;
        if (span.length == 0)
            return DECODE_CUT;
        /* Nothing says what follows: IP's own version does, and a pseudowire's control
         * word, or an Ethernet header, begins with anything else. */
        uint8_t nibble = span.bytes[0] >> 4;
        if (nibble == 4 || nibble == 6)
            return walk_ip(walk, span);
        if (nibble == 0 && span.length >= 4)
            return walk_ethernet(walk, span_after(span, 4));
        return walk_ethernet(walk, span);
    }
    return DECODE_OTHER;
}

static enum decode_result walk_pppoe(struct walk *walk, struct span span)
{
    if (span.length < 6)
        return DECODE_CUT;
    return walk_ppp(walk, span_after(span, 6));
}

/* LLC: SNAP with an EtherType, or IP's own number. */
static enum decode_result walk_llc(struct walk *walk, struct span span)
{
    if (span.length < 3)
        return DECODE_CUT;
    if (span.bytes[0] == 0x06 && span.bytes[1] == 0x06)
        return walk_ip(walk, span_after(span, 3));
    if (span.bytes[0] != 0xaa || span.bytes[1] != 0xaa)
        return DECODE_OTHER;
    if (span.length < 8)
        return DECODE_CUT;
    return walk_ethertype(walk, get16(span.bytes + 6), span_after(span, 8));
}

enum decode_result walk_ethertype(struct walk *walk, uint16_t type, struct span span)
{
    for (int tags = 0;
         type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD;
         tags++) {
        if (span.length < 4)
            return DECODE_CUT;
        if (tags == TAGS_MAX)
            return DECODE_OTHER;
        type = get16(span.bytes + 2);
        span = span_after(span, 4);
    }
    if (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6)
        return walk_ip(walk, span);
    if (!walk_deeper(walk))
        return DECODE_OTHER;
    if (type < ETHERTYPE_MIN)
        return walk_llc(walk, span);
    switch (type) {
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST: return walk_mpls(walk, span);
    case ETHERTYPE_PPPOE: return walk_pppoe(walk, span);
    case ETHERTYPE_TRANSPARENT: return walk_ethernet(walk, span);
    default: return DECODE_OTHER;
    }
}

enum decode_result walk_ethernet(struct walk *walk, struct span span)
{
    if (span.length < 14)
        return DECODE_CUT;
    return walk_ethertype(walk, get16(span.bytes + 12), span_after(span, 14));
}

/* The address and control bytes may be left out, and the protocol's first byte too. */
enum decode_result walk_ppp(struct walk *walk, struct span span)
{
    if (span.length >= 2 && span.bytes[0] == 0xff && span.bytes[1] == 0x03)
        span = span_after(span, 2);
    if (span.length < 2)
        return DECODE_CUT;
    uint16_t protocol = get16(span.bytes);
    size_t length = 2;
    if (span.bytes[0] & 1) {
        protocol = span.bytes[0];
        length = 1;
    }
    span = span_after(span, length);
    switch (protocol) {
    case 0x0021:
    case 0x0057: return walk_ip(walk, span);
    case 0x0281: return walk_deeper(walk) ? walk_mpls(walk, span) : DECODE_OTHER;
    default: return DECODE_OTHER;
    }
}

/* --- link types --- */

/* The address family as the capturing host has it, in its byte order or the network's. */
static enum decode_result walk_null(struct walk *walk, struct span span)
{
    if (span.length < 4)
        return DECODE_CUT;
    uint32_t family = get32(span.bytes);
    if (family > UINT16_MAX)
        family = __builtin_bswap32(family);
    span = span_after(span, 4);
    switch (family) {
    case 2:
    case 10:
    case 24:
    case 28:
    case 30: return walk_ip(walk, span);
    default: return DECODE_OTHER;
    }
}

static enum decode_result walk_sll(struct walk *walk, struct span span)
{
    if (span.length < 16)
        return DECODE_CUT;
    return walk_ethertype(walk, get16(span.bytes + 14), span_after(span, 16));
}

static enum decode_result walk_sll2(struct walk *walk, struct span span)
{
    if (span.length < 20)
        return DECODE_CUT;
    return walk_ethertype(walk, get16(span.bytes), span_after(span, 20));
}

/* Cisco's HDLC, as PPP where it begins as that does. */
static enum decode_result walk_hdlc(struct walk *walk, struct span span)
{
    if (span.length < 4)
        return DECODE_CUT;
    if (span.bytes[0] == 0xff && span.bytes[1] == 0x03)
        return walk_ppp(walk, span);
    return walk_ethertype(walk, get16(span.bytes + 2), span_after(span, 4));
}

/* Attributes in the capturing host's byte order, which their lengths betray; the packet
 * is one of them. */
static enum decode_result walk_nflog(struct walk *walk, struct span span)
{
    enum { PAYLOAD = 9 };
    if (span.length < 4)
        return DECODE_CUT;
    span = span_after(span, 4);
    while (span.length >= 4) {
        size_t length = (size_t)(span.bytes[0] | span.bytes[1] << 8);
        unsigned type = (unsigned)(span.bytes[2] | span.bytes[3] << 8);
        if (length > span.length && get16(span.bytes) <= span.length) {
            length = get16(span.bytes);
            type = get16(span.bytes + 2);
        }
        if (length < 4)
            return DECODE_MALFORMED;
        if (type ==
            PAYLOAD) { /* the rule that logged it says how much, and nobody else */
            walk->missing = MISSING_UNKNOWN;
            length = length < span.length ? length : span.length;
            return walk_ip(walk, (struct span){span.bytes + 4, length - 4});
        }
        if (length > span.length)
            return DECODE_CUT;
        size_t padded = (length + 3) & ~(size_t)3;
        span = span_after(span, padded < span.length ? padded : span.length);
    }
    return DECODE_OTHER;
}

/* An aggregate of frames one behind the other, each with two addresses and its length, and
 * filled up to four bytes. Each is a walk of its own. */
static enum decode_result walk_aggregate(struct walk *walk, struct span span)
{
    enum { SUBFRAME_HEADER = 14 };
    if (span.length < SUBFRAME_HEADER)
        return DECODE_CUT;
    size_t whole = SUBFRAME_HEADER + (size_t)get16(span.bytes + 12);
    size_t next = (whole + 3) & ~(size_t)3;
    if (next < span.length) {
        walk->rest = span_after(span, next);
        walk->rest_missing = walk->missing;
    }
    if (whole <= span.length) {
        span.length = whole;
        walk->missing = 0;
    }
    return walk_llc(walk, span_after(span, SUBFRAME_HEADER));
}

/* Data frames of 802.11, where they are not encrypted. */
enum decode_result walk_wlan(struct walk *walk, struct span span)
{
    if (span.length < 24)
        return DECODE_CUT;
    uint8_t control = span.bytes[0], flags = span.bytes[1];
    bool data = (control & 0x0c) == 0x08, quality = control & 0x80;
    if (!data || (control & 0x40) || (flags & 0x40))
        return DECODE_OTHER; /* not data, without data, or protected */
    size_t header = 24;
    header += (flags & 3) == 3 ? 6 : 0;
    size_t service = header;
    header += quality ? 2 : 0;
    header += quality && (flags & 0x80) ? 4 : 0;
    if (span.length < header)
        return DECODE_CUT;
    bool several = quality && (span.bytes[service] & 0x80);
    span = span_after(span, header);
    return several ? walk_aggregate(walk, span) : walk_llc(walk, span);
}

static enum decode_result walk_radiotap(struct walk *walk, struct span span)
{
    if (span.length < 8)
        return DECODE_CUT;
    size_t header = (size_t)(span.bytes[2] | span.bytes[3] << 8);
    if (header < 8)
        return DECODE_MALFORMED;
    if (span.length < header)
        return DECODE_CUT;
    return walk_wlan(walk, span_after(span, header));
}

/* Juniper's: what it says of itself, then Ethernet, or at once IP. */
static enum decode_result walk_juniper_ethernet(struct walk *walk, struct span span)
{
    enum { MAGIC = 0x4d4743, NO_LINK = 0x02, EXTENSIONS = 0x80 };
    if (span.length < 6)
        return DECODE_CUT;
    uint8_t flags = span.bytes[3];
    if (get32(span.bytes) >> 8 != MAGIC)
        return DECODE_MALFORMED;
    size_t header = flags & EXTENSIONS ? 6 + (size_t)get16(span.bytes + 4) : 4;
    if (span.length < header)
        return DECODE_CUT;
    span = span_after(span, header);
    return flags & NO_LINK ? walk_ip(walk, span) : walk_ethernet(walk, span);
}

/* IP over InfiniBand: 40 bytes of addresses, then an EtherType. */
static enum decode_result walk_ipoib(struct walk *walk, struct span span)
{
    if (span.length < 44)
        return DECODE_CUT;
    return walk_ethertype(walk, get16(span.bytes + 40), span_after(span, 44));
}

static enum decode_result walk_link(struct walk *walk, uint16_t link_type,
                                    struct span span)
{
    switch (link_type) {
    case 1: return walk_ethernet(walk, span);
    case 0:
    case 108: return walk_null(walk, span);
    case 9: return walk_ppp(walk, span);
    case 50:
    case 104: return walk_hdlc(walk, span);
    case 51: return walk_pppoe(walk, span);
    case 12:
    case 14:
    case 101:
    case 228:
    case 229: return walk_ip(walk, span);
    case 105: return walk_wlan(walk, span);
    case 113: return walk_sll(walk, span);
    case 127: return walk_radiotap(walk, span);
    case 178: return walk_juniper_ethernet(walk, span);
    case 239: return walk_nflog(walk, span);
    case 242: return walk_ipoib(walk, span);
    case 276: return walk_sll2(walk, span);
    default: return DECODE_OTHER;
    }
}

/* Where the walk came upon an aggregate, the rest of it is another one's. */
static enum decode_result remember(struct decoder *decoder, const struct walk *walk,
                                   enum decode_result result)
{
    walk->decoded->more = walk->rest.length > 0;
    if (walk->decoded->more)
        decoder->paused = *walk;
    return result;
}

enum decode_result decoder_packet(struct decoder *decoder, const struct packet *packet,
                                  struct decoded *ret_decoded)
{
    ret_decoded->more = false;
    if (decode_usual(packet, &ret_decoded->segment))
        return DECODE_TCP;
    struct walk walk = {
        .fragments = decoder->fragments, .t_ns = packet->t_ns, .decoded = ret_decoded};
    struct span span = {packet->bytes, packet->captured};
    /* The check sequence is captured only where the packet was captured whole. */
    uint32_t data = packet->length;
    if (packet->fcs_bytes < data)
        data -= packet->fcs_bytes;
    if (span.length > data)
        span.length = data;
    walk.missing = data - span.length;
    return remember(decoder, &walk, walk_link(&walk, packet->link_type, span));
}

enum decode_result decoder_more(struct decoder *decoder, struct decoded *ret_decoded)
{
    struct walk walk = {.fragments = decoder->fragments,
                        .t_ns = decoder->paused.t_ns,
                        .missing = decoder->paused.rest_missing,
                        .decoded = ret_decoded};
    return remember(decoder, &walk, walk_aggregate(&walk, decoder->paused.rest));
}
