/* pcap files, built byte by byte in either order. */
#include "capture/pcap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "capture/file_sample.h"

static void every_magic_is_read_in_both_byte_orders(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample us = {.big_endian = big}, ns = us, modified = us;
        sample_pcap(&us, 0xa1b2c3d4, 4, 1);
        sample_record(&us, 1700000000, 999999, "abc");
        sample_record(&us, 0xffffffff, 0, "");
        assert_string_equal(
            sample_told(&us),
            "#1 1700000000.999999000 link 1 interface 0: 3 of 3 bytes abc\n"
            "#2 4294967295.000000000 link 1 interface 0: 0 of 0 bytes \n"
            "end\n");
        sample_pcap(&ns, 0xa1b23c4d, 4, 101);
        sample_record(&ns, 1700000000, 999999999, "abc");
        assert_string_equal(
            sample_told(&ns),
            "#1 1700000000.999999999 link 101 interface 0: 3 of 3 bytes abc\n"
            "end\n");
        sample_pcap(&modified, 0xa1b2cd34, 4, 1);
        sample_modified(&modified, 1, 0, "to us");
        sample_modified(&modified, 2, 3, "to another");
        sample_modified(&modified, 3, 4, "from us");
        assert_string_equal(
            sample_told(&modified),
            "#1 1.000000000 link 1 interface 0: 5 of 5 bytes to us in\n"
            "#2 2.000000000 link 1 interface 0: 10 of 10 bytes to another\n"
            "#3 3.000000000 link 1 interface 0: 7 of 7 bytes from us out\n"
            "end\n");
    }
}

static void a_fraction_that_is_none_leaves_the_second(void **state)
{
    (void)state;
    struct file_sample us = {0}, ns = {0};
    sample_pcap(&us, 0xa1b2c3d4, 4, 1);
    sample_record(&us, 5, 1000000, "a");
    sample_record(&us, 6, 0x80000000, "b");
    assert_string_equal(sample_told(&us),
                        "#1 5.000000000 link 1 interface 0: 1 of 1 bytes a\n"
                        "#2 6.000000000 link 1 interface 0: 1 of 1 bytes b\n"
                        "end\n");
    sample_pcap(&ns, 0xa1b23c4d, 4, 1);
    sample_record(&ns, 7, 1000000000, "c");
    assert_string_equal(sample_told(&ns),
                        "#1 7.000000000 link 1 interface 0: 1 of 1 bytes c\n"
                        "end\n");
}

static void other_magics_are_no_captures(void **state)
{
    (void)state;
    static const uint32_t magics[] = {0xa1b234cd, 0xa12b3c4d, 0, 0xffffffff};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        struct file_sample sample = {0};
        sample_pcap(&sample, magics[i], 4, 1);
        assert_string_equal(sample_told(&sample),
                            "sample: this is no capture file: neither pcap nor pcapng\n");
    }
}

/* One record of three bytes with its lengths in that order. */
static const char *told_of_lengths(uint16_t major, uint16_t minor, uint32_t first,
                                   uint32_t second)
{
    static struct file_sample sample;
    sample = (struct file_sample){0};
    sample_pcap(&sample, 0xa1b2c3d4, minor, 1);
    sample.bytes[4] = (uint8_t)major;
    sample.bytes[5] = (uint8_t)(major >> 8);
    sample_add32(&sample, 1);
    sample_add32(&sample, 0);
    sample_add32(&sample, first);
    sample_add32(&sample, second);
    sample_add(&sample, "abc", 3);
    return sample_told(&sample);
}

static void the_oldest_have_their_lengths_swapped(void **state)
{
    (void)state;
    const char *as_it_is = "#1 1.000000000 link 1 interface 0: 3 of 5 bytes abc\nend\n";
    assert_string_equal(told_of_lengths(2, 4, 3, 5), as_it_is);
    assert_string_equal(told_of_lengths(2, 2, 5, 3), as_it_is);
    assert_string_equal(told_of_lengths(2, 0, 5, 3), as_it_is);
    assert_string_equal(told_of_lengths(543, 0, 5, 3), as_it_is);
    /* Of 2.3 nobody knows: what is captured cannot be more than what there was. */
    assert_string_equal(told_of_lengths(2, 3, 3, 5), as_it_is);
    assert_string_equal(told_of_lengths(2, 3, 5, 3), as_it_is);
}

static void unknown_versions_are_refused(void **state)
{
    (void)state;
    assert_string_equal(told_of_lengths(1, 2, 3, 3),
                        "sample: version 1.2 of pcap is not known\n");
    assert_string_equal(told_of_lengths(543, 1, 3, 3),
                        "sample: version 543.1 of pcap is not known\n");
}

