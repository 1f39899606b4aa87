/* Patterns against stories, and packets that nobody sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/decode.h"
#include "lab/craft.h"
#include "lab/experiment.h"
#include "lab/sight.h"

static struct segment segment_of(uint8_t flags, uint32_t seq, uint32_t ack,
                                 const char *payload)
{
    return (struct segment){.flags = flags,
                            .seq = seq,
                            .ack = ack,
                            .window = 1000,
                            .payload = (const uint8_t *)payload,
                            .payload_bytes = (uint32_t)strlen(payload),
                            .payload_captured = (uint32_t)strlen(payload),
                            .window_shift = -1};
}

/* A client's SYN 100, the server's SYN-ACK 500, the client's five bytes, sent twice. */
static struct story *sample(void)
{
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, 40001);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, 30001);
    struct story *story;
    struct segment segments[] = {segment_of(TCP_SYN, 100, 0, ""),
                                 segment_of(TCP_SYN | TCP_ACK, 500, 101, ""),
                                 segment_of(TCP_ACK | TCP_PSH, 101, 501, "hello"),
                                 segment_of(TCP_ACK | TCP_PSH, 101, 501, "hello")};
    assert_int_equal(story_new(1, &client, &server, &story), 0);
    for (int i = 0; i < 4; i++)
        assert_non_null(story_add_packet(story, i, i == 1 ? PLACE_SERVER : PLACE_CLIENT,
                                         (uint64_t)i + 1, &segments[i]));
    return story;
}

static struct lab_packet any(enum place from)
{
    return (struct lab_packet){.from = from, .bytes = -1, .window = -1};
}

static void numbers_are_those_of_their_end(void **state)
{
    (void)state;
    struct story *story = sample();
    const struct event *syn_ack = &story->events[1];
    struct lab_packet packet = any(PLACE_SERVER);
    packet.has = TCP_SYN | TCP_ACK;
    assert_true(sight_is_packet(&packet, story, syn_ack));
    packet.seq = (struct lab_number){true, 'k', 0};
    packet.ack = (struct lab_number){true, 'j', 1};
    assert_true(sight_is_packet(&packet, story, syn_ack));
    packet.ack.offset = 2;
    assert_false(sight_is_packet(&packet, story, syn_ack));
    packet.ack = (struct lab_number){true, 'k', 1};
    assert_false(sight_is_packet(&packet, story, syn_ack));
    packet.ack = (struct lab_number){true, 0, 101};
    assert_true(sight_is_packet(&packet, story, syn_ack));
    packet.from = PLACE_CLIENT;
    assert_false(sight_is_packet(&packet, story, syn_ack));
    story_free(&story);
}

static void payload_repetition_and_loss_are_looked_at(void **state)
{
    (void)state;
    struct story *story = sample();
    struct lab_packet packet = any(PLACE_CLIENT);
    packet.filled = true;
    packet.bytes = 5;
    packet.text = "hello";
    assert_true(sight_is_packet(&packet, story, &story->events[2]));
    packet.again = true;
    assert_false(sight_is_packet(&packet, story, &story->events[2]));
    assert_true(sight_is_packet(&packet, story, &story->events[3]));
    packet.lost = true;
    assert_false(sight_is_packet(&packet, story, &story->events[3]));
    story->events[3].packet.fate = FATE_LOST;
    assert_true(sight_is_packet(&packet, story, &story->events[3]));
    packet.text = "hell";
    assert_false(sight_is_packet(&packet, story, &story->events[3]));
    story_free(&story);
}

static void what_the_wire_slipped_in_is_no_evidence(void **state)
{
    (void)state;
    struct story *story = sample();
    struct lab_packet packet = any(PLACE_CLIENT);
    packet.has = TCP_SYN;
    story->events[0].packet.fate = FATE_INJECTED;
    assert_false(sight_is_packet(&packet, story, &story->events[0]));
    story_free(&story);
}

static void the_last_state_is_that_end_s(void **state)
{
    (void)state;
    struct story *story = sample();
    assert_int_equal(sight_last_state(story, PLACE_CLIENT), STATE_NONE);
    story_add_state(story, 10, PLACE_CLIENT, STATE_SYN_SENT, STANDING_OBSERVED);
    story_add_state(story, 11, PLACE_SERVER, STATE_LISTEN, STANDING_OBSERVED);
    story_add_state(story, 12, PLACE_CLIENT, STATE_ESTABLISHED, STANDING_OBSERVED);
    assert_int_equal(sight_last_state(story, PLACE_CLIENT), STATE_ESTABLISHED);
    assert_int_equal(sight_last_state(story, PLACE_SERVER), STATE_LISTEN);
    story_free(&story);
}

static uint16_t sum_of(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | (i + 1 < length ? bytes[i + 1] : 0);
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)sum;
}

/* A right checksum makes the whole add up to all ones. */
static void a_crafted_packet_says_what_it_should_and_adds_up(void **state)
{
    (void)state;
    struct segment segment;
    struct craft_tcp tcp = {.source = endpoint_ipv4(10, 9, 0, 77, 1234),
                            .destination = endpoint_ipv4(10, 9, 0, 2, 30001),
                            .seq = 0xFFFFFFF0,
                            .ack = 7,
                            .flags = TCP_SYN | TCP_ACK,
                            .window = 4321,
                            .payload = "odd"};
    struct crafted crafted = craft_tcp(&tcp);
    const uint8_t *bytes = crafted.bytes;
    assert_int_equal(crafted.length, 20 + 20 + 3);
    assert_int_equal(decode_ip(bytes, crafted.length, &segment), DECODE_TCP);
    assert_true(endpoint_equal(&segment.source, &tcp.source));
    assert_true(endpoint_equal(&segment.destination, &tcp.destination));
    assert_int_equal(segment.seq, 0xFFFFFFF0);
    assert_int_equal(segment.ack, 7);
    assert_int_equal(segment.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(segment.window, 4321);
    assert_memory_equal(segment.payload, "odd", 3);
    assert_int_equal(sum_of(bytes, 20, 0), 0xFFFF);
    uint32_t rest = (uint32_t)crafted.length - 20;
    assert_int_equal(sum_of(bytes + 20, rest, sum_of(bytes + 12, 8, 0) + 6 + rest),
                     0xFFFF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_their_end),
        cmocka_unit_test(payload_repetition_and_loss_are_looked_at),
        cmocka_unit_test(what_the_wire_slipped_in_is_no_evidence),
        cmocka_unit_test(the_last_state_is_that_end_s),
        cmocka_unit_test(a_crafted_packet_says_what_it_should_and_adds_up),
    };
    return cmocka_run_group_tests_name("sight", tests, NULL, NULL);
}
