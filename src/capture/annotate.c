#include "capture/annotate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/file.h"
#include "capture/output.h"
#include "capture/pcapng.h"
#include "capture/pcapng_pack.h"
#include "capture/reading.h"
#include "capture/writer.h"

/* A packet is pending that was read and not yet written: of pcapng, its block is. */
struct annotate {
    struct capture *capture;
    struct output *output; /* pcapng */
    struct writer *writer; /* pcap */
    bool begun;            /* pcapng: there is a section */
    bool pending;
    struct packet packet;
};

static enum byte_order order_of(const struct annotate *annotate)
{
    return annotate->capture->big_endian ? ORDER_BIG : ORDER_LITTLE;
}

/* --- pcapng's blocks --- */

/* A section that tells its length is about to become longer: it tells none. */
static void copy_block(void *owner, const struct pcapng_block *block)
{
    struct annotate *annotate = owner;
    static const uint8_t no_length[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint32_t copied = 0;
    if (block->type == BLOCK_SECTION) {
        annotate->begun = true;
        output_append(annotate->output, block->bytes, SECTION_FIXED - sizeof no_length);
        output_append(annotate->output, no_length, sizeof no_length);
        copied = SECTION_FIXED;
    }
    output_append(annotate->output, block->bytes + copied, block->length - copied);
}

/* How many packets were lost before this one, which obsolete blocks tell in their header
 * and enhanced ones in an option; 0: none, or not known. */
static uint16_t drops_of(const struct annotate *annotate)
{
    const struct pcapng_block *block = &annotate->capture->block;
    if (block->type != BLOCK_OBSOLETE_PACKET)
        return 0;
    uint16_t drops = read16(annotate->capture, block->bytes + 10);
    return drops == UINT16_MAX ? 0 : drops;
}

/* An obsolete block becomes an enhanced one: that is what readers look for comments in. */
static void append_fixed(struct annotate *annotate, uint32_t length)
{
    const struct pcapng_block *block = &annotate->capture->block;
    enum byte_order order = order_of(annotate);
    uint8_t fixed[PACKET_FIXED];

    memcpy(fixed, block->bytes, sizeof fixed);
    if (block->type == BLOCK_OBSOLETE_PACKET)
        pack32(order, fixed + 8, read16(annotate->capture, fixed + 8));
    pack32(order, fixed, BLOCK_ENHANCED_PACKET);
    pack32(order, fixed + 4, length);
    output_append(annotate->output, fixed, sizeof fixed);
}

/* The pending block with another option, behind those it has: where they end, or stop
 * making sense. False where it has no place. */
static bool append_commented(struct annotate *annotate, const char *comment)
{
    const struct pcapng_block *block = &annotate->capture->block;
    enum byte_order order = order_of(annotate);
    uint16_t drops = drops_of(annotate);
    uint16_t comment_length = pcapng_text_length(comment);
    struct pcapng_options rest = pcapng_packet_options(block, annotate->packet.captured);
    struct pcapng_option option;

    while (pcapng_next_option(annotate->capture, &rest, &option))
        continue;
    uint32_t kept = (uint32_t)(rest.bytes - block->bytes) - PACKET_FIXED;
    uint32_t length = block->length + pcapng_option_bytes(comment_length) +
                      (drops ? pcapng_option_bytes(8) : 0) +
                      (rest.length ? 0 : pcapng_option_bytes(0));
    if (length > SOURCE_NEED_MAX)
        return false;
    append_fixed(annotate, length);
    output_append(annotate->output, block->bytes + PACKET_FIXED, kept);
    if (drops) {
        uint8_t value[8];
        pack64(order, value, drops);
        pcapng_append_option(annotate->output, order, OPTION_PACKET_DROPS, value, 8);
    }
    pcapng_append_option(annotate->output, order, OPTION_COMMENT, comment,
                         comment_length);
    if (rest.length)
        output_append(annotate->output, rest.bytes, rest.length);
    else
        pcapng_append_option(annotate->output, order, OPTION_END, NULL, 0);
    pcapng_append32(annotate->output, order, length);
    return true;
}

/* --- packet by packet --- */

static void write_pending(struct annotate *annotate)
{
    if (annotate->pending && annotate->writer)
        writer_packet(annotate->writer, &annotate->packet, NULL);
    else if (annotate->pending)
        copy_block(annotate, &annotate->capture->block);
    annotate->pending = false;
}

static int write_failure(const struct annotate *annotate, struct error *err)
{
    return annotate->writer ? writer_failure(annotate->writer, err)
                            : output_failure(annotate->output, err);
}

int annotate_next(struct annotate *annotate, struct packet *ret_packet, struct error *err)
{
    write_pending(annotate);
    int code = write_failure(annotate, err);
    if (code == 0)
        code = capture_next(annotate->capture, &annotate->packet, err);
    if (code == 1) {
        annotate->pending = true;
        *ret_packet = annotate->packet;
    }
    return code;
}

int annotate_comment(struct annotate *annotate, const char *comment)
{
    if (!annotate->pending)
        return 1;
    if (annotate->writer) {
        writer_packet(annotate->writer, &annotate->packet, comment);
    } else if (annotate->capture->block.type == BLOCK_SIMPLE_PACKET ||
               !append_commented(annotate, comment)) {
        return 1;
    }
    annotate->pending = false;
    return 0;
}

/* --- opening and closing --- */

static int refuse(const char *path_in, const char *path_out, struct error *err)
{
    struct stat in, out;
    if (strcmp(path_in, "-") == 0)
        return error_set(err, ERROR_ARGUMENT,
                         "standard input cannot be read a second time, which comments "
                         "on its packets need");
    if (stat(path_in, &in) != 0 || S_ISDIR(in.st_mode))
        return 0; /* opening it tells */
    if (!S_ISREG(in.st_mode))
        return error_set(err, ERROR_ARGUMENT,
                         "%s: cannot be read a second time, which comments on its "
                         "packets need",
                         path_in);
    if (stat(path_out, &out) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
        return error_set(err, ERROR_ARGUMENT,
                         "%s: is the capture itself, which is not overwritten", path_out);
    return 0;
}

static int open_pcap(struct annotate *annotate, const char *path_out, struct error *err)
{
    const struct capture *capture = annotate->capture;
    const struct capture_interface *from = capture->interfaces;
    struct writer_interface interface = {
        .link_type = from->link_type,
        .fcs_bytes = from->fcs_bytes,
        .snap_length = from->snap_length,
        .unit = capture->nanoseconds ? WRITER_NANOSECONDS : WRITER_MICROSECONDS,
    };
    int code = writer_open(path_out, WRITER_PCAPNG, &annotate->writer, err);
    return code ? code : writer_add_interface(annotate->writer, &interface, err);
}

static int open_pcapng(struct annotate *annotate, const char *path_out, struct error *err)
{
    annotate->capture->pass = copy_block;
    annotate->capture->pass_owner = annotate;
    return output_open(path_out, &annotate->output, err);
}

int annotate_open(const char *path_in, const char *path_out,
                  struct annotate **ret_annotate, struct error *err)
{
    int code = refuse(path_in, path_out, err);
    if (code)
        return code;
    struct annotate *annotate = calloc(1, sizeof *annotate);
    if (!annotate)
        return error_set(err, ERROR_MEMORY, "%s: no memory to read it with", path_in);
    code = capture_open(path_in, &annotate->capture, err);
    if (code == 0)
        code = annotate->capture->format == &pcap_format
                   ? open_pcap(annotate, path_out, err)
                   : open_pcapng(annotate, path_out, err);
    if (code)
        annotate_close(&annotate);
    else
        *ret_annotate = annotate;
    return code;
}

int annotate_commit(struct annotate *annotate, struct error *err)
{
    write_pending(annotate);
    if (annotate->writer)
        return writer_commit(annotate->writer, err);
    if (!annotate->begun)
        return error_set(err, ERROR_CORRUPT, "%s: nothing of it could be read to keep",
                         annotate->capture->name);
    return output_commit(annotate->output, err);
}

void annotate_close(struct annotate **annotate)
{
    struct annotate *closed = *annotate;
    if (!closed)
        return;
    capture_close(&closed->capture);
    output_close(&closed->output);
    writer_close(&closed->writer);
    free(closed);
    *annotate = NULL;
}

uint64_t annotate_position(const struct annotate *annotate)
{
    return capture_position(annotate->capture);
}

uint64_t annotate_size(const struct annotate *annotate)
{
    return capture_size(annotate->capture);
}
