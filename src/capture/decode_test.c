/* Packets are laid out byte by byte here, so that a reader sees what is in them. The input
 * of every decoding ends at an unmapped page: a read past its end stops the test. */
#include "capture/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Two pages, the second out of bounds. */
struct guarded {
    uint8_t *page, *end;
    size_t size;
};

static int make_guarded(void **state)
{
    static struct guarded guarded;
    guarded.size = (size_t)sysconf(_SC_PAGESIZE);
    guarded.page = mmap(NULL, 2 * guarded.size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded.page == MAP_FAILED)
        return -1;
    guarded.end = guarded.page + guarded.size;
    *state = &guarded;
    return mprotect(guarded.end, guarded.size, PROT_NONE);
}

static int drop_guarded(void **state)
{
    struct guarded *guarded = *state;
    return munmap(guarded->page, 2 * guarded->size);
}

/* Decodes a copy of the bytes that ends where the page does. */
static enum decode_result decode(void **state, const uint8_t *bytes, size_t length,
                                 struct segment *ret_segment)
{
    struct guarded *guarded = *state;
    return decode_ip(memcpy(guarded->end - length, bytes, length), length, ret_segment);
}

/* --- Samples --- */

#define IPV4(total, protocol)                                                            \
    0x45, 0, (total) >> 8, (total)&0xff, 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 9, 0, 1, \
        10, 9, 0, 2
#define IPV6(payload, next)                                                              \
    0x60, 0, 0, 0, (payload) >> 8, (payload)&0xff, next, 64, 0x20, 1, 0xd, 0xb8, 0, 0,   \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  \
        0, 2
/* From port 40001 to 30001, seq 0x01020304, ack 0x05060708, a window of 0x1000. */
#define TCP(words, flags)                                                                \
    0x9c, 0x41, 0x75, 0x31, 1, 2, 3, 4, 5, 6, 7, 8, (words) << 4, flags, 0x10, 0, 0, 0,  \
        0, 0
/* MSS 1460, SACK permitted, timestamps 1 and 2, a NOP, window shift 7: 20 bytes. */
#define SYN_OPTIONS 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7

static const uint8_t hello4[] = {IPV4(45, 6), TCP(5, 0x18), 'h', 'e', 'l', 'l', 'o'};
static const uint8_t syn4[] = {IPV4(60, 6), TCP(10, 0x02), SYN_OPTIONS};
static const uint8_t options4[] = {0x46, 0, 0, 44, 0, 1, 0x40,        0,  64,
                                   6,    0, 0, 10, 9, 0, 1,           10, 9,
                                   0,    2, 1, 1,  1, 0, TCP(5, 0x10)};
static const uint8_t unsaid4[] = {IPV4(0, 6), TCP(5, 0x18), 'h', 'e', 'l', 'l', 'o'};
static const uint8_t hello6[] = {IPV6(25, 6), TCP(5, 0x18), 'h', 'e', 'l', 'l', 'o'};
static const uint8_t unsaid6[] = {IPV6(0, 6), TCP(5, 0x18), 'h', 'e', 'l', 'l', 'o'};
/* hop by hop, routing, destination options, authentication (16 bytes), a first fragment */
static const uint8_t extended6[] = {
    IPV6(76, 0), 43, 0, 1,  4, 0, 0, 0, 0,                      /* hop by hop */
    60,          0,  0, 0,  0, 0, 0, 0,                         /* routing */
    51,          1,  1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* destination, 16 */
    44,          2,  0, 0,  0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, /* authentication, 16 */
    6,           0,  0, 1,  0, 0, 0, 7, /* fragment, more to come */
    TCP(5, 0x10)};

