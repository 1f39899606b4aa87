#include "capture/file_sample.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "capture/file.h"
#include "capture/pcapng.h"
#include "capture/pcapng_pack.h"
#include "capture/source.h"

/* --- building --- */

void sample_add(struct file_sample *sample, const void *bytes, size_t length)
{
    assert_true(length <= sizeof sample->bytes - sample->length);
    if (length > 0)
        memcpy(sample->bytes + sample->length, bytes, length);
    sample->length += length;
}

static enum byte_order order_of(const struct file_sample *sample)
{
    return sample->big_endian ? ORDER_BIG : ORDER_LITTLE;
}

void sample_add8(struct file_sample *sample, uint8_t value)
{
    sample_add(sample, &value, 1);
}

void sample_add16(struct file_sample *sample, uint16_t value)
{
    uint8_t bytes[2];
    pack16(order_of(sample), bytes, value);
    sample_add(sample, bytes, sizeof bytes);
}

void sample_add32(struct file_sample *sample, uint32_t value)
{
    uint8_t bytes[4];
    pack32(order_of(sample), bytes, value);
    sample_add(sample, bytes, sizeof bytes);
}

static void note_seam(struct file_sample *sample, size_t packets)
{
    size_t count = sample->seam_count;
    assert_true(count < sizeof sample->seams / sizeof sample->seams[0]);
    sample->seams[count].at = sample->length;
    sample->seams[count].packets =
        packets + (count > 0 ? sample->seams[count - 1].packets : 0);
    sample->seam_count++;
}

void sample_pcap(struct file_sample *sample, uint32_t magic, uint16_t minor,
                 uint32_t link)
{
    sample_add32(sample, magic);
    sample_add16(sample, 2);
    sample_add16(sample, minor);
    sample_add32(sample, 0);
    sample_add32(sample, 0);
    sample_add32(sample, 65535);
    sample_add32(sample, link);
    note_seam(sample, 0);
}

void sample_record(struct file_sample *sample, uint32_t seconds, uint32_t fraction,
                   const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    sample_add32(sample, seconds);
    sample_add32(sample, fraction);
    sample_add32(sample, length);
    sample_add32(sample, length);
    sample_add(sample, text, length);
    note_seam(sample, 1);
}

void sample_modified(struct file_sample *sample, uint32_t seconds, uint8_t type,
                     const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    sample_add32(sample, seconds);
    sample_add32(sample, 0);
    sample_add32(sample, length);
    sample_add32(sample, length);
    sample_add32(sample, 2); /* the interface's number */
    sample_add16(sample, 0x0800);
    sample_add8(sample, type);
    sample_add8(sample, 0);
    sample_add(sample, text, length);
    note_seam(sample, 1);
}

void sample_begin(struct file_sample *sample, uint32_t type)
{
    sample->block = sample->length;
    sample_add32(sample, type);
    sample_add32(sample, 0); /* its length, once it is known */
}

static void pad(struct file_sample *sample)
{
    while ((sample->length - sample->block) % 4)
        sample_add8(sample, 0);
}

void sample_option(struct file_sample *sample, uint16_t code, const void *value,
                   uint16_t length)
{
    sample_add16(sample, code);
    sample_add16(sample, length);
    sample_add(sample, value, length);
    pad(sample);
}

void sample_end(struct file_sample *sample)
{
    uint8_t *block = sample->bytes + sample->block;
    pad(sample);
    uint32_t length = (uint32_t)(sample->length - sample->block + 4);
    sample_add32(sample, length);
    pack32(order_of(sample), block + 4, length);
    bool little = block[3] == 0;
    uint32_t type = little ? block[0] : block[3];
    note_seam(sample, type == BLOCK_ENHANCED_PACKET || type == BLOCK_SIMPLE_PACKET ||
                          type == BLOCK_OBSOLETE_PACKET);
}

void sample_section(struct file_sample *sample)
{
    sample_begin(sample, BLOCK_SECTION);
    sample_add32(sample, BYTE_ORDER_MAGIC);
    sample_add16(sample, 1);
    sample_add16(sample, 0);
    sample_add32(sample, 0xffffffff);
    sample_add32(sample, 0xffffffff);
    sample_end(sample);
}

void sample_interface(struct file_sample *sample, uint16_t link, uint32_t snap)
{
    sample_begin(sample, BLOCK_INTERFACE);
    sample_add16(sample, link);
    sample_add16(sample, 0);
    sample_add32(sample, snap);
    sample_end(sample);
}

void sample_begin_packet(struct file_sample *sample, uint32_t interface, uint64_t units,
                         const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    sample_begin(sample, BLOCK_ENHANCED_PACKET);
    sample_add32(sample, interface);
    sample_add32(sample, (uint32_t)(units >> 32));
    sample_add32(sample, (uint32_t)units);
    sample_add32(sample, length);
    sample_add32(sample, length);
    sample_add(sample, text, length);
    pad(sample);
}

void sample_packet(struct file_sample *sample, uint32_t interface, uint64_t units,
                   const char *text)
{
    sample_begin_packet(sample, interface, units, text);
    sample_end(sample);
}

/* --- telling --- */

