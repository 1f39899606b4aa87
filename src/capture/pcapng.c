/* The pcapng format: sections, each in a byte order of its own, of blocks; interfaces are
 * described in their section, with their link type and the unit of their times. Blocks
 * that are not known are stepped over. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "capture/reading.h"

enum {
    BLOCK_HEADER = 8,
    BLOCK_MIN = 12, /* type, length, length again */
    SECTION_BYTES = 28,
    INTERFACE_BODY = 8,
    PACKET_BODY = 20,
    SIMPLE_BODY = 4,
    OPTION_RESOLUTION = 9,
    OPTION_OFFSET = 14,
    OPTION_FCS = 13,
    OPTION_FLAGS = 2
};

#define SECTION UINT32_C(0x0a0d0d0a)
#define INTERFACE UINT32_C(1)
#define OBSOLETE_PACKET UINT32_C(2)
#define SIMPLE_PACKET UINT32_C(3)
#define ENHANCED_PACKET UINT32_C(6)

/* The part of a block between its two lengths. */
struct body {
    const uint8_t *bytes;
    uint32_t length;
};

/* --- options --- */

/* Steps to the next option; its value is in the body for sure. */
static bool next_option(const struct capture *capture, struct body *options,
                        uint16_t *ret_code, struct body *ret_value)
{
    if (options->length < 4)
        return false;
    uint16_t code = read16(capture, options->bytes);
    uint32_t length = read16(capture, options->bytes + 2);
    uint32_t padded = (length + 3) & ~UINT32_C(3);
    if (code == 0 || length > options->length - 4)
        return false;
    if (padded > options->length - 4)
        padded = options->length - 4;
    *ret_code = code;
    *ret_value = (struct body){options->bytes + 4, length};
    options->bytes += 4 + padded;
    options->length -= 4 + padded;
    return true;
}

/* --- times --- */

static int64_t saturate(bool negative)
{
    return negative ? -INT64_MAX : INT64_MAX;
}

/* Units since 1970 to nanoseconds; a time beyond 2262 stands still there. */
static int64_t to_ns(const struct capture_interface *interface, uint64_t units)
{
    __extension__ typedef __int128 wide;
    unsigned exponent = interface->resolution & 0x7f;
    wide ns = units;

    if (interface->resolution & 0x80) {
        ns = exponent < 64 ? ns * NS_PER_S >> exponent : 0;
    } else {
        for (; exponent < 9; exponent++)
            ns *= 10;
        for (; exponent > 9 && ns > 0; exponent--)
            ns /= 10;
    }
    ns += (wide)interface->offset_s * NS_PER_S;
    return ns > INT64_MAX || ns < -INT64_MAX ? saturate(ns < 0) : (int64_t)ns;
}

/* --- interfaces --- */

static void read_interface_option(const struct capture *capture,
                                  struct capture_interface *interface, uint16_t code,
                                  struct body value)
{
    if (code == OPTION_RESOLUTION && value.length >= 1)
        interface->resolution = value.bytes[0];
    if (code == OPTION_FCS && value.length >= 1)
        interface->fcs_bytes = value.bytes[0] / 8;
    if (code == OPTION_OFFSET && value.length >= 8) {
        uint32_t first = read32(capture, value.bytes);
        uint32_t second = read32(capture, value.bytes + 4);
        uint64_t high = capture->big_endian ? first : second;
        uint64_t low = capture->big_endian ? second : first;
        interface->offset_s = (int64_t)(high << 32 | low);
    }
}

static int add_interface(struct capture *capture, struct body body)
{
    uint32_t count = capture->interface_count;
    if (body.length < INTERFACE_BODY)
        return capture_fail(capture,
                            "after packet %" PRIu64
                            " an interface is described in too few bytes",
                            capture->number);
    if (count == INTERFACES_MAX)
        return capture_fail(capture, "there are more than %d interfaces", INTERFACES_MAX);
    if ((count & (count - 1)) == 0) {
        size_t capacity = count ? 2 * (size_t)count : 1;
        struct capture_interface *more =
            realloc(capture->interfaces, capacity * sizeof *more);
        if (!more)
            return error_set(&capture->failure, ERROR_MEMORY,
                             "%s: no memory to read it with", capture->name);
        capture->interfaces = more;
    }
    struct capture_interface *interface = &capture->interfaces[count];
    *interface =
        (struct capture_interface){.link_type = read16(capture, body.bytes),
                                   .resolution = 6,
                                   .snap_length = read32(capture, body.bytes + 4)};
    struct body options = {body.bytes + INTERFACE_BODY, body.length - INTERFACE_BODY};
    struct body value;
    uint16_t code;
    while (next_option(capture, &options, &code, &value))
        read_interface_option(capture, interface, code, value);
    capture->interface_count++;
    return 0;
}

/* --- packets --- */

static int damaged(struct capture *capture)
{
    return capture_fail(
        capture, "packet %" PRIu64 " does not fit its block: the file is damaged there",
        capture->number + 1);
}

static int give(struct capture *capture, uint32_t index, struct body data,
                uint32_t length, struct packet *ret_packet)
{
    const struct capture_interface *interface;
    if (index >= capture->interface_count - capture->section)
        return capture_fail(capture,
                            "packet %" PRIu64 " is of interface %" PRIu32
                            ", which the file does not describe",
                            capture->number + 1, index);
    interface = &capture->interfaces[capture->section + index];
    *ret_packet = (struct packet){
        .number = ++capture->number,
        .t_ns = PACKET_TIMELESS,
        .bytes = data.bytes,
        .captured = data.length,
        .length = length < data.length ? data.length : length,
        .interface = capture->section + index,
        .link_type = interface->link_type,
        .fcs_bytes = interface->fcs_bytes,
    };
    return 1;
}

