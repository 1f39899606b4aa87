#include "capture/decode.h"

#include <string.h>

#include "capture/ip.h"
#include "capture/packet.h"

enum {
    TCP_HEADER = 20,
    TCP_ENOUGH = 14, /* ports, numbers, flags */
    PROTOCOL_TCP = 6,
    /* Options' kinds. */
    MSS = 2,
    WINDOW_SCALE = 3,
    SACK_PERMITTED = 4,
    SACK = 5,
    TIMESTAMPS = 8,
    FAST_OPEN = 34,
    EXPERIMENT = 254
};

static void read_timestamps(const uint8_t *value, struct segment *segment)
{
    segment->timestamps = true;
    segment->tsval = get32(value);
    segment->tsecr = get32(value + 4);
}

static void decode_option(uint8_t kind, const uint8_t *value, uint8_t length,
                          struct segment *segment)
{
    if (kind == MSS && length == 2)
        segment->mss = get16(value);
    else if (kind == WINDOW_SCALE && length == 1)
        segment->window_shift =
            (int8_t)(value[0] > 14 ? 14 : value[0]); /* RFC 7323, 2.3 */
    else if (kind == SACK_PERMITTED && length == 0)
        segment->sack_permitted = true;
    else if (kind == SACK && length >= 8)
        segment->sack = true;
    else if (kind == TIMESTAMPS && length == 8)
        read_timestamps(value, segment);
    else if (kind == FAST_OPEN ||
             (kind == EXPERIMENT && length >= 2 && get16(value) == 0xf989))
        segment->fast_open = true; /* RFC 7413, and as it was before that */
}

/* Options that end early or lie about their length end the list; the segment stands
 * without. */
static void decode_any_options(const uint8_t *options, size_t length,
                               struct segment *segment)
{
    while (length > 0 && options[0] != 0) {
        if (options[0] == 1) {
            options++;
            length--;
            continue;
        }
        if (length < 2 || options[1] < 2 || options[1] > length)
            return;
        decode_option(options[0], options + 2, (uint8_t)(options[1] - 2), segment);
        length -= options[1];
        options += options[1];
    }
}

static void set_ipv4(struct endpoint *endpoint, const uint8_t *address, uint16_t port)
{
    endpoint->family = 4;
    memcpy(endpoint->address, address, 4);
    memset(endpoint->address + 4, 0, sizeof endpoint->address - 4);
    endpoint->port = port;
}

static void set_ipv6(struct endpoint *endpoint, const uint8_t *address, uint16_t port)
{
    endpoint->family = 6;
    memcpy(endpoint->address, address, sizeof endpoint->address);
    endpoint->port = port;
}

/* What nearly every segment has are two paddings and the timestamps. */
static inline void decode_options(const uint8_t *options, size_t length,
                                  struct segment *segment)
{
    static const uint8_t usual[4] = {1, 1, TIMESTAMPS, 10};
    if (length == 12 && memcmp(options, usual, sizeof usual) == 0)
        read_timestamps(options + 4, segment);
    else
        decode_any_options(options, length, segment);
}

/* Field by field, here and below: compilers clear a large struct by an instruction that
 * takes as long as all the rest. */
static void set_no_options(struct segment *segment)
{
    segment->mss = 0;
    segment->window_shift = -1;
    segment->sack_permitted = segment->sack = segment->fast_open = false;
    segment->timestamps = false;
    segment->tsval = segment->tsecr = 0;
}

/* The header up to its flags. */
static void set_numbers(const uint8_t *tcp, struct segment *segment)
{
    segment->seq = get32(tcp + 4);
    segment->ack = get32(tcp + 8);
    segment->flags = tcp[13];
}

enum decode_result ip_decode_tcp(const struct ip_packet *ip, struct segment *ret_segment)
{
    const uint8_t *tcp = ip->payload.bytes;
    size_t there = ip->payload.length;

    if (ip->payload_bytes < TCP_HEADER)
        return DECODE_MALFORMED;
    if (there < TCP_ENOUGH)
        return DECODE_CUT;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || header > ip->payload_bytes)
        return DECODE_MALFORMED;
    set_no_options(ret_segment);
    set_numbers(tcp, ret_segment);
    ret_segment->window = there < TCP_ENOUGH + 2 ? UINT16_MAX : get16(tcp + 14);
    ret_segment->ip_id = (uint16_t)(ip->family == 4 ? ip->id : 0);
    ret_segment->ttl = ip->ttl;
    if (ip->family == 4) {
        set_ipv4(&ret_segment->source, ip->source, get16(tcp));
        set_ipv4(&ret_segment->destination, ip->destination, get16(tcp + 2));
    } else {
        set_ipv6(&ret_segment->source, ip->source, get16(tcp));
        set_ipv6(&ret_segment->destination, ip->destination, get16(tcp + 2));
    }
    if (header <= there)
        decode_options(tcp + TCP_HEADER, header - TCP_HEADER, ret_segment);
    else
        header = there; /* nothing of the payload was captured */
    size_t said = (size_t)(tcp[12] >> 4) * 4, captured = there - header;
    size_t payload = ip->payload_bytes == IP_UNSAID ? captured : ip->payload_bytes - said;
    ret_segment->payload = tcp + header;
    ret_segment->payload_bytes = (uint32_t)payload;
    ret_segment->payload_captured = (uint32_t)(captured < payload ? captured : payload);
    return DECODE_TCP;
}

bool decode_usual(const struct packet *packet, struct segment *ret_segment)
{
    enum { ETHERNET = 1, LINK = 14, IP = 20, OFFSET_AND_MORE = 0x3fff };
    const uint8_t *ip = packet->bytes + LINK, *tcp = ip + IP;

    if (packet->link_type != ETHERNET || packet->fcs_bytes ||
        packet->captured < LINK + IP + TCP_HEADER || get16(ip - 2) != 0x0800 ||
        ip[0] != 0x45 || ip[9] != PROTOCOL_TCP || (get16(ip + 6) & OFFSET_AND_MORE))
        return false;
    size_t header = (size_t)(tcp[12] >> 4) * 4, headers = IP + header;
    size_t total = get16(ip + 2), there = packet->captured - LINK;
    if (header < TCP_HEADER || headers > total || headers > there ||
        LINK + total > packet->length)
        return false;
    set_no_options(ret_segment);
    set_numbers(tcp, ret_segment);
    set_ipv4(&ret_segment->source, ip + 12, get16(tcp));
    set_ipv4(&ret_segment->destination, ip + 16, get16(tcp + 2));
    ret_segment->window = get16(tcp + 14);
    ret_segment->ip_id = get16(ip + 4);
    ret_segment->ttl = ip[8];
    if (header > TCP_HEADER)
        decode_options(tcp + TCP_HEADER, header - TCP_HEADER, ret_segment);
    ret_segment->payload = tcp + header;
    ret_segment->payload_bytes = (uint32_t)(total - headers);
    ret_segment->payload_captured = (uint32_t)((there < total ? there : total) - headers);
    return true;
}

enum decode_result decode_ip(const uint8_t *bytes, size_t length,
                             struct segment *ret_segment)
{
    struct ip_packet ip;
    struct segment segment;
    enum decode_result result = ip_parse((struct span){bytes, length}, &ip);

    if (result != DECODE_TCP)
        return result;
    if (ip.protocol != PROTOCOL_TCP || ip.fragment_at > 0)
        return DECODE_OTHER;
    result = ip_decode_tcp(&ip, &segment);
    if (result == DECODE_TCP)
        *ret_segment = segment;
    return result;
}