static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t length, tcp_at;
} samples[] = {
    {"hello4", hello4, sizeof hello4, 20},
    {"syn4", syn4, sizeof syn4, 20},
    {"options4", options4, sizeof options4, 24},
    {"unsaid4", unsaid4, sizeof unsaid4, 20},
    {"hello6", hello6, sizeof hello6, 40},
    {"unsaid6", unsaid6, sizeof unsaid6, 40},
    {"extended6", extended6, sizeof extended6, sizeof extended6 - 20},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

#define decoded(state, sample) decode(state, sample, sizeof(sample), &segment)

/* --- What is read --- */

static void a_segment_says_what_its_header_says(void **state)
{
    struct segment segment;
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, 40001);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, 30001);

    assert_int_equal(decoded(state, hello4), DECODE_TCP);
    assert_true(endpoint_equal(&segment.source, &client));
    assert_true(endpoint_equal(&segment.destination, &server));
    assert_int_equal(segment.seq, 0x01020304);
    assert_int_equal(segment.ack, 0x05060708);
    assert_int_equal(segment.flags, TCP_PSH | TCP_ACK);
    assert_int_equal(segment.window, 0x1000);
    assert_int_equal(segment.payload_bytes, 5);
    assert_int_equal(segment.payload_captured, 5);
    assert_memory_equal(segment.payload, "hello", 5);
    assert_int_equal(segment.mss, 0);
    assert_int_equal(segment.window_shift, -1);
    assert_false(segment.sack_permitted);
    assert_false(segment.timestamps);
}

static void ipv6_is_read_alike(void **state)
{
    struct segment segment;
    char text[ENDPOINT_TEXT];
    assert_int_equal(decoded(state, hello6), DECODE_TCP);
    assert_string_equal(endpoint_format(&segment.source, text), "[2001:db8::1]:40001");
    assert_string_equal(endpoint_format(&segment.destination, text),
                        "[2001:db8::2]:30001");
    assert_memory_equal(segment.payload, "hello", 5);
}

static void options_are_read(void **state)
{
    struct segment segment;
    assert_int_equal(decoded(state, syn4), DECODE_TCP);
    assert_int_equal(segment.flags, TCP_SYN);
    assert_int_equal(segment.mss, 1460);
    assert_int_equal(segment.window_shift, 7);
    assert_true(segment.sack_permitted);
    assert_true(segment.timestamps);
    assert_int_equal(segment.tsval, 1);
    assert_int_equal(segment.tsecr, 2);
    assert_int_equal(segment.payload_bytes, 0);
}

/* RFC 7323, 2.3. */
static void a_window_shift_above_14_is_14(void **state)
{
    struct segment segment;
    static const uint8_t packet[] = {IPV4(44, 6), TCP(6, 2), 3, 3, 15, 0};
    assert_int_equal(decoded(state, packet), DECODE_TCP);
    assert_int_equal(segment.window_shift, 14);
}

/* The segment stands; what was read before the lie counts. */
static void options_that_lie_end_the_list(void **state)
{
    static const uint8_t lists[][8] = {
        {2, 4, 5, 0xb4, 3, 0, 7, 0},   /* no length at all */
        {2, 4, 5, 0xb4, 3, 1, 7, 0},   /* shorter than itself */
        {2, 4, 5, 0xb4, 3, 5, 7, 0},   /* longer than the header */
        {2, 4, 5, 0xb4, 1, 1, 1, 3},   /* cut before its length */
        {2, 4, 5, 0xb4, 0, 3, 3, 7},   /* behind the end */
        {2, 4, 5, 0xb4, 3, 4, 7, 7},   /* a length that kind never has */
        {2, 4, 5, 0xb4, 8, 4, 0, 1},   /* timestamps too short */
        {2, 4, 5, 0xb4, 77, 4, 9, 9}}; /* a kind nobody knows */
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        uint8_t packet[48] = {IPV4(48, 6), TCP(7, 2)};
        struct segment segment;
        memcpy(packet + 40, lists[i], 8);
        assert_int_equal(decoded(state, packet), DECODE_TCP);
        assert_int_equal(segment.mss, 1460);
        assert_int_equal(segment.window_shift, -1);
        assert_false(segment.timestamps);
    }
}

static void ip_options_are_stepped_over(void **state)
{
    struct segment segment;
    assert_int_equal(decoded(state, options4), DECODE_TCP);
    assert_int_equal(segment.source.port, 40001);
    assert_int_equal(segment.payload_bytes, 0);
}

static void extension_headers_are_stepped_over(void **state)
{
    struct segment segment;
    assert_int_equal(decoded(state, extended6), DECODE_TCP);
    assert_int_equal(segment.source.port, 40001);
    assert_int_equal(segment.payload_bytes, 0);
}

