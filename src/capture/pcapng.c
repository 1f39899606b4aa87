/* The pcapng format: sections, each in a byte order of its own, of blocks; interfaces are
 * described in their section, with their link type and the unit of their times. Blocks
 * that are not known are stepped over. */
#include "capture/pcapng.h"

#include <inttypes.h>

#include "capture/pcapng_time.h"

/* On the way of every packet, which is to be one function. */
#define QUICK __attribute__((always_inline)) static inline

/* --- packets --- */

static int fail_misfit(struct capture *capture)
{
    return capture_fail(
        capture, "packet %" PRIu64 " does not fit its block: the file is damaged there",
        capture->number + 1);
}

static int fail_interface(struct capture *capture, uint32_t index)
{
    return capture_fail(capture,
                        "packet %" PRIu64 " is of interface %" PRIu32
                        ", which the file does not describe",
                        capture->number + 1, index);
}

/* Whether so many bytes may stand from `fixed` on in a block. */
static bool fits(const struct pcapng_block *block, uint32_t fixed, uint32_t captured)
{
    return captured <= RECORD_BYTES_MAX && captured <= block->length - fixed - 4;
}

static void read_flags(uint32_t flags, struct packet *packet)
{
    uint32_t direction = flags & FLAGS_DIRECTION;
    uint32_t fcs_bytes = flags >> FLAGS_FCS_SHIFT & FLAGS_FCS;

    packet->direction = direction == FLAGS_INBOUND    ? DIRECTION_IN
                        : direction == FLAGS_OUTBOUND ? DIRECTION_OUT
                                                      : DIRECTION_UNKNOWN;
    if (fcs_bytes > 0)
        packet->fcs_bytes = (uint8_t)fcs_bytes;
}

struct pcapng_options pcapng_packet_options(const struct pcapng_block *block,
                                            uint32_t captured)
{
    uint32_t begin = PACKET_FIXED + ((captured + 3) & ~UINT32_C(3));
    return (struct pcapng_options){block->bytes + begin, block->length - 4 - begin};
}

static void read_packet_options(const struct capture *capture,
                                struct pcapng_options options, struct packet *packet)
{
    struct pcapng_option option;
    while (pcapng_next_option(capture, &options, &option))
        if (option.code == OPTION_PACKET_FLAGS && option.length >= 4)
            read_flags(read32(capture, option.value), packet);
}

/* The enhanced block and the obsolete one, which differ in their interface's bits. */
QUICK int read_packet(struct capture *capture, const struct pcapng_block *block,
                      struct packet *ret_packet)
{
    const uint8_t *bytes = block->bytes;
    if (block->length < PACKET_FIXED + 4)
        return fail_misfit(capture);
    uint32_t index = block->type == BLOCK_ENHANCED_PACKET ? read32(capture, bytes + 8)
                                                          : read16(capture, bytes + 8);
    uint32_t captured = read32(capture, bytes + 20), length = read32(capture, bytes + 24);
    if (!fits(block, PACKET_FIXED, captured))
        return fail_misfit(capture);
    if (index >= capture->interface_count)
        return fail_interface(capture, index);
    const struct capture_interface *interface = &capture->interfaces[index];
    uint64_t units =
        (uint64_t)read32(capture, bytes + 12) << 32 | read32(capture, bytes + 16);
    *ret_packet = (struct packet){
        .number = ++capture->number,
        .t_ns = pcapng_time(interface, units),
        .bytes = bytes + PACKET_FIXED,
        .captured = captured,
        .length = length < captured ? captured : length,
        .interface = capture->interfaces_before + index,
        .link_type = interface->link_type,
        .fcs_bytes = interface->fcs_bytes,
    };
    struct pcapng_options options = pcapng_packet_options(block, captured);
    if (options.length > 0)
        read_packet_options(capture, options, ret_packet);
    return 1;
}

/* It tells neither its interface, which is the first, nor its time, nor how much of it
 * was captured. */
static int read_simple(struct capture *capture, const struct pcapng_block *block,
                       struct packet *ret_packet)
{
    if (block->length < SIMPLE_FIXED + 4)
        return fail_misfit(capture);
    if (capture->interface_count == 0)
        return fail_interface(capture, 0);
    const struct capture_interface *interface = &capture->interfaces[0];
    uint32_t length = read32(capture, block->bytes + BLOCK_HEADER);
    uint32_t snap = interface->snap_length;
    uint32_t captured = snap && snap < length ? snap : length;
    if (!fits(block, SIMPLE_FIXED, captured))
        return fail_misfit(capture);
    *ret_packet = (struct packet){
        .number = ++capture->number,
        .t_ns = PACKET_TIMELESS,
        .bytes = block->bytes + SIMPLE_FIXED,
        .captured = captured,
        .length = length,
        .interface = capture->interfaces_before,
        .link_type = interface->link_type,
        .fcs_bytes = interface->fcs_bytes,
    };
    return 1;
}

/* --- blocks --- */

