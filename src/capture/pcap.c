/* The pcap format: a header of 24 bytes, then records. Its magic number tells the byte
 * order, the unit of times and the length of a record's header; libpcap accepts the same
 * three and no others. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "capture/reading.h"

enum { FILE_HEADER = 24, RECORD_HEADER = 16, MODIFIED_HEADER = 24 };

#define FCS_KNOWN UINT32_C(0x04000000)

static uint32_t swap32(uint32_t value)
{
    return __builtin_bswap32(value);
}

/* In the oldest files the two lengths stand the other way round; which version changed
 * that, not even libpcap knows for sure. */
static void choose_lengths(const struct capture *capture, uint32_t *captured,
                           uint32_t *length)
{
    if (!capture->lengths_swapped &&
        !(capture->lengths_maybe_swapped && *captured > *length))
        return;
    uint32_t first = *captured;
    *captured = *length;
    *length = first;
}

static int next(struct capture *capture, struct packet *ret_packet)
{
    const uint8_t *record;
    size_t header = capture->record_header;
    size_t there = source_need(capture->source, header, &record);

    if (there < header) {
        if (there == 0 && source_failure(capture->source, NULL) == 0)
            return 0;
        return capture_cut(capture);
    }
    uint32_t seconds = read32(capture, record), fraction = read32(capture, record + 4);
    uint32_t captured = read32(capture, record + 8),
             length = read32(capture, record + 12);
    if (capture->lengths_swapped || capture->lengths_maybe_swapped)
        choose_lengths(capture, &captured, &length);
    if (captured > RECORD_BYTES_MAX)
        return capture_fail(capture,
                            "packet %" PRIu64 " claims to be %" PRIu32
                            " bytes long, more than any is: the file is damaged there",
                            capture->number + 1, captured);
    if (there < header + captured) {
        there = source_need(capture->source, header + captured, &record);
        if (there < header + captured)
            return capture_cut(capture);
    }
    source_skip(capture->source, header + captured);
    *ret_packet = (struct packet){
        .number = ++capture->number,
        .t_ns = seconds * NS_PER_S +
                (capture->nanoseconds ? fraction : fraction * INT64_C(1000)),
        .bytes = record + header,
        .captured = captured,
        .length = length < captured ? captured : length,
        .link_type = capture->interfaces[0].link_type,
        .fcs_bytes = capture->interfaces[0].fcs_bytes,
    };
    return 1;
}

static const struct capture_format format = {"pcap", next};

/* Whether it is one of the magic numbers, in either byte order. */
static bool read_magic(struct capture *capture, uint32_t magic)
{
    for (int swapped = 0; swapped < 2; swapped++, magic = swap32(magic)) {
        if (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d && magic != 0xa1b2cd34)
            continue;
        capture->big_endian = swapped;
        capture->nanoseconds = magic == 0xa1b23c4d;
        capture->record_header = magic == 0xa1b2cd34 ? MODIFIED_HEADER : RECORD_HEADER;
        return true;
    }
    return false;
}

int pcap_begin(struct capture *capture, const uint8_t *bytes, size_t length)
{
    if (length < 4 || !read_magic(capture, read32(capture, bytes)))
        return 0;
    if (length < FILE_HEADER)
        return capture_fail(capture, "the file ends inside its header");
    uint16_t major = read16(capture, bytes + 4), minor = read16(capture, bytes + 6);
    if (major < 2 || major > 2)
        return capture_fail(capture, "version %u.%u of pcap is not known", major, minor);
    uint32_t link = read32(capture, bytes + 20);
    capture->interfaces = calloc(1, sizeof *capture->interfaces);
    if (!capture->interfaces)
        return error_set(&capture->failure, ERROR_MEMORY, "%s: no memory to read it with",
                         capture->name);
    capture->interface_count = 1;
    capture->interfaces[0] = (struct capture_interface){
        .link_type = (uint16_t)link,
        .fcs_bytes = (uint8_t)(link & FCS_KNOWN ? link >> 28 << 1 : 0),
        .resolution = capture->nanoseconds ? 9 : 6,
        .snap_length = read32(capture, bytes + 16),
    };
    capture->lengths_swapped = minor < 3;
    capture->lengths_maybe_swapped = minor == 3;
    capture->format = &format;
    source_skip(capture->source, FILE_HEADER);
    return 1;
}
