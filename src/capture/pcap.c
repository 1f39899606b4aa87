/* The pcap format: a header of 24 bytes, then records. Its magic number tells the byte
 * order, the unit of times and the length of a record's header. */
#include "capture/pcap.h"

#include <inttypes.h>
#include <stdlib.h>

#include <linux/if_packet.h>

#include "base/clock.h"
#include "capture/reading.h"

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

/* The modified record's header goes on with what Linux's packet sockets tell. */
static uint8_t read_direction(const uint8_t *record)
{
    uint8_t type = record[22];
    if (type == PACKET_OUTGOING)
        return DIRECTION_OUT;
    return type <= PACKET_MULTICAST ? DIRECTION_IN : DIRECTION_UNKNOWN;
}

/* A fraction of a whole second or more is damage; the seconds still stand. */
static int64_t read_time(const struct capture *capture, const uint8_t *record)
{
    uint32_t seconds = read32(capture, record), fraction = read32(capture, record + 4);
    uint32_t unit_ns = capture->nanoseconds ? 1 : 1000;
    if (fraction >= NS_PER_S / unit_ns)
        fraction = 0;
    return seconds * NS_PER_S + (int64_t)fraction * unit_ns;
}

/* A record that stands in memory whole. */
static inline void read_record(struct capture *capture, const uint8_t *record,
                               uint32_t captured, uint32_t length,
                               struct packet *ret_packet)
{
    size_t header = capture->record_header;
    *ret_packet = (struct packet){
        .number = ++capture->number,
        .t_ns = read_time(capture, record),
        .bytes = record + header,
        .captured = captured,
        .length = length < captured ? captured : length,
        .link_type = capture->interfaces[0].link_type,
        .fcs_bytes = capture->interfaces[0].fcs_bytes,
    };
    if (header == PCAP_MODIFIED_HEADER)
        ret_packet->direction = read_direction(record);
}

static int next(struct capture *capture, struct packet *ret_packet)
{
    const uint8_t *record;
    size_t header = capture->record_header;
    size_t there = source_need(capture->source, header, &record);

    if (there < header)
        return capture_at_end(capture, there) ? 0 : capture_cut_packet(capture);
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
            return capture_cut_packet(capture);
    }
    source_skip(capture->source, header + captured);
    read_record(capture, record, captured, length, ret_packet);
    return 1;
}

static size_t take(struct capture *capture, struct packet *packets, size_t max)
{
    const uint8_t *record;
    size_t there = source_need(capture->source, 0, &record),
           header = capture->record_header;
    size_t taken = 0, count = 0;

    if (capture->lengths_swapped || capture->lengths_maybe_swapped)
        return 0;
    for (; count < max && there - taken >= header; count++) {
        uint32_t captured = read32(capture, record + 8);
        if (captured > RECORD_BYTES_MAX || captured > there - taken - header)
            break;
        read_record(capture, record, captured, read32(capture, record + 12),
                    &packets[count]);
        record += header + captured;
        taken += header + captured;
    }
    source_skip(capture->source, taken);
    return count;
}

const struct capture_format pcap_format = {"pcap", next, take};

/* Whether it is one of the magic numbers, in either byte order. */
static bool read_magic(struct capture *capture, uint32_t magic)
{
    for (int swapped = 0; swapped < 2; swapped++, magic = __builtin_bswap32(magic)) {
        if (magic != PCAP_MAGIC_US && magic != PCAP_MAGIC_NS &&
            magic != PCAP_MAGIC_MODIFIED)
            continue;
        capture->big_endian = swapped;
        capture->nanoseconds = magic == PCAP_MAGIC_NS;
        capture->record_header =
            magic == PCAP_MAGIC_MODIFIED ? PCAP_MODIFIED_HEADER : PCAP_RECORD_HEADER;
        return true;
    }
    return false;
}

/* 543.0 is DG/UX's, with the lengths of the oldest. */
static int read_version(struct capture *capture, const uint8_t *bytes)
{
    uint16_t major = read16(capture, bytes + 4), minor = read16(capture, bytes + 6);
    if (major != 2 && !(major == 543 && minor == 0))
        return capture_fail(capture, "version %u.%u of pcap is not known", major, minor);
    capture->lengths_swapped = minor < 3;
    capture->lengths_maybe_swapped = minor == 3;
    return 0;
}

static int read_link(struct capture *capture, const uint8_t *bytes)
{
    uint32_t link = read32(capture, bytes + 20);
    if (link & PCAP_LINK_RESERVED)
        return capture_fail(capture, "link type 0x%" PRIx32 " is none that pcap has",
                            link);
    capture->interfaces = calloc(1, sizeof *capture->interfaces);
    if (!capture->interfaces)
        return capture_no_memory(capture);
    capture->interface_count = 1;
    capture->interfaces[0] = (struct capture_interface){
        .link_type = link & PCAP_LINK_TYPE,
        .fcs_bytes = (uint8_t)(link & PCAP_FCS_KNOWN ? 2 * (link >> PCAP_FCS_SHIFT) : 0),
        .resolution = capture->nanoseconds ? 9 : 6,
        .snap_length = read32(capture, bytes + 16),
    };
    return 0;
}

int pcap_begin(struct capture *capture, const uint8_t *bytes, size_t length)
{
    if (length < 4 || !read_magic(capture, read32(capture, bytes)))
        return 0;
    if (length < PCAP_FILE_HEADER)
        return capture_fail(capture, "the file ends inside its header");
    int code = read_version(capture, bytes);
    if (code == 0)
        code = read_link(capture, bytes);
    if (code)
        return code;
    capture->format = &pcap_format;
    source_skip(capture->source, PCAP_FILE_HEADER);
    return 1;
}
