/* What is written is read back with our own reader; the comments with the option walk that
 * it uses, and in annotate_test with Wireshark's. */
#include "capture/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "capture/file.h"
#include "capture/file_sample.h"
#include "capture/packet.h"
#include "capture/reading.h"

static char path[SAMPLE_PATH];

static int make_path(void **state)
{
    (void)state;
    sample_write("", 0, path);
    return unlink(path);
}

static int drop_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct writer *open_writer(enum writer_format format)
{
    struct writer *writer;
    assert_int_equal(writer_open(path, format, &writer, NULL), 0);
    return writer;
}

static void add(struct writer *writer, uint16_t link, enum writer_unit unit,
                const char *name)
{
    struct writer_interface interface = {.link_type = link, .unit = unit, .name = name};
    assert_int_equal(writer_add_interface(writer, &interface, NULL), 0);
}

static struct packet packet_of(const char *text, int64_t t_ns)
{
    uint32_t length = (uint32_t)strlen(text);
    return (struct packet){.t_ns = t_ns,
                           .bytes = (const uint8_t *)text,
                           .captured = length,
                           .length = length + 2};
}

static const char *finish(struct writer *writer)
{
    assert_int_equal(writer_commit(writer, NULL), 0);
    writer_close(&writer);
    assert_null(writer);
    return sample_told_file(path);
}

static void pcap_keeps_times_to_the_nanosecond(void **state)
{
    (void)state;
    struct writer *writer = open_writer(WRITER_PCAP);
    struct packet packet = packet_of("abc", INT64_C(1700000000123456789));
    add(writer, 101, WRITER_NANOSECONDS, NULL);
    assert_int_equal(writer_packet(writer, &packet, "nobody will read this"), 0);
    packet.t_ns = PACKET_TIMELESS;
    assert_int_equal(writer_packet(writer, &packet, NULL), 0);
    packet.t_ns = INT64_MAX;
    assert_int_equal(writer_packet(writer, &packet, NULL), 0);
    assert_string_equal(finish(writer),
                        "#1 1700000000.123456789 link 101 interface 0: 3 of 5 bytes abc\n"
                        "#2 0.000000000 link 101 interface 0: 3 of 5 bytes abc\n"
                        "#3 4294967295.854775807 link 101 interface 0: 3 of 5 bytes abc\n"
                        "end\n");
}

static void pcap_keeps_microseconds_and_the_check_sequence(void **state)
{
    (void)state;
    struct writer *writer = open_writer(WRITER_PCAP);
    struct packet packet = packet_of("abc", INT64_C(1999999));
    struct writer_interface interface = {.link_type = 1, .fcs_bytes = 4};
    assert_int_equal(writer_add_interface(writer, &interface, NULL), 0);
    assert_int_equal(writer_packet(writer, &packet, NULL), 0);
    assert_string_equal(
        finish(writer),
        "#1 0.001999000 link 1 interface 0: 3 of 5 bytes abc fcs 4\nend\n");
}

static void pcapng_keeps_interfaces_and_directions(void **state)
{
    (void)state;
    struct writer *writer = open_writer(WRITER_PCAPNG);
    struct packet packet = packet_of("abcd", INT64_C(1700000000123456789));
    add(writer, 101, WRITER_NANOSECONDS, "client");
    add(writer, 1, WRITER_MICROSECONDS, NULL);
    packet.direction = DIRECTION_OUT;
    assert_int_equal(writer_packet(writer, &packet, "first\nline"), 0);
    packet = packet_of("abcde", INT64_C(1700000000123456789));
    packet.interface = 1;
    packet.direction = DIRECTION_IN;
    assert_int_equal(writer_packet(writer, &packet, NULL), 0);
    packet.direction = DIRECTION_UNKNOWN;
    assert_int_equal(writer_packet(writer, &packet, ""), 0);
    assert_string_equal(
        finish(writer),
        "#1 1700000000.123456789 link 101 interface 0: 4 of 6 bytes abcd out\n"
        "#2 1700000000.123456000 link 1 interface 1: 5 of 7 bytes abcde in\n"
        "#3 1700000000.123456000 link 1 interface 1: 5 of 7 bytes abcde\n"
        "end\n");
}

