/* Samples are annotated from file to file; what comes out is read back with our own
 * reader, and with Wireshark's where that is installed. */
#include "capture/annotate.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"
#include "capture/file.h"
#include "capture/file_sample.h"
#include "capture/reading.h"

static char path_in[SAMPLE_PATH], path_out[SAMPLE_PATH];

static int make_paths(void **state)
{
    (void)state;
    sample_write("", 0, path_out);
    unlink(path_out);
    path_in[0] = 0;
    return 0;
}

static int drop_paths(void **state)
{
    (void)state;
    unlink(path_in);
    unlink(path_out);
    return 0;
}

/* --- annotating and reading back --- */

/* Annotates the bytes with comments for packets 1, 2, ..., of which any may be null; the
 * ones after the last have none. What annotate_next ended with, and in `ret_homeless` how
 * many had no place. */
static int annotate(const struct file_sample *sample, const char *const *comments,
                    size_t count, int *ret_homeless)
{
    struct annotate *annotate;
    struct packet packet;
    struct error err = {0};
    int code;
    *ret_homeless = 0;
    sample_write(sample->bytes, sample->length, path_in);
    assert_int_equal(annotate_open(path_in, path_out, &annotate, &err), 0);
    while ((code = annotate_next(annotate, &packet, &err)) == 1)
        if (packet.number <= count && comments[packet.number - 1])
            *ret_homeless += annotate_comment(annotate, comments[packet.number - 1]);
    assert_int_equal(code, err.code);
    assert_int_equal(annotate_position(annotate), annotate_size(annotate));
    assert_int_equal(access(path_out, F_OK), -1);
    assert_int_equal(annotate_commit(annotate, NULL), 0);
    annotate_close(&annotate);
    assert_null(annotate);
    return code;
}

#define annotate_all(sample, ...)                                                        \
    do {                                                                                 \
        const char *const comments[] = {__VA_ARGS__};                                    \
        int homeless;                                                                    \
        assert_int_equal(                                                                \
            annotate(sample, comments, sizeof comments / sizeof comments[0], &homeless), \
            0);                                                                          \
        assert_int_equal(homeless, 0);                                                   \
    } while (0)

/* A line for each packet that has any: "#1 (first) (second)". */
static const char *comments_out(void)
{
    static struct buffer told;
    struct capture *capture;
    struct packet packet;
    struct pcapng_option option;
    buffer_done(&told);
    assert_int_equal(capture_open(path_out, &capture, NULL), 0);
    assert_string_equal(capture_format(capture), "pcapng");
    while (capture_next(capture, &packet, NULL) == 1) {
        bool first = true;
        if (capture->block.type != BLOCK_ENHANCED_PACKET)
            continue;
        struct pcapng_options options =
            pcapng_packet_options(&capture->block, packet.captured);
        while (pcapng_next_option(capture, &options, &option)) {
            if (option.code != OPTION_COMMENT)
                continue;
            if (first)
                buffer_append_format(&told, "#%" PRIu64, packet.number);
            buffer_append_format(&told, " (%.*s)", option.length,
                                 (const char *)option.value);
            first = false;
        }
        buffer_append_text(&told, first ? "" : "\n");
    }
    capture_close(&capture);
    return buffer_text(&told);
}

/* The packets that came out, which must be those that went in. */
static void assert_same_packets(const struct file_sample *sample)
{
    char *in = strdup(sample_told(sample));
    assert_non_null(in);
    assert_string_equal(sample_told_file(path_out), in);
    free(in);
}

