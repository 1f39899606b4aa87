/* pcapng files, built block by block in either byte order. */
#include "capture/pcapng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/file_sample.h"

/* A section with one Ethernet interface. */
static struct file_sample ethernet(bool big_endian)
{
    struct file_sample sample = {.big_endian = big_endian};
    sample_section(&sample);
    sample_interface(&sample, 1, 0);
    return sample;
}

#define ABC(number) "#" number " 0.000001000 link 1 interface 0: 3 of 3 bytes abc"

static void packets_of_several_interfaces_keep_their_link_types(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = {.big_endian = big};
        sample_section(&sample);
        sample_interface(&sample, 1, 262144);
        sample_interface(&sample, 101, 96);
        sample_packet(&sample, 1, 1700000000000001, "second");
        sample_packet(&sample, 0, 2, "first");
        assert_string_equal(
            sample_told(&sample),
            "#1 1700000000.000001000 link 101 interface 1: 6 of 6 bytes second\n"
            "#2 0.000002000 link 1 interface 0: 5 of 5 bytes first\n"
            "end\n");
    }
}

static void sections_have_byte_orders_and_interfaces_of_their_own(void **state)
{
    (void)state;
    struct file_sample sample = ethernet(false);
    sample_packet(&sample, 0, 1, "little");
    sample.big_endian = true;
    sample_section(&sample);
    sample_interface(&sample, 113, 0);
    sample_interface(&sample, 228, 0);
    sample_packet(&sample, 1, 2, "big");
    sample.big_endian = false;
    sample_section(&sample);
    sample_interface(&sample, 229, 0);
    sample_packet(&sample, 0, 3, "little again");
    assert_string_equal(
        sample_told(&sample),
        "#1 0.000001000 link 1 interface 0: 6 of 6 bytes little\n"
        "#2 0.000002000 link 228 interface 2: 3 of 3 bytes big\n"
        "#3 0.000003000 link 229 interface 3: 12 of 12 bytes little again\n"
        "end\n");
}

static void a_section_has_to_describe_its_interfaces_itself(void **state)
{
    (void)state;
    struct file_sample sample = ethernet(false);
    sample_packet(&sample, 0, 1, "abc");
    sample_section(&sample);
    sample_packet(&sample, 0, 1, "abc");
    assert_string_equal(
        sample_told(&sample),
        ABC("1") "\n"
                 "sample: packet 2 is of interface 0, which the file does "
                 "not describe\n");
}

/* An interface with those options, and a packet at `units`. */
static const char *told_of_times(uint8_t resolution, int64_t offset_s, uint64_t units)
{
    static struct file_sample sample;
    sample = (struct file_sample){0};
    sample_section(&sample);
    sample_begin(&sample, BLOCK_INTERFACE);
    sample_add16(&sample, 1);
    sample_add16(&sample, 0);
    sample_add32(&sample, 0);
    sample_option(&sample, OPTION_COMMENT, "not this", 8);
    sample_option(&sample, OPTION_INTERFACE_RESOLUTION, &resolution, 1);
    sample_add16(&sample, OPTION_INTERFACE_OFFSET);
    sample_add16(&sample, 8);
    sample_add32(&sample, (uint32_t)offset_s);
    sample_add32(&sample, (uint32_t)((uint64_t)offset_s >> 32));
    sample_option(&sample, OPTION_END, NULL, 0);
    sample_option(&sample, OPTION_INTERFACE_RESOLUTION, "\x03", 1); /* past the end */
    sample_end(&sample);
    sample_packet(&sample, 0, units, "abc");
    return sample_told(&sample);
}

static void times_are_in_the_units_the_interface_tells(void **state)
{
    (void)state;
    assert_string_equal(told_of_times(9, 0, 1700000000123456789),
                        "#1 1700000000.123456789 link 1 interface 0: 3 of 3 bytes abc\n"
                        "end\n");
    assert_string_equal(told_of_times(0x80 | 10, 100, 1024 + 512),
                        "#1 101.500000000 link 1 interface 0: 3 of 3 bytes abc\nend\n");
    assert_string_equal(told_of_times(3, -10, 5001),
                        "#1 -4.999000000 link 1 interface 0: 3 of 3 bytes abc\nend\n");
}

/* --- other blocks of packets --- */

