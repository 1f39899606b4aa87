/* What most packets are is decoded at once; step by step it comes to the same. The same IP
 * packet without Ethernet before it goes the other way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/decoder.h"
#include "capture/ip.h"

enum { LINK = 14, BYTES = 96, RUNS = 200000, ETHERNET = 1, RAW = 101 };

static const uint8_t usual[BYTES] = {
    2,    0,  0,    0,    0,    1,    2,    0,   0,   0,   0,   2,  8,  0, /* */
    0x45, 0,  0,    82,   0x12, 0x34, 0x40, 0,   64,  6,   0,   0,  10, 0,  0,
    1,    10, 0,    0,    2,    0x9c, 0x41, 0,   80,  1,   2,   3,  4,  5,  6,
    7,    8,  0x80, 0x18, 1,    2,    0,    0,   0,   0,   1,   1,  8,  10, 9,
    8,    7,  6,    5,    4,    3,    2,    'h', 'e', 'l', 'l', 'o'};

static struct packet packet_of(const uint8_t *bytes, size_t captured, size_t length)
{
    return (struct packet){.number = 1,
                           .bytes = bytes,
                           .captured = (uint32_t)captured,
                           .length = (uint32_t)length,
                           .link_type = ETHERNET};
}

static void expect_endpoint(const struct endpoint *one, const struct endpoint *other)
{
    assert_true(endpoint_equal(one, other));
}

static void expect_same(const struct segment *one, const struct segment *other)
{
    expect_endpoint(&one->source, &other->source);
    expect_endpoint(&one->destination, &other->destination);
    assert_int_equal(one->seq, other->seq);
    assert_int_equal(one->ack, other->ack);
    assert_int_equal(one->flags, other->flags);
    assert_int_equal(one->window, other->window);
    assert_int_equal(one->payload_bytes, other->payload_bytes);
    assert_ptr_equal(one->payload, other->payload);
    assert_int_equal(one->payload_captured, other->payload_captured);
    assert_int_equal(one->mss, other->mss);
    assert_int_equal(one->window_shift, other->window_shift);
    assert_int_equal(one->ip_id, other->ip_id);
    assert_int_equal(one->ttl, other->ttl);
    assert_int_equal(one->sack_permitted, other->sack_permitted);
    assert_int_equal(one->sack, other->sack);
    assert_int_equal(one->fast_open, other->fast_open);
    assert_int_equal(one->timestamps, other->timestamps);
    assert_int_equal(one->tsval, other->tsval);
    assert_int_equal(one->tsecr, other->tsecr);
}

static enum decode_result step_by_step(struct decoder *decoder, struct packet packet,
                                       struct decoded *ret_decoded)
{
    packet.link_type = RAW;
    packet.bytes += LINK;
    packet.captured -= LINK;
    packet.length -= LINK;
    return decoder_packet(decoder, &packet, ret_decoded);
}

static void the_usual_is_usual(void **state)
{
    (void)state;
    struct packet packet = packet_of(usual, BYTES, BYTES);
    struct segment segment;
    assert_true(decode_usual(&packet, &segment));
    assert_int_equal(segment.source.port, 40001);
    assert_int_equal(segment.seq, 0x01020304);
    assert_int_equal(segment.payload_bytes, 30);
    assert_int_equal(segment.payload_captured, 30);
    assert_int_equal(segment.tsval, 0x09080706);
    assert_memory_equal(segment.payload, "hello", 5);
    for (size_t captured = 0; captured < LINK + 20 + 32; captured++) {
        packet = packet_of(usual, captured, BYTES);
        assert_false(decode_usual(&packet, &segment));
    }
}

/* Copied to where its end is the end of what was allocated: sanitizers see a read past. */
static void compare(struct decoder *decoder, const uint8_t *bytes, size_t captured,
                    size_t length, unsigned *taken)
{
    uint8_t *copy = malloc(captured);
    struct segment segment;
    struct decoded decoded;
    assert_non_null(copy);
    memcpy(copy, bytes, captured);
    struct packet packet = packet_of(copy, captured, length);
    if (decode_usual(&packet, &segment)) {
        assert_int_equal(step_by_step(decoder, packet, &decoded), DECODE_TCP);
        expect_same(&segment, &decoded.segment);
        ++*taken;
    }
    free(copy);
}

static void step_by_step_it_comes_to_the_same(void **state)
{
    (void)state;
    struct decoder *decoder = decoder_new();
    uint32_t random = 2463534242;
    unsigned taken = 0;
    for (int run = 0; run < RUNS; run++) {
        uint8_t bytes[BYTES];
        memcpy(bytes, usual, BYTES);
        for (uint32_t changes = 0; changes < (uint32_t)run % 4; changes++) {
            random ^= random << 13;
            random ^= random >> 17;
            random ^= random << 5;
            bytes[LINK + random % (BYTES - LINK)] = (uint8_t)(random >> 16);
        }
        size_t captured = run % 3 ? BYTES : LINK + 1 + (random >> 8) % (BYTES - LINK);
        size_t length = run % 5 ? BYTES : captured + (random >> 20) % 60;
        compare(decoder, bytes, captured, length < captured ? captured : length, &taken);
    }
    assert_true(taken > RUNS / 4);
    decoder_free(&decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_is_usual),
        cmocka_unit_test(step_by_step_it_comes_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