static void eight_extension_headers_are_followed_and_no_more(void **state)
{
    for (size_t count = 8; count <= 9; count++) {
        uint8_t packet[40 + 9 * 8 + 20] = {IPV6(0, 60)};
        static const uint8_t tcp[] = {TCP(5, 0x10)};
        struct segment segment;
        size_t length = 40 + count * 8 + sizeof tcp;
        packet[5] = (uint8_t)(length - 40);
        for (size_t i = 0; i < count; i++)
            packet[40 + i * 8] = i + 1 < count ? 60 : 6;
        memcpy(packet + 40 + count * 8, tcp, sizeof tcp);
        assert_int_equal(decode(state, packet, length, &segment),
                         count == 8 ? DECODE_TCP : DECODE_OTHER);
    }
}

static void a_length_left_to_the_device_is_all_there_is(void **state)
{
    struct segment segment;
    assert_int_equal(decoded(state, unsaid4), DECODE_TCP);
    assert_int_equal(segment.payload_bytes, 5);
    assert_int_equal(decoded(state, unsaid6), DECODE_TCP);
    assert_int_equal(segment.payload_bytes, 5);
}

static void padding_behind_the_packet_is_no_payload(void **state)
{
    struct segment segment;
    uint8_t packet[60] = {IPV4(42, 6), TCP(5, 0x18), 'h', 'i'};
    assert_int_equal(decoded(state, packet), DECODE_TCP);
    assert_int_equal(segment.payload_bytes, 2);
    assert_int_equal(segment.payload_captured, 2);
}

static void a_payload_cut_short_keeps_its_length(void **state)
{
    struct segment segment;
    assert_int_equal(decode(state, hello4, sizeof hello4 - 3, &segment), DECODE_TCP);
    assert_int_equal(segment.payload_bytes, 5);
    assert_int_equal(segment.payload_captured, 2);
}

/* --- What is not TCP --- */

static void other_protocols_are_others(void **state)
{
    struct segment segment;
    static const uint8_t udp4[] = {IPV4(28, 17), 0, 1, 0, 2, 0, 8, 0, 0};
    static const uint8_t udp6[] = {IPV6(8, 17), 0, 1, 0, 2, 0, 8, 0, 0};
    static const uint8_t none6[] = {IPV6(0, 59)};
    assert_int_equal(decoded(state, udp4), DECODE_OTHER);
    assert_int_equal(decoded(state, udp6), DECODE_OTHER);
    assert_int_equal(decoded(state, none6), DECODE_OTHER);
}

static void a_first_fragment_is_tcp_and_later_ones_are_not(void **state)
{
    struct segment segment;
    uint8_t packet[sizeof hello4];
    memcpy(packet, hello4, sizeof packet);
    packet[6] = 0x20; /* more fragments */
    assert_int_equal(decoded(state, packet), DECODE_TCP);
    packet[7] = 1; /* eight bytes on */
    assert_int_equal(decoded(state, packet), DECODE_OTHER);

    uint8_t later[] = {IPV6(28, 44), 6, 0, 0, 8, 0, 0, 0, 7, TCP(5, 0x10)};
    assert_int_equal(decoded(state, later), DECODE_OTHER);
    later[43] = 1; /* no offset, more to come */
    assert_int_equal(decoded(state, later), DECODE_TCP);
}

static void a_version_nobody_knows_is_malformed(void **state)
{
    struct segment segment;
    for (int version = 0; version < 16; version++) {
        uint8_t packet[sizeof hello4];
        memcpy(packet, hello4, sizeof packet);
        packet[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6)
            assert_int_equal(decoded(state, packet), DECODE_MALFORMED);
    }
}

/* --- Lengths that lie --- */

static enum decode_result with(void **state, const uint8_t *sample, size_t length,
                               size_t at, uint8_t value)
{
    uint8_t packet[256];
    struct segment segment;
    memcpy(packet, sample, length);
    packet[at] = value;
    return decode(state, packet, length, &segment);
}

