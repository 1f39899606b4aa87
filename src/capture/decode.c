#include "capture/decode.h"

#include <string.h>

/* Bytes still to be read, and whether a read went past them. */
struct reader {
    const uint8_t *bytes;
    size_t left;
};

enum {
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    PROTOCOL_TCP = 6,
    /* IPv6 extension headers that may stand before TCP, and how many at most we
     * follow. */
    HOP_BY_HOP = 0,
    ROUTING = 43,
    FRAGMENT = 44,
    AUTHENTICATION = 51,
    DESTINATION_OPTIONS = 60,
    EXTENSIONS_MAX = 8
};

/* A length that the IP header leaves out: the packet goes on to the end of its bytes. */
#define UNSAID SIZE_MAX

static uint16_t get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t get32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           bytes[3];
}

static void skip(struct reader *reader, size_t count)
{
    reader->bytes += count;
    reader->left -= count;
}

static void decode_option(uint8_t kind, const uint8_t *value, uint8_t length,
                          struct segment *segment)
{
    if (kind == 2 && length == 2) {
        segment->mss = get16(value);
    } else if (kind == 3 && length == 1) {
        segment->window_shift =
            (int8_t)(value[0] > 14 ? 14 : value[0]); /* RFC 7323, 2.3 */
    } else if (kind == 4 && length == 0) {
        segment->sack_permitted = true;
    } else if (kind == 8 && length == 8) {
        segment->timestamps = true;
        segment->tsval = get32(value);
        segment->tsecr = get32(value + 4);
    }
}

/* Options that end early or lie about their length end the list; the segment stands
 * without. */
static void decode_options(const uint8_t *options, size_t length, struct segment *segment)
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

/* `ip_payload_bytes` is what the IP header says follows it, or UNSAID; fewer may have been
 * captured. */
static enum decode_result decode_tcp(struct reader reader, size_t ip_payload_bytes,
                                     struct segment *segment)
{
    if (ip_payload_bytes < TCP_HEADER)
        return DECODE_MALFORMED;
    if (reader.left < TCP_HEADER)
        return DECODE_CUT;
    const uint8_t *tcp = reader.bytes;
    size_t header = (size_t)(tcp[12] >> 4) * 4;
    if (header < TCP_HEADER || header > ip_payload_bytes)
        return DECODE_MALFORMED;
    if (reader.left < header)
        return DECODE_CUT;

    segment->source.port = get16(tcp);
    segment->destination.port = get16(tcp + 2);
    segment->seq = get32(tcp + 4);
    segment->ack = get32(tcp + 8);
    segment->flags = tcp[13];
    segment->window = get16(tcp + 14);
    segment->window_shift = -1;
    decode_options(tcp + TCP_HEADER, header - TCP_HEADER, segment);
    skip(&reader, header);
    segment->payload = reader.bytes;
    segment->payload_bytes =
        (uint32_t)(ip_payload_bytes == UNSAID ? reader.left : ip_payload_bytes - header);
    segment->payload_captured =
        (uint32_t)(reader.left < segment->payload_bytes ? reader.left
                                                        : segment->payload_bytes);
    return DECODE_TCP;
}

static enum decode_result decode_ipv4(struct reader reader, struct segment *segment)
{
    if (reader.left < IPV4_HEADER)
        return DECODE_CUT;
    const uint8_t *ip = reader.bytes;
    size_t header = (size_t)(ip[0] & 15) * 4, total = get16(ip + 2);
    if (total == 0) /* segmentation offload: it did not fit, or was left to the device */
        total = UNSAID;
    if (header < IPV4_HEADER || header > total)
        return DECODE_MALFORMED;
    if (reader.left < header)
        return DECODE_CUT;
    if (ip[9] != PROTOCOL_TCP || (get16(ip + 6) & 0x1fff) != 0)
        return DECODE_OTHER;
    segment->source.family = segment->destination.family = 4;
    memcpy(segment->source.address, ip + 12, 4);
    memcpy(segment->destination.address, ip + 16, 4);
    skip(&reader, header);
    return decode_tcp(reader, total == UNSAID ? UNSAID : total - header, segment);
}

/* Steps over one IPv6 extension header; DECODE_TCP where another may follow. */
static enum decode_result skip_extension(struct reader *reader, size_t *payload,
                                         uint8_t *next)
{
    if (*payload < 8)
        return DECODE_MALFORMED;
    if (reader->left < 8)
        return DECODE_CUT;
    size_t length = ((size_t)reader->bytes[1] + 1) * 8;
    if (*next == FRAGMENT) {
        if (get16(reader->bytes + 2) & 0xfff8)
            return DECODE_OTHER;
        length = 8;
    } else if (*next == AUTHENTICATION) {
        length = ((size_t)reader->bytes[1] + 2) * 4;
    }
    if (length > *payload)
        return DECODE_MALFORMED;
    if (length > reader->left)
        return DECODE_CUT;
    *next = reader->bytes[0];
    if (*payload != UNSAID)
        *payload -= length;
    skip(reader, length);
    return DECODE_TCP;
}

static enum decode_result decode_ipv6(struct reader reader, struct segment *segment)
{
    if (reader.left < IPV6_HEADER)
        return DECODE_CUT;
    const uint8_t *ip = reader.bytes;
    size_t payload = get16(ip + 4);
    uint8_t next = ip[6];
    segment->source.family = segment->destination.family = 6;
    memcpy(segment->source.address, ip + 8, 16);
    memcpy(segment->destination.address, ip + 24, 16);
    skip(&reader, IPV6_HEADER);
    if (payload == 0) /* a jumbogram or segmentation offload */
        payload = UNSAID;
    for (int i = 0; i <= EXTENSIONS_MAX; i++) {
        if (next == PROTOCOL_TCP)
            return decode_tcp(reader, payload, segment);
        if (next != HOP_BY_HOP && next != ROUTING && next != FRAGMENT &&
            next != AUTHENTICATION && next != DESTINATION_OPTIONS)
            return DECODE_OTHER;
        enum decode_result result = skip_extension(&reader, &payload, &next);
        if (result != DECODE_TCP)
            return result;
    }
    return DECODE_OTHER;
}

enum decode_result decode_ip(const uint8_t *bytes, size_t length,
                             struct segment *ret_segment)
{
    struct reader reader = {bytes, length};
    struct segment segment = {0};
    enum decode_result result = DECODE_MALFORMED;

    if (length == 0)
        return DECODE_CUT;
    if (bytes[0] >> 4 == 4)
        result = decode_ipv4(reader, &segment);
    else if (bytes[0] >> 4 == 6)
        result = decode_ipv6(reader, &segment);
    if (result == DECODE_TCP)
        *ret_segment = segment;
    return result;
}
