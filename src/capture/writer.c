/* Whatever the machine, files are written in little-endian order. */
#include "capture/writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "capture/output.h"
#include "capture/packet.h"
#include "capture/pcap.h"
#include "capture/pcapng.h"
#include "capture/pcapng_pack.h"
#include "capture/reading.h"

struct writer {
    struct output *output;
    enum writer_format format;
    enum writer_unit *units; /* of each interface */
    uint32_t interface_count;
    int misused; /* ERROR_ARGUMENT once the caller gave what no file can hold */
};

/* --- Interfaces --- */

static void begin_pcap(struct writer *writer, const struct writer_interface *interface)
{
    uint8_t header[PCAP_FILE_HEADER] = {0};
    uint32_t link = interface->link_type;
    if (interface->fcs_bytes > 0)
        link |= PCAP_FCS_KNOWN | (uint32_t)interface->fcs_bytes / 2 << PCAP_FCS_SHIFT;
    pack32(ORDER_LITTLE, header,
           interface->unit == WRITER_NANOSECONDS ? PCAP_MAGIC_NS : PCAP_MAGIC_US);
    pack16(ORDER_LITTLE, header + 4, 2);
    pack16(ORDER_LITTLE, header + 6, 4);
    pack32(ORDER_LITTLE, header + 16,
           interface->snap_length ? interface->snap_length : RECORD_BYTES_MAX);
    pack32(ORDER_LITTLE, header + 20, link);
    output_append(writer->output, header, sizeof header);
}

/* The section's length is not told: -1. */
static void append_section(struct writer *writer)
{
    static const char application[] = "woshou " WOSHOU_VERSION;
    uint8_t fixed[SECTION_FIXED];
    uint32_t length = SECTION_FIXED + pcapng_option_bytes(sizeof application - 1) +
                      pcapng_option_bytes(0) + 4;

    memset(fixed, 0xff, sizeof fixed);
    pack32(ORDER_LITTLE, fixed, BLOCK_SECTION);
    pack32(ORDER_LITTLE, fixed + 4, length);
    pack32(ORDER_LITTLE, fixed + 8, BYTE_ORDER_MAGIC);
    pack16(ORDER_LITTLE, fixed + 12, 1);
    pack16(ORDER_LITTLE, fixed + 14, 0);
    output_append(writer->output, fixed, sizeof fixed);
    pcapng_append_option(writer->output, ORDER_LITTLE, OPTION_SECTION_APPLICATION,
                         application, sizeof application - 1);
    pcapng_append_option(writer->output, ORDER_LITTLE, OPTION_END, NULL, 0);
    pcapng_append32(writer->output, ORDER_LITTLE, length);
}

static void append_interface(struct writer *writer,
                             const struct writer_interface *interface)
{
    uint8_t fixed[INTERFACE_FIXED] = {0};
    uint8_t resolution = interface->unit == WRITER_NANOSECONDS ? 9 : 6;
    uint8_t fcs_bits = (uint8_t)(8 * interface->fcs_bytes);
    uint16_t name_length = interface->name ? pcapng_text_length(interface->name) : 0;
    uint32_t length =
        INTERFACE_FIXED + pcapng_option_bytes(1) + pcapng_option_bytes(0) + 4;

    length += name_length ? pcapng_option_bytes(name_length) : 0;
    length += fcs_bits ? pcapng_option_bytes(1) : 0;
    pack32(ORDER_LITTLE, fixed, BLOCK_INTERFACE);
    pack32(ORDER_LITTLE, fixed + 4, length);
    pack16(ORDER_LITTLE, fixed + 8, interface->link_type);
    pack32(ORDER_LITTLE, fixed + 12, interface->snap_length);
    output_append(writer->output, fixed, sizeof fixed);
    if (name_length)
        pcapng_append_option(writer->output, ORDER_LITTLE, OPTION_INTERFACE_NAME,
                             interface->name, name_length);
    pcapng_append_option(writer->output, ORDER_LITTLE, OPTION_INTERFACE_RESOLUTION,
                         &resolution, 1);
    if (fcs_bits)
        pcapng_append_option(writer->output, ORDER_LITTLE, OPTION_INTERFACE_FCS,
                             &fcs_bits, 1);
    pcapng_append_option(writer->output, ORDER_LITTLE, OPTION_END, NULL, 0);
    pcapng_append32(writer->output, ORDER_LITTLE, length);
}

int writer_add_interface(struct writer *writer, const struct writer_interface *interface,
                         struct error *err)
{
    if (writer->interface_count == (writer->format == WRITER_PCAP ? 1 : INTERFACES_MAX))
        return error_set(err, ERROR_LIMIT, "a capture file holds no more interfaces");
    size_t count = writer->interface_count + 1;
    enum writer_unit *units = realloc(writer->units, count * sizeof *units);
    if (!units)
        return error_set(err, ERROR_MEMORY, "no memory to write a capture with");
    writer->units = units;
    units[writer->interface_count++] = interface->unit;
    if (writer->format == WRITER_PCAP)
        begin_pcap(writer, interface);
    else
        append_interface(writer, interface);
    return 0;
}