static void headers_that_contradict_themselves_are_malformed(void **state)
{
    /* an IPv4 header shorter than any, and longer than its packet */
    assert_int_equal(with(state, hello4, sizeof hello4, 0, 0x44), DECODE_MALFORMED);
    assert_int_equal(with(state, hello4, sizeof hello4, 0, 0x40), DECODE_MALFORMED);
    assert_int_equal(with(state, hello4, sizeof hello4, 0, 0x4f), DECODE_MALFORMED);
    /* a packet shorter than its header, and than TCP's */
    assert_int_equal(with(state, hello4, sizeof hello4, 3, 19), DECODE_MALFORMED);
    assert_int_equal(with(state, hello4, sizeof hello4, 3, 20), DECODE_MALFORMED);
    assert_int_equal(with(state, hello4, sizeof hello4, 3, 39), DECODE_MALFORMED);
    /* a TCP header shorter than any, and longer than its packet */
    assert_int_equal(with(state, hello4, sizeof hello4, 32, 0x40), DECODE_MALFORMED);
    assert_int_equal(with(state, hello4, sizeof hello4, 32, 0x00), DECODE_MALFORMED);
    assert_int_equal(with(state, hello4, sizeof hello4, 32, 0xf0), DECODE_MALFORMED);
    /* an IPv6 payload shorter than TCP's header; extensions longer than it */
    assert_int_equal(with(state, hello6, sizeof hello6, 5, 19), DECODE_MALFORMED);
    assert_int_equal(with(state, extended6, sizeof extended6, 41, 255), DECODE_MALFORMED);
    assert_int_equal(with(state, extended6, sizeof extended6, 5, 7), DECODE_MALFORMED);
}

/* --- Every truncation, every flip --- */

/* The ports, numbers and flags suffice. */
static void every_truncation_of_a_header_is_cut(void **state)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct segment segment, untouched;
        assert_int_equal(decode(state, samples[i].bytes, samples[i].length, &segment),
                         DECODE_TCP);
        size_t enough = samples[i].tcp_at + 14;
        memset(&segment, 0xaa, sizeof segment);
        untouched = segment;
        for (size_t length = 0; length < samples[i].length; length++) {
            enum decode_result result = decode(state, samples[i].bytes, length, &segment);
            if (result != (length < enough ? DECODE_CUT : DECODE_TCP))
                fail_msg("%s cut to %zu bytes is %d", samples[i].name, length, result);
            if (result == DECODE_CUT)
                assert_memory_equal(&segment, &untouched, sizeof segment);
        }
    }
}

/* Whatever a byte says, nothing is read past the end, and the payload lies within. */
static void every_byte_takes_every_value(void **state)
{
    struct guarded *guarded = *state;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t length = samples[i].length;
        uint8_t packet[256];
        for (size_t at = 0; at < length; at++) {
            memcpy(packet, samples[i].bytes, length);
            for (int value = 0; value < 256; value++) {
                struct segment segment;
                packet[at] = (uint8_t)value;
                if (decode(state, packet, length, &segment) != DECODE_TCP)
                    continue;
                assert_true(segment.payload + segment.payload_captured <= guarded->end);
                assert_true(segment.payload_captured <= segment.payload_bytes);
            }
        }
    }
}

static void every_byte_flipped_and_cut_anywhere(void **state)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        uint8_t packet[256];
        memcpy(packet, samples[i].bytes, samples[i].length);
        for (size_t at = 0; at < samples[i].length; at++) {
            packet[at] ^= 0xff;
            for (size_t length = 0; length <= samples[i].length; length++) {
                struct segment segment;
                enum decode_result result = decode(state, packet, length, &segment);
                assert_true(result >= DECODE_TCP && result <= DECODE_CUT);
            }
            packet[at] ^= 0xff;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_says_what_its_header_says),
        cmocka_unit_test(ipv6_is_read_alike),
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(a_window_shift_above_14_is_14),
        cmocka_unit_test(options_that_lie_end_the_list),
        cmocka_unit_test(ip_options_are_stepped_over),
        cmocka_unit_test(extension_headers_are_stepped_over),
        cmocka_unit_test(eight_extension_headers_are_followed_and_no_more),
        cmocka_unit_test(a_length_left_to_the_device_is_all_there_is),
        cmocka_unit_test(padding_behind_the_packet_is_no_payload),
        cmocka_unit_test(a_payload_cut_short_keeps_its_length),
        cmocka_unit_test(other_protocols_are_others),
        cmocka_unit_test(a_first_fragment_is_tcp_and_later_ones_are_not),
        cmocka_unit_test(a_version_nobody_knows_is_malformed),
        cmocka_unit_test(headers_that_contradict_themselves_are_malformed),
        cmocka_unit_test(every_truncation_of_a_header_is_cut),
        cmocka_unit_test(every_byte_takes_every_value),
        cmocka_unit_test(every_byte_flipped_and_cut_anywhere),
    };
    return cmocka_run_group_tests_name("decode", tests, make_guarded, drop_guarded);
}
