#include "capture/decode.h"

#include <string.h>

#include "capture/ip.h"

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
static void decode_options(const uint8_t *options, size_t length, struct segment *segment)
{
    /* What nearly every segment has: two paddings and the timestamps. */
    static const uint8_t usual[4] = {1, 1, TIMESTAMPS, 10};
    if (length == 12 && memcmp(options, usual, sizeof usual) == 0) {
        read_timestamps(options + 4, segment);
        return;
    }
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

static void set_endpoint(struct endpoint *endpoint, uint8_t family,
                         const uint8_t *address, uint16_t port)
{
    endpoint->family = family;
    memcpy(endpoint->address, address, family == 4 ? 4 : 16);
    endpoint->port = port;
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
    *ret_segment = (struct segment){
        .seq = get32(tcp + 4),
        .ack = get32(tcp + 8),
        .flags = tcp[13],
        .window = there < TCP_ENOUGH + 2 ? UINT16_MAX : get16(tcp + 14),
        .window_shift = -1,
        .ip_id = (uint16_t)(ip->family == 4 ? ip->id : 0),
        .ttl = ip->ttl,
    };
    set_endpoint(&ret_segment->source, ip->family, ip->source, get16(tcp));
    set_endpoint(&ret_segment->destination, ip->family, ip->destination, get16(tcp + 2));
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
