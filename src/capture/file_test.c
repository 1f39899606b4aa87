/* What is the same for every format: opening, compression, progress, and how it ends. */
#include "capture/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/error.h"
#include "capture/file_sample.h"
#include "capture/source.h"

static struct file_sample small_pcap(void)
{
    struct file_sample sample = {0};
    sample_pcap(&sample, 0xa1b2c3d4, 4, 1);
    sample_record(&sample, 1, 0, "abc");
    sample_record(&sample, 2, 0, "def");
    return sample;
}

#define TWO_PACKETS                                                                      \
    "#1 1.000000000 link 1 interface 0: 3 of 3 bytes abc\n"                              \
    "#2 2.000000000 link 1 interface 0: 3 of 3 bytes def\n"

static void a_file_is_read_by_its_path(void **state)
{
    (void)state;
    struct file_sample sample = small_pcap();
    char path[SAMPLE_PATH];
    struct capture *capture;
    sample_write(sample.bytes, sample.length, path);
    assert_string_equal(sample_told_file(path), TWO_PACKETS "end\n");
    assert_int_equal(capture_open(path, &capture, NULL), 0);
    assert_string_equal(capture_format(capture), "pcap");
    assert_string_equal(capture_compression(capture), "");
    assert_int_equal(capture_size(capture), sample.length);
    assert_int_equal(capture_position(capture), sample.length);
    capture_close(&capture);
    unlink(path);
}

static void standard_input_is_a_dash(void **state)
{
    (void)state;
    struct file_sample sample = small_pcap();
    char path[SAMPLE_PATH];
    int kept = dup(STDIN_FILENO);
    sample_write(sample.bytes, sample.length - 1, path);
    int fd = open(path, O_RDONLY);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    unlink(path);
    assert_string_equal(sample_told_file("-"),
                        "#1 1.000000000 link 1 interface 0: 3 of 3 bytes abc\n"
                        "standard input: the file ends inside packet 2; 1 before it "
                        "were read\n");
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), 0); /* still the caller's */
    if (kept >= 0) {
        dup2(kept, STDIN_FILENO);
        close(kept);
    } else {
        close(STDIN_FILENO);
    }
}

static void what_cannot_be_read_is_told_with_its_path(void **state)
{
    (void)state;
    assert_string_equal(sample_told_file("/nowhere/at/all"),
                        "/nowhere/at/all: opening it: no such file or directory\n");
    assert_string_equal(sample_told_file("/"), "/: reading it: is a directory\n");
    assert_string_equal(sample_told_file("/dev/null"), "/dev/null: the file is empty\n");
    assert_string_equal(sample_told_bytes("GIF89a and so on, and on", 24),
                        "sample: this is no capture file: neither pcap nor pcapng\n");
}

static void a_path_from_outside_cannot_move_the_cursor(void **state)
{
    (void)state;
    assert_string_equal(sample_told_file("/nowhere/\x1b[2J"),
                        "/nowhere/^[[2J: opening it: no such file or directory\n");
}

/* --- compression --- */

static size_t pack(const struct file_sample *sample, uint8_t *to, size_t room)
{
    z_stream stream = {.next_in = (Bytef *)sample->bytes,
                       .avail_in = (uInt)sample->length,
                       .next_out = to,
                       .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 0, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void compression_is_told_of_its_own(void **state)
{
    (void)state;
    struct file_sample sample = small_pcap();
    uint8_t packed[1000];
    size_t length = pack(&sample, packed, sizeof packed);
    struct source *source;
    struct capture *capture;
    assert_string_equal(sample_told_bytes(packed, length), TWO_PACKETS "end\n");
    assert_int_equal(source_memory(packed, length, &source, NULL), 0);
    assert_int_equal(capture_open_source(source, "sample", &capture, NULL), 0);
    assert_string_equal(capture_format(capture), "pcap");
    assert_string_equal(capture_compression(capture), "gzip");
    capture_close(&capture);
}

/* However early it breaks, what comes before is given: the header of gzip has 10 bytes, that
 * of a stored block 5. */
static void a_broken_compression_comes_after_the_packets(void **state)
{
    (void)state;
    struct file_sample sample = small_pcap();
    uint8_t packed[1000];
    size_t length = pack(&sample, packed, sizeof packed);
    assert_string_equal(sample_told_bytes(packed, length - 1), TWO_PACKETS
                        "sample: after packet 2: its gzip compression ends too early\n");
    packed[length - 5] ^= 1; /* the sum over all */
    assert_string_equal(sample_told_bytes(packed, length), TWO_PACKETS
                        "sample: after packet 2: its gzip compression is broken\n");
    assert_string_equal(sample_told_bytes(packed, 10 + 5 + 24 + 19 + 4),
                        "#1 1.000000000 link 1 interface 0: 3 of 3 bytes abc\n"
                        "sample: after packet 1: its gzip compression ends too early\n");
    assert_string_equal(sample_told_bytes(packed, 10 + 5 + 24),
                        "sample: after packet 0: its gzip compression ends too early\n");
    assert_string_equal(sample_told_bytes(packed, 10 + 5 + 23),
                        "sample: its gzip compression ends too early\n");
}

/* --- the end --- */

static void a_file_cut_while_it_is_read_ends_early(void **state)
{
    (void)state;
    enum { RECORDS = 40000 };
    char path[SAMPLE_PATH];
    struct file_sample sample = {0};
    struct capture *capture;
    struct packet packet;
    struct error err;
    int code;
    sample_pcap(&sample, 0xa1b2c3d4, 4, 1);
    sample_record(&sample, 1, 0, "abc");
    size_t record = sample.length - 24;
    sample_write(sample.bytes, sample.length, path);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    for (int i = 1; i < RECORDS; i++)
        fwrite(sample.bytes + 24, record, 1, file);
    fclose(file);
    assert_int_equal(capture_open(path, &capture, NULL), 0);
    assert_int_equal(capture_next(capture, &packet, NULL), 1);
    assert_int_equal(truncate(path, (off_t)(24 + (RECORDS - 1) * record + 1)), 0);
    while ((code = capture_next(capture, &packet, &err)) == 1)
        continue;
    assert_int_equal(code, ERROR_CORRUPT);
    assert_int_equal(packet.number, RECORDS - 1);
    assert_int_equal(capture_next(capture, &packet, &err), ERROR_CORRUPT);
    capture_close(&capture);
    capture_close(&capture);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_by_its_path),
        cmocka_unit_test(standard_input_is_a_dash),
        cmocka_unit_test(what_cannot_be_read_is_told_with_its_path),
        cmocka_unit_test(a_path_from_outside_cannot_move_the_cursor),
        cmocka_unit_test(compression_is_told_of_its_own),
        cmocka_unit_test(a_broken_compression_comes_after_the_packets),
        cmocka_unit_test(a_file_cut_while_it_is_read_ends_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