static void a_packet_was_never_shorter_than_what_was_captured(void **state)
{
    (void)state;
    assert_string_equal(told_of_lengths(2, 4, 3, 1),
                        "#1 1.000000000 link 1 interface 0: 3 of 3 bytes abc\nend\n");
}

static void the_check_sequence_is_told_in_the_link_type(void **state)
{
    (void)state;
    struct file_sample sample = {0}, unknown = {0};
    sample_pcap(&sample, 0xa1b2c3d4, 4, 0x24000001);
    sample_record(&sample, 1, 0, "abc");
    assert_string_equal(
        sample_told(&sample),
        "#1 1.000000000 link 1 interface 0: 3 of 3 bytes abc fcs 4\nend\n");
    sample_pcap(&unknown, 0xa1b2c3d4, 4, 0x20000001);
    sample_record(&unknown, 1, 0, "abc");
    assert_string_equal(sample_told(&unknown),
                        "#1 1.000000000 link 1 interface 0: 3 of 3 bytes abc\nend\n");
}

static void a_link_type_beyond_16_bits_is_refused(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_pcap(&sample, 0xa1b2c3d4, 4, 0x00010001);
    assert_string_equal(sample_told(&sample),
                        "sample: link type 0x10001 is none that pcap has\n");
}

static void an_absurd_record_is_damage(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_pcap(&sample, 0xa1b2c3d4, 4, 1);
    sample_record(&sample, 1, 0, "abc");
    for (int i = 0; i < 4; i++)
        sample_add32(&sample, 262145);
    assert_string_equal(sample_told(&sample),
                        "#1 1.000000000 link 1 interface 0: 3 of 3 bytes abc\n"
                        "sample: packet 2 claims to be 262145 bytes long, more than any "
                        "is: the file is damaged there\n");
}

static void the_largest_record_is_none(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_pcap(&sample, 0xa1b2c3d4, 4, 1);
    sample_add32(&sample, 1);
    sample_add32(&sample, 0);
    sample_add32(&sample, 262144);
    sample_add32(&sample, 262144);
    assert_string_equal(sample_told(&sample),
                        "sample: the file ends inside packet 1; 0 before it were read\n");
}

static void every_cut_leaves_the_packets_before_it(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = {.big_endian = big}, modified = sample;
        sample_pcap(&sample, 0xa1b2c3d4, 4, 1);
        sample_record(&sample, 1, 2, "the first");
        sample_record(&sample, 3, 4, "");
        sample_record(&sample, 5, 6, "the last");
        sample_try_every_cut(&sample);
        sample_pcap(&modified, 0xa1b2cd34, 4, 1);
        sample_modified(&modified, 1, 0, "the first");
        sample_modified(&modified, 2, 4, "the last");
        sample_try_every_cut(&modified);
    }
}

static void a_cut_is_told_in_one_sentence(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_pcap(&sample, 0xa1b2c3d4, 4, 1);
    assert_string_equal(sample_told_bytes(sample.bytes, 0),
                        "sample: the file is empty\n");
    assert_string_equal(sample_told_bytes(sample.bytes, 3),
                        "sample: this is no capture file: neither pcap nor pcapng\n");
    assert_string_equal(sample_told_bytes(sample.bytes, 23),
                        "sample: the file ends inside its header\n");
    assert_string_equal(sample_told_bytes(sample.bytes, 24), "end\n");
    sample_record(&sample, 1, 0, "abc");
    assert_string_equal(sample_told_bytes(sample.bytes, sample.length - 1),
                        "sample: the file ends inside packet 1; 0 before it were read\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_magic_is_read_in_both_byte_orders),
        cmocka_unit_test(a_fraction_that_is_none_leaves_the_second),
        cmocka_unit_test(other_magics_are_no_captures),
        cmocka_unit_test(the_oldest_have_their_lengths_swapped),
        cmocka_unit_test(unknown_versions_are_refused),
        cmocka_unit_test(a_packet_was_never_shorter_than_what_was_captured),
        cmocka_unit_test(the_check_sequence_is_told_in_the_link_type),
        cmocka_unit_test(a_link_type_beyond_16_bits_is_refused),
        cmocka_unit_test(an_absurd_record_is_damage),
        cmocka_unit_test(the_largest_record_is_none),
        cmocka_unit_test(every_cut_leaves_the_packets_before_it),
        cmocka_unit_test(a_cut_is_told_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