/* A section begins: its own byte order, and interfaces counted from 0 again. */
static int begin_section(struct capture *capture, const uint8_t *block)
{
    capture->big_endian = false;
    uint32_t order = read32(capture, block + 8);
    if (order != BYTE_ORDER_MAGIC && order != __builtin_bswap32(BYTE_ORDER_MAGIC))
        return capture_fail(
            capture, "after packet %" PRIu64 " a section begins in no known byte order",
            capture->number);
    capture->big_endian = order != BYTE_ORDER_MAGIC;
    if (read16(capture, block + 12) != 1)
        return capture_fail(capture, "version %u.%u of pcapng is not known",
                            read16(capture, block + 12), read16(capture, block + 14));
    if (read32(capture, block + 4) < SECTION_FIXED + 4)
        return capture_fail(
            capture,
            "after packet %" PRIu64
            " a section begins in too few bytes: the file is damaged there",
            capture->number);
    capture->interfaces_before += capture->interface_count;
    capture->interface_count = 0;
    return 0;
}

static bool is_packet(uint32_t type)
{
    return type == BLOCK_ENHANCED_PACKET || type == BLOCK_SIMPLE_PACKET ||
           type == BLOCK_OBSOLETE_PACKET;
}

/* The bytes end inside the block of which `there` are left. */
static int cut_block(struct capture *capture, const uint8_t *block, size_t there)
{
    return there >= 4 && is_packet(read32(capture, block)) ? capture_cut_packet(capture)
                                                           : capture_cut_other(capture);
}

/* Its first 12 bytes, or 28 where it begins a section, which then has begun. */
QUICK int begin_block(struct capture *capture, const uint8_t **ret_block,
                      size_t *ret_there)
{
    size_t there = source_need(capture->source, BLOCK_MIN, ret_block);
    *ret_there = there;
    if (there < BLOCK_MIN)
        return capture_at_end(capture, there) ? 0 : cut_block(capture, *ret_block, there);
    if (__builtin_expect(read32(capture, *ret_block) != BLOCK_SECTION, 1))
        return 1;
    *ret_there = source_need(capture->source, SECTION_FIXED + 4, ret_block);
    if (*ret_there < SECTION_FIXED + 4)
        return capture_cut_other(capture);
    int code = begin_section(capture, *ret_block);
    return code ? code : 1;
}

static int fail_length(struct capture *capture, uint32_t length)
{
    return capture_fail(capture,
                        "after packet %" PRIu64 " a block claims to be %" PRIu32
                        " bytes long: the file is damaged there",
                        capture->number, length);
}

QUICK int next_block(struct capture *capture, struct pcapng_block *ret_block)
{
    const uint8_t *block;
    size_t there;
    int code = begin_block(capture, &block, &there);
    if (code != 1)
        return code;
    uint32_t length = read32(capture, block + 4);
    if (length < BLOCK_MIN || length % 4 || length > SOURCE_NEED_MAX)
        return fail_length(capture, length);
    if (there < length) {
        there = source_need(capture->source, length, &block);
        if (there < length)
            return cut_block(capture, block, there);
    }
    if (read32(capture, block + length - 4) != length)
        return capture_fail(capture,
                            "after packet %" PRIu64
                            " a block's two lengths differ: the file is damaged there",
                            capture->number);
    source_skip(capture->source, length);
    *ret_block = (struct pcapng_block){block, read32(capture, block), length};
    return 1;
}

/* 1: a packet; 0: none; or negative. */
static int read_other(struct capture *capture, const struct pcapng_block *block,
                      struct packet *ret_packet)
{
    int code = 0;
    if (block->type == BLOCK_OBSOLETE_PACKET)
        return read_packet(capture, block, ret_packet);
    if (block->type == BLOCK_SIMPLE_PACKET)
        return read_simple(capture, block, ret_packet);
    if (block->type == BLOCK_INTERFACE)
        code = pcapng_add_interface(capture, block);
    if (code == 0 && capture->pass)
        capture->pass(capture->pass_owner, block);
    return code;
}

static int next(struct capture *capture, struct packet *ret_packet)
{
    struct pcapng_block *block = &capture->block;
    int code;
    while ((code = next_block(capture, block)) == 1) {
        code = __builtin_expect(block->type == BLOCK_ENHANCED_PACKET, 1)
                   ? read_packet(capture, block, ret_packet)
                   : read_other(capture, block, ret_packet);
        if (code != 0)
            return code;
    }
    return code;
}

/* Whether a packet comes next and stands in memory whole. */
QUICK bool stands(const struct capture *capture)
{
    const uint8_t *block;
    size_t there = source_need(capture->source, 0, &block);
    return there >= BLOCK_MIN && read32(capture, block) == BLOCK_ENHANCED_PACKET &&
           there >= read32(capture, block + 4);
}

static size_t take(struct capture *capture, struct packet *packets, size_t max)
{
    size_t count = 0;
    while (count < max && !capture->ended && stands(capture))
        if (next(capture, &packets[count]) == 1)
            count++;
        else
            capture->ended = true;
    return count;
}

const struct capture_format pcapng_format = {"pcapng", next, take};

int pcapng_begin(struct capture *capture, const uint8_t *bytes, size_t length)
{
    if (length < 4 || read32(capture, bytes) != BLOCK_SECTION)
        return 0;
    capture->format = &pcapng_format;
    return 1;
}