static void options_tell_the_direction_and_the_check_sequence(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = ethernet(big);
        static const uint32_t flags[] = {1, 2, 3, 1 | 4 << 5};
        for (size_t i = 0; i < 4; i++) {
            sample_begin_packet(&sample, 0, 1, "abc");
            sample_option(&sample, OPTION_COMMENT, "hello", 5);
            sample_add16(&sample, OPTION_PACKET_FLAGS);
            sample_add16(&sample, 4);
            sample_add32(&sample, flags[i]);
            sample_option(&sample, OPTION_END, NULL, 0);
            sample_end(&sample);
        }
        assert_string_equal(
            sample_told(&sample),
            ABC("1") " in\n" ABC("2") " out\n" ABC("3") "\n" ABC("4") " in fcs 4\nend\n");
    }
}

static void the_check_sequence_may_be_the_interfaces(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_section(&sample);
    sample_begin(&sample, BLOCK_INTERFACE);
    sample_add16(&sample, 1);
    sample_add16(&sample, 0);
    sample_add32(&sample, 0);
    sample_option(&sample, OPTION_INTERFACE_FCS, "\x20", 1); /* in bits */
    sample_end(&sample);
    sample_packet(&sample, 0, 1, "abc");
    assert_string_equal(sample_told(&sample), ABC("1") " fcs 4\nend\n");
}

static void a_simple_packet_has_no_time_and_the_first_interface(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_section(&sample);
    sample_interface(&sample, 1, 3);
    sample_interface(&sample, 101, 0);
    sample_begin(&sample, BLOCK_SIMPLE_PACKET);
    sample_add32(&sample, 5); /* of which the snap length left three */
    sample_add(&sample, "abc", 3);
    sample_end(&sample);
    sample_begin(&sample, BLOCK_SIMPLE_PACKET);
    sample_add32(&sample, 2);
    sample_add(&sample, "ab", 2);
    sample_end(&sample);
    assert_string_equal(sample_told(&sample),
                        "#1 timeless link 1 interface 0: 3 of 5 bytes abc\n"
                        "#2 timeless link 1 interface 0: 2 of 2 bytes ab\n"
                        "end\n");
}

static void an_obsolete_packet_has_an_interface_of_16_bits(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = {.big_endian = big};
        sample_section(&sample);
        sample_interface(&sample, 1, 0);
        sample_interface(&sample, 101, 0);
        sample_begin(&sample, BLOCK_OBSOLETE_PACKET);
        sample_add16(&sample, 1);
        sample_add16(&sample, 7); /* drops */
        sample_add32(&sample, 0);
        sample_add32(&sample, 1);
        sample_add32(&sample, 3);
        sample_add32(&sample, 4);
        sample_add(&sample, "abc", 3);
        sample_end(&sample);
        assert_string_equal(
            sample_told(&sample),
            "#1 0.000001000 link 101 interface 1: 3 of 4 bytes abc\nend\n");
    }
}

static void unknown_blocks_are_stepped_over(void **state)
{
    (void)state;
    static const uint32_t types[] = {4, 5, 9, 10, 0xbad, 0x40000bad, 0x80000001, 0};
    struct file_sample sample = ethernet(false);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        sample_begin(&sample, types[i]);
        sample_add(&sample, "whatever they hold", 18);
        sample_end(&sample);
    }
    sample_packet(&sample, 0, 1, "abc");
    assert_string_equal(sample_told(&sample), ABC("1") "\nend\n");
}

/* --- damage --- */

/* What is told of a packet whose block had its word at `offset` set so. */
static const char *told_with_word(size_t offset, uint32_t value)
{
    static struct file_sample sample;
    sample = ethernet(false);
    sample_packet(&sample, 0, 1, "abc");
    struct file_sample word = {0};
    sample_add32(&word, value);
    memcpy(sample.bytes + sample.block + offset, word.bytes, 4);
    return sample_told(&sample);
}

#define DAMAGED ": the file is damaged there\n"