static void assert_same_bytes(const struct file_sample *sample)
{
    static uint8_t bytes[sizeof sample->bytes];
    FILE *file = fopen(path_out, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(length, sample->length);
    assert_memory_equal(bytes, sample->bytes, length);
}

/* --- pcapng --- */

/* Of everything something: two sections in different byte orders, a block of statistics, an
 * obsolete packet, a simple one. */
static struct file_sample motley(bool big_endian)
{
    struct file_sample sample = {.big_endian = big_endian};
    sample_section(&sample);
    sample_interface(&sample, 1, 0);
    sample_packet(&sample, 0, 1, "plain");
    sample_begin(&sample, 5);
    sample_add(&sample, "statistics", 10);
    sample_end(&sample);
    sample_begin_packet(&sample, 0, 2, "with options");
    sample_option(&sample, OPTION_COMMENT, "there before", 12);
    sample_add16(&sample, OPTION_PACKET_FLAGS);
    sample_add16(&sample, 4);
    sample_add32(&sample, 1);
    sample_option(&sample, OPTION_END, NULL, 0);
    sample_end(&sample);
    sample.big_endian = !big_endian;
    sample_section(&sample);
    sample_interface(&sample, 101, 0);
    sample_interface(&sample, 113, 0);
    sample_begin(&sample, BLOCK_OBSOLETE_PACKET);
    sample_add16(&sample, 1);
    sample_add16(&sample, 7); /* packets lost before it */
    sample_add32(&sample, 0);
    sample_add32(&sample, 3);
    sample_add32(&sample, 8);
    sample_add32(&sample, 9);
    sample_add(&sample, "obsolete", 8);
    sample_end(&sample);
    sample_begin(&sample, BLOCK_SIMPLE_PACKET);
    sample_add32(&sample, 6);
    sample_add(&sample, "simple", 6);
    sample_end(&sample);
    return sample;
}

static void without_comments_every_byte_is_copied(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = motley(big);
        annotate_all(&sample, NULL);
        assert_same_bytes(&sample);
        drop_paths(NULL);
    }
}

static void comments_join_those_there_are(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = motley(big);
        annotate_all(&sample, "of ours", "another", "now there is a place");
        assert_same_packets(&sample);
        assert_string_equal(comments_out(), "#1 (of ours)\n"
                                            "#2 (there before) (another)\n"
                                            "#3 (now there is a place)\n");
        drop_paths(NULL);
    }
}