static uint8_t read_direction(const struct capture *capture, struct body options)
{
    struct body value;
    uint16_t code;
    while (next_option(capture, &options, &code, &value))
        if (code == OPTION_FLAGS && value.length >= 4) {
            uint32_t direction = read32(capture, value.bytes) & 3;
            return direction == 1   ? DIRECTION_IN
                   : direction == 2 ? DIRECTION_OUT
                                    : DIRECTION_UNKNOWN;
        }
    return DIRECTION_UNKNOWN;
}

/* The enhanced block and the obsolete one, whose interface has 16 bits. */
static int read_packet(struct capture *capture, uint32_t type, struct body body,
                       struct packet *ret_packet)
{
    if (body.length < PACKET_BODY)
        return damaged(capture);
    uint32_t index = type == ENHANCED_PACKET ? read32(capture, body.bytes)
                                             : read16(capture, body.bytes);
    uint64_t units =
        (uint64_t)read32(capture, body.bytes + 4) << 32 | read32(capture, body.bytes + 8);
    uint32_t captured = read32(capture, body.bytes + 12);
    uint32_t room = body.length - PACKET_BODY;
    if (captured > room || captured > RECORD_BYTES_MAX)
        return damaged(capture);
    struct body data = {body.bytes + PACKET_BODY, captured};
    int code = give(capture, index, data, read32(capture, body.bytes + 16), ret_packet);
    if (code != 1)
        return code;
    ret_packet->t_ns = to_ns(&capture->interfaces[ret_packet->interface], units);
    uint32_t padded = (captured + 3) & ~UINT32_C(3);
    if (padded < room)
        ret_packet->direction =
            read_direction(capture, (struct body){data.bytes + padded, room - padded});
    return 1;
}

/* It tells neither its interface, which is the first, nor its time, nor how much of it
 * was captured. */
static int read_simple(struct capture *capture, struct body body,
                       struct packet *ret_packet)
{
    if (body.length < SIMPLE_BODY || capture->section == capture->interface_count)
        return damaged(capture);
    uint32_t length = read32(capture, body.bytes);
    uint32_t snap = capture->interfaces[capture->section].snap_length;
    uint32_t captured = snap && snap < length ? snap : length;
    if (captured > body.length - SIMPLE_BODY)
        captured = body.length - SIMPLE_BODY;
    if (captured > RECORD_BYTES_MAX)
        return damaged(capture);
    return give(capture, 0, (struct body){body.bytes + SIMPLE_BODY, captured}, length,
                ret_packet);
}

/* --- blocks --- */

/* A section begins: its own byte order, and interfaces counted from 0 again. */
static int begin_section(struct capture *capture, const uint8_t *block)
{
    capture->big_endian = false;
    uint32_t order = read32(capture, block + 8);
    if (order != 0x1a2b3c4d && order != 0x4d3c2b1a)
        return capture_fail(
            capture, "after packet %" PRIu64 " a section begins in no known byte order",
            capture->number);
    capture->big_endian = order == 0x4d3c2b1a;
    if (read16(capture, block + 12) != 1)
        return capture_fail(capture, "version %u.%u of pcapng is not known",
                            read16(capture, block + 12), read16(capture, block + 14));
    capture->section = capture->interface_count;
    return 0;
}

/* The next block, whole, in `ret_block`; 1, 0 at the end, or negative. */
static int next_block(struct capture *capture, const uint8_t **ret_block,
                      uint32_t *ret_length)
{
    const uint8_t *block;
    size_t there = source_need(capture->source, BLOCK_MIN, &block);
    if (there == 0 && source_failure(capture->source, NULL) == 0)
        return 0;
    if (there < BLOCK_MIN)
        return capture_cut(capture);
    if (read32(capture, block) == SECTION) { /* the same in both byte orders */
        there = source_need(capture->source, SECTION_BYTES, &block);
        if (there < SECTION_BYTES)
            return capture_cut(capture);
        int code = begin_section(capture, block);
        if (code)
            return code;
    }
    uint32_t length = read32(capture, block + 4);
    if (length < BLOCK_MIN || length % 4 || length > SOURCE_NEED_MAX)
        return capture_fail(capture,
                            "after packet %" PRIu64 " a block claims to be %" PRIu32
                            " bytes long: the file is damaged there",
                            capture->number, length);
    if (there < length && source_need(capture->source, length, &block) < length)
        return capture_cut(capture);
    if (read32(capture, block + length - 4) != length)
        return capture_fail(capture,
                            "after packet %" PRIu64
                            " a block's two lengths differ: the file is damaged there",
                            capture->number);
    source_skip(capture->source, length);
    *ret_block = block;
    *ret_length = length;
    return 1;
}

static int next(struct capture *capture, struct packet *ret_packet)
{
    for (;;) {
        const uint8_t *block;
        uint32_t length = 0;
        int code = next_block(capture, &block, &length);
        if (code != 1)
            return code;
        struct body body = {block + BLOCK_HEADER, length - BLOCK_MIN};
        uint32_t type = read32(capture, block);
        if (type == ENHANCED_PACKET || type == OBSOLETE_PACKET)
            return read_packet(capture, type, body, ret_packet);
        if (type == SIMPLE_PACKET)
            return read_simple(capture, body, ret_packet);
        if (type == INTERFACE && (code = add_interface(capture, body)) != 0)
            return code;
    }
}

static const struct capture_format format = {"pcapng", next};

int pcapng_begin(struct capture *capture, const uint8_t *bytes, size_t length)
{
    if (length < 4 || read32(capture, bytes) != SECTION)
        return 0;
    capture->format = &format;
    return 1;
}