static void a_blocks_length_is_checked(void **state)
{
    (void)state;
    static const struct {
        uint32_t length;
        const char *told;
    } cases[] = {
        {0, "sample: after packet 0 a block claims to be 0 bytes long" DAMAGED},
        {8, "sample: after packet 0 a block claims to be 8 bytes long" DAMAGED},
        {35, "sample: after packet 0 a block claims to be 35 bytes long" DAMAGED},
        {0xfffffffc,
         "sample: after packet 0 a block claims to be 4294967292 bytes long" DAMAGED},
        {(16 << 20) + 4,
         "sample: after packet 0 a block claims to be 16777220 bytes long" DAMAGED},
        {16 << 20, "sample: the file ends inside packet 1; 0 before it were read\n"},
        {40, "sample: the file ends inside packet 1; 0 before it were read\n"},
        {32, "sample: after packet 0 a block's two lengths differ" DAMAGED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(told_with_word(4, cases[i].length), cases[i].told);
    assert_string_equal(told_with_word(32, 40),
                        "sample: after packet 0 a block's two lengths differ" DAMAGED);
}

static void a_packet_has_to_fit_its_block(void **state)
{
    (void)state;
    const char *misfit = "sample: packet 1 does not fit its block" DAMAGED;
    assert_string_equal(told_with_word(20, 5), misfit);
    assert_string_equal(told_with_word(20, 0xffffffff), misfit);
    assert_string_equal(told_with_word(20, 0x7ffffffd), misfit);
    assert_string_equal(told_with_word(20, 2),
                        "#1 0.000001000 link 1 interface 0: 2 of 3 bytes ab\nend\n");
    for (uint32_t type = 2; type <= 6; type += type == 3 ? 3 : 1) {
        struct file_sample sample = ethernet(false);
        sample_begin(&sample, type);
        sample_end(&sample);
        assert_string_equal(sample_told(&sample), misfit);
    }
    struct file_sample sample = ethernet(false);
    sample_begin(&sample, BLOCK_SIMPLE_PACKET);
    sample_add32(&sample, 5);
    sample_add(&sample, "abc", 3);
    sample_end(&sample);
    assert_string_equal(sample_told(&sample), misfit);
}

static void a_packet_has_262144_bytes_at_most(void **state)
{
    (void)state;
    struct file_sample sample = ethernet(false);
    size_t most = 262144, length = sample.length + PACKET_FIXED + most + 8;
    uint8_t *bytes = calloc(1, length);
    assert_non_null(bytes);
    sample_begin_packet(&sample, 0, 1, "");
    sample.length = sample.block + 4;
    sample_add32(&sample, (uint32_t)(PACKET_FIXED + most + 8));
    memcpy(bytes + length - 4, sample.bytes + sample.block + 4, 4);
    sample.length = sample.block + 20;
    sample_add32(&sample, (uint32_t)most);
    memcpy(bytes, sample.bytes, sample.block + PACKET_FIXED);
    const char *told = sample_told_bytes(bytes, length);
    assert_memory_equal(told, "#1 0.000001000 link 1 interface 0: 262144 of 262144", 51);
    bytes[sample.block + 20]++;
    assert_string_equal(sample_told_bytes(bytes, length),
                        "sample: packet 1 does not fit its block" DAMAGED);
    free(bytes);
}

static void an_interface_that_is_not_described_is_damage(void **state)
{
    (void)state;
    assert_string_equal(
        told_with_word(8, 1),
        "sample: packet 1 is of interface 1, which the file does not describe\n");
    struct file_sample sample = {0};
    sample_section(&sample);
    sample_begin(&sample, BLOCK_SIMPLE_PACKET);
    sample_add32(&sample, 0);
    sample_end(&sample);
    assert_string_equal(
        sample_told(&sample),
        "sample: packet 1 is of interface 0, which the file does not describe\n");
}

static void a_section_has_to_make_sense(void **state)
{
    (void)state;
    struct file_sample sample = ethernet(false);
    size_t section = sample.length;
    sample_section(&sample);
    sample.bytes[section + 8] = 0;
    assert_string_equal(sample_told(&sample),
                        "sample: after packet 0 a section begins in no known byte "
                        "order\n");
    sample.bytes[section + 8] = 0x4d;
    sample.bytes[section + 12] = 2;
    assert_string_equal(sample_told(&sample),
                        "sample: version 2.0 of pcapng is not known\n");
    sample.bytes[section + 12] = 1;
    sample.bytes[section + 4] = 24;
    assert_string_equal(
        sample_told(&sample),
        "sample: after packet 0 a section begins in too few bytes" DAMAGED);
}

static void an_interface_has_to_be_described_in_full(void **state)
{
    (void)state;
    struct file_sample sample = {0};
    sample_section(&sample);
    sample_begin(&sample, BLOCK_INTERFACE);
    sample_add32(&sample, 1);
    sample_end(&sample);
    assert_string_equal(
        sample_told(&sample),
        "sample: after packet 0 an interface is described in too few bytes" DAMAGED);
}

/* Options that lie about their lengths end there. */
static void damaged_options_are_let_be(void **state)
{
    (void)state;
    static const uint16_t lengths[] = {5, 8, 0xffff};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct file_sample sample = ethernet(false);
        sample_begin_packet(&sample, 0, 1, "abc");
        sample_add16(&sample, OPTION_PACKET_FLAGS);
        sample_add16(&sample, lengths[i]);
        sample_add32(&sample, 1);
        sample_end(&sample);
        assert_string_equal(sample_told(&sample), ABC("1") "\nend\n");
    }
    struct file_sample sample = ethernet(false);
    sample_begin_packet(&sample, 0, 1, "abc");
    sample_option(&sample, OPTION_PACKET_FLAGS, "\1", 1); /* too short for a word */
    sample_end(&sample);
    assert_string_equal(sample_told(&sample), ABC("1") "\nend\n");
}

static void a_section_has_4096_interfaces_at_most(void **state)
{
    (void)state;
    static struct file_sample section;
    section = (struct file_sample){0};
    sample_section(&section);
    enum { INTERFACE = 20, MOST = 4096 };
    size_t length = section.length + (MOST + 1) * INTERFACE;
    uint8_t *bytes = malloc(length);
    assert_non_null(bytes);
    memcpy(bytes, section.bytes, section.length);
    sample_interface(&section, 1, 0);
    for (size_t i = 0; i <= MOST; i++)
        memcpy(bytes + length - (i + 1) * INTERFACE,
               section.bytes + section.length - INTERFACE, INTERFACE);
    assert_string_equal(sample_told_bytes(bytes, length - INTERFACE), "end\n");
    assert_string_equal(
        sample_told_bytes(bytes, length),
        "sample: after packet 0 a section has more than 4096 interfaces\n");
    free(bytes);
}

static void every_cut_leaves_the_packets_before_it(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct file_sample sample = ethernet(big);
        sample_packet(&sample, 0, 1, "the first");
        sample_begin(&sample, 5);
        sample_add(&sample, "statistics", 10);
        sample_end(&sample);
        sample.big_endian = !big;
        sample_section(&sample);
        sample_interface(&sample, 101, 0);
        sample_begin_packet(&sample, 0, 2, "");
        sample_option(&sample, OPTION_COMMENT, "empty", 5);
        sample_end(&sample);
        sample_begin(&sample, BLOCK_SIMPLE_PACKET);
        sample_add32(&sample, 8);
        sample_add(&sample, "the last", 8);
        sample_end(&sample);
        sample_try_every_cut(&sample);
    }
}