/* What an obsolete block tells of lost packets is told by an option then. */
static void an_obsolete_packet_keeps_its_losses(void **state)
{
    (void)state;
    struct file_sample sample = motley(true);
    struct capture *capture;
    struct packet packet;
    struct pcapng_option option;
    annotate_all(&sample, NULL, NULL, "x");
    assert_int_equal(capture_open(path_out, &capture, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(capture_next(capture, &packet, NULL), 1);
    assert_int_equal(capture->block.type, BLOCK_ENHANCED_PACKET);
    struct pcapng_options options =
        pcapng_packet_options(&capture->block, packet.captured);
    assert_true(pcapng_next_option(capture, &options, &option));
    assert_int_equal(option.code, OPTION_PACKET_DROPS);
    assert_int_equal(option.length, 8);
    assert_memory_equal(option.value, "\7\0\0\0\0\0\0", 8);
    capture_close(&capture);
}

static void a_simple_packet_has_no_place_for_a_comment(void **state)
{
    (void)state;
    struct file_sample sample = motley(false);
    const char *const comments[] = {NULL, NULL, NULL, "homeless"};
    int homeless;
    assert_int_equal(annotate(&sample, comments, 4, &homeless), 0);
    assert_int_equal(homeless, 1);
    assert_same_bytes(&sample);
}

/* Options that are not ended, or damaged: the comment stands where they stop making sense,
 * and what comes after is kept. */
static void odd_options_are_kept_as_they_are(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_section(&sample);
    sample_interface(&sample, 1, 0);
    sample_begin_packet(&sample, 0, 1, "abc");
    sample_option(&sample, OPTION_COMMENT, "not ended", 9);
    sample_end(&sample);
    sample_begin_packet(&sample, 0, 1, "abc");
    sample_option(&sample, OPTION_COMMENT, "good", 4);
    sample_add16(&sample, OPTION_COMMENT);
    sample_add16(&sample, 999);
    sample_add(&sample, "bad", 4);
    sample_end(&sample);
    annotate_all(&sample, "first", "second");
    assert_same_packets(&sample);
    assert_string_equal(comments_out(), "#1 (not ended) (first)\n"
                                        "#2 (good) (second)\n");
}

static void a_section_of_known_length_tells_none(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = motley(big), expected = sample;
        memset(sample.bytes + 16, 0, 8);
        annotate_all(&sample, NULL);
        assert_same_bytes(&expected);
        drop_paths(NULL);
    }
}

static void a_block_is_not_made_larger_than_readers_take(void **state)
{
    (void)state;
    enum { LARGEST = 16 << 20 };
    struct file_sample sample = {0};
    sample_section(&sample);
    sample_interface(&sample, 1, 0);
    size_t before = sample.length;
    uint8_t *bytes = calloc(1, before + LARGEST);
    assert_non_null(bytes);
    sample_add32(&sample, BLOCK_ENHANCED_PACKET);
    sample_add32(&sample, LARGEST);
    memcpy(bytes, sample.bytes, sample.length);
    memcpy(bytes + before + LARGEST - 4, sample.bytes + before + 4, 4);
    sample_write(bytes, before + LARGEST, path_in);
    free(bytes);
    struct annotate *annotate;
    struct packet packet;
    assert_int_equal(annotate_open(path_in, path_out, &annotate, NULL), 0);
    assert_int_equal(annotate_next(annotate, &packet, NULL), 1);
    assert_int_equal(annotate_comment(annotate, "one too many"), 1);
    assert_int_equal(annotate_next(annotate, &packet, NULL), 0);
    assert_int_equal(annotate_commit(annotate, NULL), 0);
    annotate_close(&annotate);
    struct stat about;
    assert_int_equal(stat(path_out, &about), 0);
    assert_int_equal(about.st_size, before + LARGEST);
}

/* --- pcap --- */

static void pcap_becomes_pcapng(void **state)
{
    (void)state;
    static const uint32_t magics[] = {0xa1b2c3d4, 0xa1b23c4d};
    for (int i = 0; i < 4; i++) {
        struct file_sample sample = {.big_endian = i / 2};
        sample_pcap(&sample, magics[i % 2], 4, 0x24000001);
        sample_record(&sample, 1700000000, 123456, "abc");
        sample_record(&sample, 1700000001, 0, "");
        sample_record(&sample, 1700000002, 7, "defgh");
        annotate_all(&sample, NULL, "empty", "the last: 握手");
        assert_same_packets(&sample);
        assert_string_equal(comments_out(), "#2 (empty)\n#3 (the last: 握手)\n");
        drop_paths(NULL);
    }
    struct file_sample modified = {0};
    sample_pcap(&modified, 0xa1b2cd34, 4, 1);
    sample_modified(&modified, 1, 0, "to us");
    sample_modified(&modified, 1, 4, "from us");
    annotate_all(&modified, "x", "y");
    assert_same_packets(&modified);
}

/* --- damage and misuse --- */

static void what_is_good_of_a_damaged_capture_may_be_kept(void **state)
{
    (void)state;
    struct file_sample pcapng = motley(false), pcap = {0};
    const char *const comments[] = {"x", "y", "z"};
    int homeless;
    pcapng.length -= 50; /* inside the obsolete packet */
    assert_int_equal(annotate(&pcapng, comments, 3, &homeless), ERROR_CORRUPT);
    assert_string_equal(comments_out(), "#1 (x)\n#2 (there before) (y)\n");
    drop_paths(NULL);
    sample_pcap(&pcap, 0xa1b2c3d4, 4, 1);
    sample_record(&pcap, 1, 0, "abc");
    sample_record(&pcap, 1, 0, "def");
    pcap.length--;
    assert_int_equal(annotate(&pcap, comments, 3, &homeless), ERROR_CORRUPT);
    assert_string_equal(comments_out(), "#1 (x)\n");
}

static void a_capture_without_a_beginning_is_not_kept(void **state)
{
    (void)state;
    struct file_sample sample = motley(false);
    struct annotate *annotate;
    struct packet packet;
    struct error err;
    sample_write(sample.bytes, 27, path_in);
    assert_int_equal(annotate_open(path_in, path_out, &annotate, NULL), 0);
    assert_int_equal(annotate_next(annotate, &packet, NULL), ERROR_CORRUPT);
    assert_int_equal(annotate_commit(annotate, &err), ERROR_CORRUPT);
    assert_non_null(strstr(err.sentence, ": nothing of it could be read to keep"));
    annotate_close(&annotate);
    assert_int_equal(access(path_out, F_OK), -1);
}

static void without_a_commit_there_is_no_file(void **state)
{
    (void)state;
    struct file_sample sample = motley(false);
    struct annotate *annotate;
    struct packet packet;
    sample_write(sample.bytes, sample.length, path_in);
    assert_int_equal(annotate_open(path_in, path_out, &annotate, NULL), 0);
    assert_int_equal(annotate_comment(annotate, "there is no packet yet"), 1);
    assert_int_equal(annotate_next(annotate, &packet, NULL), 1);
    assert_int_equal(annotate_comment(annotate, "one"), 0);
    assert_int_equal(annotate_comment(annotate, "one more"), 1);
    annotate_close(&annotate);
    annotate_close(&annotate);
    assert_int_equal(access(path_out, F_OK), -1);
}

static void assert_refused(const char *in, const char *out, int code,
                           const char *sentence)
{
    struct annotate *annotate;
    struct error err;
    assert_int_equal(annotate_open(in, out, &annotate, &err), code);
    assert_string_equal(err.sentence, sentence);
}

static void what_cannot_be_read_twice_is_refused(void **state)
{
    (void)state;
    char sentence[200];
    struct file_sample sample = motley(false);
    assert_refused("-", path_out, ERROR_ARGUMENT,
                   "standard input cannot be read a second time, which comments on its "
                   "packets need");
    assert_refused("/dev/null", path_out, ERROR_ARGUMENT,
                   "/dev/null: cannot be read a second time, which comments on its "
                   "packets need");
    assert_refused("/nowhere/at/all", path_out, ERROR_ABSENT,
                   "/nowhere/at/all: opening it: no such file or directory");
    sample_write(sample.bytes, sample.length, path_in);
    snprintf(sentence, sizeof sentence,
             "%s: is the capture itself, which is not overwritten", path_in);
    assert_refused(path_in, path_in, ERROR_ARGUMENT, sentence);
    assert_refused(path_in, "/dev/null", ERROR_ARGUMENT,
                   "/dev/null: a capture is written to ordinary files only");
}

/* --- as Wireshark has it --- */

/* A line each packet that has any: its number and its comments. */
static void assert_wireshark(const char *const *lines, size_t count)
{
    char command[200], line[200];
    snprintf(command, sizeof command,
             "tshark -n -r %s -Y frame.comment -T fields -E separator='|' "
             "-E aggregator='|' -e frame.number -e frame.comment 2>/dev/null",
             path_out);
    FILE *tshark = popen(command, "r");
    assert_non_null(tshark);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(fgets(line, sizeof line, tshark));
        assert_string_equal(line, lines[i]);
    }
    assert_null(fgets(line, sizeof line, tshark));
    assert_int_equal(pclose(tshark), 0);
}