/* --- Packets --- */

static void append_pcap(struct writer *writer, const struct packet *packet, int64_t t_ns)
{
    uint8_t header[PCAP_RECORD_HEADER];
    int64_t seconds = t_ns / NS_PER_S, fraction = t_ns % NS_PER_S;
    if (seconds > UINT32_MAX)
        seconds = UINT32_MAX;
    if (writer->units[0] == WRITER_MICROSECONDS)
        fraction /= NS_PER_US;
    pack32(ORDER_LITTLE, header, (uint32_t)seconds);
    pack32(ORDER_LITTLE, header + 4, (uint32_t)fraction);
    pack32(ORDER_LITTLE, header + 8, packet->captured);
    pack32(ORDER_LITTLE, header + 12, packet->length);
    output_append(writer->output, header, sizeof header);
    output_append(writer->output, packet->bytes, packet->captured);
}

static uint32_t flags_of(const struct packet *packet)
{
    return packet->direction == DIRECTION_IN    ? FLAGS_INBOUND
           : packet->direction == DIRECTION_OUT ? FLAGS_OUTBOUND
                                                : 0;
}

static void append_fixed(struct writer *writer, const struct packet *packet, int64_t t_ns,
                         uint32_t length)
{
    uint8_t fixed[PACKET_FIXED];
    bool us = writer->units[packet->interface] == WRITER_MICROSECONDS;
    uint64_t units = (uint64_t)(us ? t_ns / NS_PER_US : t_ns);

    pack32(ORDER_LITTLE, fixed, BLOCK_ENHANCED_PACKET);
    pack32(ORDER_LITTLE, fixed + 4, length);
    pack32(ORDER_LITTLE, fixed + 8, packet->interface);
    pack32(ORDER_LITTLE, fixed + 12, (uint32_t)(units >> 32));
    pack32(ORDER_LITTLE, fixed + 16, (uint32_t)units);
    pack32(ORDER_LITTLE, fixed + 20, packet->captured);
    pack32(ORDER_LITTLE, fixed + 24, packet->length);
    output_append(writer->output, fixed, sizeof fixed);
}

static void append_enhanced(struct writer *writer, const struct packet *packet,
                            int64_t t_ns, const char *comment)
{
    struct output *output = writer->output;
    uint32_t flags = flags_of(packet);
    uint16_t comment_length = comment ? pcapng_text_length(comment) : 0;
    uint32_t options = (comment ? pcapng_option_bytes(comment_length) : 0) +
                       (flags ? pcapng_option_bytes(4) : 0);
    if (options)
        options += pcapng_option_bytes(0);
    uint32_t length = PACKET_FIXED + pcapng_padded(packet->captured) + options + 4;

    append_fixed(writer, packet, t_ns, length);
    pcapng_append_padded(output, packet->bytes, packet->captured);
    if (flags) {
        uint8_t word[4];
        pack32(ORDER_LITTLE, word, flags);
        pcapng_append_option(output, ORDER_LITTLE, OPTION_PACKET_FLAGS, word, 4);
    }
    if (comment)
        pcapng_append_option(output, ORDER_LITTLE, OPTION_COMMENT, comment,
                             comment_length);
    if (options)
        pcapng_append_option(output, ORDER_LITTLE, OPTION_END, NULL, 0);
    pcapng_append32(output, ORDER_LITTLE, length);
}

int writer_packet(struct writer *writer, const struct packet *packet, const char *comment)
{
    int code = writer_failure(writer, NULL);
    if (code)
        return code;
    if (packet->interface >= writer->interface_count ||
        packet->captured > RECORD_BYTES_MAX)
        return writer->misused = ERROR_ARGUMENT;
    int64_t t_ns = packet->t_ns < 0 ? 0 : packet->t_ns;
    if (writer->format == WRITER_PCAP)
        append_pcap(writer, packet, t_ns);
    else
        append_enhanced(writer, packet, t_ns, comment);
    return writer_failure(writer, NULL);
}

int writer_failure(const struct writer *writer, struct error *err)
{
    if (writer->misused)
        return error_set(err, writer->misused,
                         "a packet is larger than any, or of no interface");
    return output_failure(writer->output, err);
}

/* --- Opening and closing --- */

int writer_open(const char *path, enum writer_format format, struct writer **ret_writer,
                struct error *err)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return error_set(err, ERROR_MEMORY, "%s: no memory to write it with", path);
    writer->format = format;
    int code = output_open(path, &writer->output, err);
    if (code) {
        writer_close(&writer);
        return code;
    }
    if (format == WRITER_PCAPNG)
        append_section(writer);
    *ret_writer = writer;
    return 0;
}

int writer_commit(struct writer *writer, struct error *err)
{
    return writer->misused ? writer_failure(writer, err)
                           : output_commit(writer->output, err);
}

void writer_close(struct writer **writer)
{
    struct writer *closed = *writer;
    if (!closed)
        return;
    output_close(&closed->output);
    free(closed->units);
    free(closed);
    *writer = NULL;
}