static void a_cut_tells_whether_a_packet_is_lost(void **state)
{
    (void)state;
    struct file_sample sample = ethernet(false);
    assert_string_equal(sample_told_bytes(sample.bytes, 10),
                        "sample: the file ends inside what comes after packet 0\n");
    sample_packet(&sample, 0, 1, "abc");
    size_t other = sample.length;
    sample_begin(&sample, 5);
    sample_end(&sample);
    assert_string_equal(sample_told_bytes(sample.bytes, other - 1),
                        "sample: the file ends inside packet 1; 0 before it were read\n");
    assert_string_equal(
        sample_told_bytes(sample.bytes, other + 4),
        ABC("1") "\nsample: the file ends inside what comes after packet 1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_several_interfaces_keep_their_link_types),
        cmocka_unit_test(sections_have_byte_orders_and_interfaces_of_their_own),
        cmocka_unit_test(a_section_has_to_describe_its_interfaces_itself),
        cmocka_unit_test(times_are_in_the_units_the_interface_tells),
        cmocka_unit_test(options_tell_the_direction_and_the_check_sequence),
        cmocka_unit_test(the_check_sequence_may_be_the_interfaces),
        cmocka_unit_test(a_simple_packet_has_no_time_and_the_first_interface),
        cmocka_unit_test(an_obsolete_packet_has_an_interface_of_16_bits),
        cmocka_unit_test(unknown_blocks_are_stepped_over),
        cmocka_unit_test(a_blocks_length_is_checked),
        cmocka_unit_test(a_packet_has_to_fit_its_block),
        cmocka_unit_test(a_packet_has_262144_bytes_at_most),
        cmocka_unit_test(an_interface_that_is_not_described_is_damage),
        cmocka_unit_test(a_section_has_to_make_sense),
        cmocka_unit_test(an_interface_has_to_be_described_in_full),
        cmocka_unit_test(damaged_options_are_let_be),
        cmocka_unit_test(a_section_has_4096_interfaces_at_most),
        cmocka_unit_test(every_cut_leaves_the_packets_before_it),
        cmocka_unit_test(a_cut_tells_whether_a_packet_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