static void wireshark_shows_the_comments(void **state)
{
    (void)state;
    if (system("tshark --version >/dev/null 2>&1") != 0) {
        print_message("# skipped: tshark is not installed\n");
        skip();
    }
    for (int big = 0; big < 2; big++) {
        struct file_sample pcapng = motley(big), pcap = {.big_endian = big};
        static const char *const expected[] = {"1|of ours\n", "2|there before|another\n",
                                               "3|now there is a place\n"};
        annotate_all(&pcapng, "of ours", "another", "now there is a place");
        assert_wireshark(expected, 3);
        drop_paths(NULL);
        sample_pcap(&pcap, 0xa1b2c3d4, 4, 1);
        sample_record(&pcap, 1, 0, "abc");
        annotate_all(&pcap, "of ours");
        assert_wireshark(expected, 1);
        drop_paths(NULL);
    }
}

int main(void)
{
#define with_paths(test) cmocka_unit_test_setup_teardown(test, make_paths, drop_paths)
    const struct CMUnitTest tests[] = {
        with_paths(without_comments_every_byte_is_copied),
        with_paths(comments_join_those_there_are),
        with_paths(an_obsolete_packet_keeps_its_losses),
        with_paths(a_simple_packet_has_no_place_for_a_comment),
        with_paths(odd_options_are_kept_as_they_are),
        with_paths(a_section_of_known_length_tells_none),
        with_paths(a_block_is_not_made_larger_than_readers_take),
        with_paths(pcap_becomes_pcapng),
        with_paths(what_is_good_of_a_damaged_capture_may_be_kept),
        with_paths(a_capture_without_a_beginning_is_not_kept),
        with_paths(without_a_commit_there_is_no_file),
        with_paths(what_cannot_be_read_twice_is_refused),
        with_paths(wireshark_shows_the_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