static void an_empty_capture_is_a_file_too(void **state)
{
    (void)state;
    struct writer *writer = open_writer(WRITER_PCAP);
    add(writer, 101, WRITER_NANOSECONDS, NULL);
    assert_string_equal(finish(writer), "end\n");
    assert_string_equal(finish(open_writer(WRITER_PCAPNG)), "end\n");
}

static void what_no_file_can_hold_is_refused(void **state)
{
    (void)state;
    struct writer *writer = open_writer(WRITER_PCAP);
    struct packet packet = packet_of("abc", 0);
    struct writer_interface interface = {.link_type = 101};
    struct error err;
    add(writer, 101, WRITER_NANOSECONDS, NULL);
    assert_int_equal(writer_add_interface(writer, &interface, &err), ERROR_LIMIT);
    packet.interface = 1;
    assert_int_equal(writer_packet(writer, &packet, NULL), ERROR_ARGUMENT);
    packet.interface = 0;
    assert_int_equal(writer_packet(writer, &packet, NULL), ERROR_ARGUMENT);
    assert_int_equal(writer_commit(writer, &err), ERROR_ARGUMENT);
    assert_string_equal(err.sentence, "a packet is larger than any, or of no interface");
    writer_close(&writer);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(writer_open("/dev/null", WRITER_PCAP, &writer, &err),
                     ERROR_ARGUMENT);
}

/* --- comments --- */

/* The comment of the first packet, whose block is read here by the reader's own means. */
static struct pcapng_option first_comment(struct capture **ret_capture)
{
    struct packet packet;
    struct pcapng_option option = {0};
    assert_int_equal(capture_open(path, ret_capture, NULL), 0);
    assert_int_equal(capture_next(*ret_capture, &packet, NULL), 1);
    struct pcapng_options options =
        pcapng_packet_options(&(*ret_capture)->block, packet.captured);
    while (pcapng_next_option(*ret_capture, &options, &option))
        if (option.code == OPTION_COMMENT)
            return option;
    fail_msg("no comment");
    return option;
}

static void assert_comment(const char *comment, size_t expected_length)
{
    struct writer *writer = open_writer(WRITER_PCAPNG);
    struct packet packet = packet_of("abc", 0);
    struct capture *capture;
    add(writer, 101, WRITER_NANOSECONDS, NULL);
    packet.direction = DIRECTION_IN;
    assert_int_equal(writer_packet(writer, &packet, comment), 0);
    assert_int_equal(writer_commit(writer, NULL), 0);
    writer_close(&writer);
    struct pcapng_option option = first_comment(&capture);
    assert_int_equal(option.length, expected_length);
    assert_memory_equal(option.value, comment, expected_length);
    capture_close(&capture);
}

static void a_comment_stands_in_its_packets_block(void **state)
{
    (void)state;
    assert_comment("the client gave up: 握手 failed",
                   strlen("the client gave up: 握手 failed"));
    assert_comment("", 0);
}

static void a_comment_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    char *comment = malloc(70000);
    assert_non_null(comment);
    memset(comment, 'x', 70000);
    comment[65535] = 0;
    assert_comment(comment, 65535);
    comment[65535] = 'x';
    comment[65536] = 0;
    assert_comment(comment, 65535);
    memcpy(comment + 65534, "手", 3); /* of which two bytes would fit, or none */
    comment[65537] = 0;
    assert_comment(comment, 65534);
    comment[65537] = 'x';
    comment[69999] = 0;
    assert_comment(comment, 65534);
    free(comment);
}

int main(void)
{
#define with_a_path(test) cmocka_unit_test_setup_teardown(test, make_path, drop_path)
    const struct CMUnitTest tests[] = {
        with_a_path(pcap_keeps_times_to_the_nanosecond),
        with_a_path(pcap_keeps_microseconds_and_the_check_sequence),
        with_a_path(pcapng_keeps_interfaces_and_directions),
        with_a_path(an_empty_capture_is_a_file_too),
        with_a_path(what_no_file_can_hold_is_refused),
        with_a_path(a_comment_stands_in_its_packets_block),
        with_a_path(a_comment_is_cut_at_a_whole_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