static void tell_packet(struct buffer *told, const struct packet *packet)
{
    uint64_t t_ns = packet->t_ns < 0 ? -(uint64_t)packet->t_ns : (uint64_t)packet->t_ns;
    buffer_append_format(told, "#%" PRIu64, packet->number);
    if (packet->t_ns == PACKET_TIMELESS)
        buffer_append_text(told, " timeless");
    else
        buffer_append_format(told, " %s%" PRIu64 ".%09" PRIu64,
                             packet->t_ns < 0 ? "-" : "", t_ns / NS_PER_S,
                             t_ns % NS_PER_S);
    buffer_append_format(told, " link %u interface %u: %u of %u bytes ",
                         packet->link_type, packet->interface, packet->captured,
                         packet->length);
    buffer_append(told, packet->bytes, packet->captured);
    if (packet->direction != DIRECTION_UNKNOWN)
        buffer_append_text(told, packet->direction == DIRECTION_IN ? " in" : " out");
    if (packet->fcs_bytes > 0)
        buffer_append_format(told, " fcs %u", packet->fcs_bytes);
    buffer_append_char(told, '\n');
}

static void tell_capture(struct buffer *told, struct capture **capture)
{
    struct packet packet;
    struct error err;
    uint64_t number = 0;
    int code;
    while ((code = capture_next(*capture, &packet, &err)) == 1) {
        assert_int_equal(packet.number, ++number);
        assert_true(packet.captured <= packet.length);
        tell_packet(told, &packet);
    }
    assert_int_equal(capture_next(*capture, &packet, NULL), code);
    buffer_append_format(told, "%s\n", code ? err.sentence : "end");
    assert_int_equal(code, code ? err.code : 0);
    capture_close(capture);
    assert_null(*capture);
}

/* The same by batches, of which the first are of one packet. */
static void tell_batches(struct buffer *told, struct capture *capture)
{
    struct packet packets[7];
    struct error err;
    size_t count = 0, max = 1;
    int code;
    while ((code = capture_batch(capture, packets, max, &count, &err)) == 1) {
        assert_in_range(count, 1, max);
        for (size_t i = 0; i < count; i++)
            tell_packet(told, &packets[i]);
        max = max < 7 ? max + 1 : 7;
    }
    assert_int_equal(capture_batch(capture, packets, max, &count, NULL), code);
    buffer_append_format(told, "%s\n", code ? err.sentence : "end");
}

static struct buffer *new_telling(void)
{
    static struct buffer told;
    buffer_done(&told);
    return &told;
}

static const char *finish_telling(struct buffer *told, int code, struct capture **capture,
                                  const struct error *err)
{
    if (code)
        buffer_append_format(told, "%s\n", err->sentence);
    else
        tell_capture(told, capture);
    assert_int_equal(told->failed, 0);
    return buffer_text(told);
}

static void expect_same_in_batches(const uint8_t *bytes, size_t length, const char *text)
{
    struct capture *capture;
    struct source *source;
    struct buffer told;
    buffer_init(&told, 0);
    assert_int_equal(source_memory(bytes, length, &source, NULL), 0);
    assert_int_equal(capture_open_source(source, "sample", &capture, NULL), 0);
    tell_batches(&told, capture);
    assert_string_equal(buffer_text(&told), text);
    capture_close(&capture);
    buffer_done(&told);
}

const char *sample_told_bytes(const void *bytes, size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (length + page - 1) / page * page;
    uint8_t *begin = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct buffer *told = new_telling();
    struct capture *capture = NULL;
    struct source *source;
    struct error err;

    assert_true(begin != MAP_FAILED);
    assert_int_equal(mprotect(begin + room, page, PROT_NONE), 0);
    uint8_t *copy = begin + room - length;
    if (length > 0)
        memcpy(copy, bytes, length);
    assert_int_equal(source_memory(copy, length, &source, &err), 0);
    int code = capture_open_source(source, "sample", &capture, &err);
    const char *text = finish_telling(told, code, &capture, &err);
    if (code == 0)
        expect_same_in_batches(copy, length, text);
    munmap(begin, room + page);
    return text;
}

const char *sample_told(const struct file_sample *sample)
{
    return sample_told_bytes(sample->bytes, sample->length);
}

const char *sample_told_file(const char *path)
{
    struct buffer *told = new_telling();
    struct capture *capture = NULL;
    struct error err;
    int code = capture_open(path, &capture, &err);
    return finish_telling(told, code, &capture, &err);
}

/* --- cutting --- */

static size_t count_packets(const char *told, const char **ret_last)
{
    size_t count = 0;
    for (; *told == '#'; told = strchr(told, '\n') + 1)
        count++;
    *ret_last = told;
    return count;
}

void sample_try_every_cut(const struct file_sample *sample)
{
    size_t seam = 0, packets = 0;
    char *whole = strdup(sample_told(sample));
    assert_non_null(whole);
    for (size_t cut = 0; cut < sample->length; cut++) {
        bool at_seam = cut == sample->seams[seam].at;
        if (at_seam)
            packets = sample->seams[seam++].packets;
        const char *told = sample_told_bytes(sample->bytes, cut), *last;
        assert_int_equal(count_packets(told, &last), packets);
        assert_memory_equal(told, whole, (size_t)(last - told));
        if (at_seam)
            assert_string_equal(last, "end\n");
        else
            assert_memory_equal(last, "sample: ", 8);
        assert_ptr_equal(strchr(last, '\n'), last + strlen(last) - 1);
    }
    free(whole);
}

void sample_write(const void *bytes, size_t length, char ret_path[SAMPLE_PATH])
{
    snprintf(ret_path, SAMPLE_PATH, "%s", "/tmp/woshou-test.XXXXXX");
    int fd = mkstemp(ret_path);
    assert_true(fd >= 0);
    for (size_t at = 0; at < length;) {
        ssize_t written = write(fd, (const uint8_t *)bytes + at, length - at);
        assert_true(written > 0);
        at += (size_t)written;
    }
    close(fd);
}
