#include "tcp/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/decode.h"
#include "tcp/script.h"

static void assert_numbers(const struct story *story, size_t nth, uint32_t seq,
                           uint32_t ack)
{
    const struct event_packet *packet = script_packet(story, nth);
    if (packet->seq != seq || packet->ack != ack)
        fail_msg("packet %zu has seq=%u ack=%u, not seq=%u ack=%u", nth, packet->seq,
                 packet->ack, seq, ack);
}

/* --- Numbers --- */

static void the_syns_own_number_is_zero(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100", "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301",
                "S ACK seq=301 ack=101 bytes=12", "C ACK seq=101 ack=313");
    assert_numbers(story, 1, 0, 0);
    assert_numbers(story, 2, 0, 1);
    assert_numbers(story, 3, 1, 1);
    assert_numbers(story, 4, 1, 1);
    assert_numbers(story, 5, 1, 13);
    assert_false(script_packet(story, 1)->has_ack);
    story_free(&story);
    assert_null(story);
}

static void numbers_wrap_and_go_on(void **state)
{
    (void)state;
    struct story *story = packets(
        "C SYN seq=4294967290", "S SYN ACK seq=4294967295 ack=4294967291",
        "C ACK seq=4294967291 ack=0", "C ACK seq=4294967291 ack=0 bytes=10",
        "S ACK seq=0 ack=5 bytes=3", "C FIN ACK seq=5 ack=3", "S ACK seq=3 ack=6");
    assert_numbers(story, 3, 1, 1);
    assert_numbers(story, 4, 1, 1);
    assert_numbers(story, 5, 1, 11);
    assert_numbers(story, 6, 11, 4);
    assert_numbers(story, 7, 4, 12);
    for (size_t i = 1; i <= 7; i++)
        assert_false(script_packet(story, i)->retransmission);
    story_free(&story);
}

/* Without a SYN the first number seen of an end is taken for its first byte. */
static void in_the_middle_the_first_byte_seen_is_one(void **state)
{
    (void)state;
    struct story *story =
        packets("S ACK seq=5000 ack=700 bytes=100", "C ACK seq=700 ack=5100",
                "C ACK seq=700 ack=5100 bytes=7");
    assert_numbers(story, 1, 1, 1);
    assert_numbers(story, 2, 1, 101);
    assert_numbers(story, 3, 1, 101);
    story_free(&story);
}

static void a_reset_teaches_no_numbers(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=100", "S RST ACK seq=0 ack=101",
                                  "C SYN seq=100", "S SYN ACK seq=300 ack=101");
    assert_numbers(story, 2, 0, 1);
    assert_numbers(story, 4, 0, 1);
    story_free(&story);
}

/* The peer still has an old connection and answers from it (RFC 9293, figure 10): what
 * was guessed from that answer gives way to the SYN. */
static void a_syn_corrects_what_was_guessed(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100", "S ACK seq=9000 ack=7000", "C RST seq=7000",
                "C SYN seq=100", "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301");
    assert_numbers(story, 1, 0, 0);
    assert_numbers(story, 2, 8700, 6900); /* as they are, beside the new numbers */
    assert_numbers(story, 5, 0, 1);
    assert_numbers(story, 6, 1, 1);
    story_free(&story);
}

/* What that end sent on the old connection is not what it has sent on the new one. */
static void a_syn_corrects_what_was_sent_before(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100", "S ACK seq=9000 ack=7000 bytes=50", "C RST seq=7000",
                "S SYN ACK seq=300 ack=101", "S ACK seq=301 ack=101 bytes=20");
    assert_false(script_packet(story, 4)->retransmission);
    assert_false(script_packet(story, 5)->retransmission);
    story_free(&story);
}

/* A fast open's SYN-ACK acknowledges more than the SYN, and may be captured before it. */
static void a_syn_seen_late_corrects_its_acknowledgement(void **state)
{
    (void)state;
    struct story *story = packets("S SYN ACK seq=300 ack=106", "C SYN seq=100 bytes=5",
                                  "C ACK seq=106 ack=301");
    assert_numbers(story, 1, 0, 6);
    assert_numbers(story, 2, 0, 0);
    assert_numbers(story, 3, 6, 1);
    assert_false(script_packet(story, 2)->retransmission);
    story_free(&story);
}

/* --- What was sent before --- */

static void what_brings_no_new_number_is_a_retransmission(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100", "C SYN seq=100", "S SYN ACK seq=300 ack=101",
                "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301",
                "C ACK seq=101 ack=301 bytes=9", "C ACK seq=101 ack=301 bytes=9",
                "C FIN ACK seq=110 ack=301", "C FIN ACK seq=110 ack=301",
                "C FIN ACK seq=101 ack=301 bytes=9");
    static const bool again[] = {false, true, false, true, false,
                                 false, true, false, true, true};
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(script_packet(story, i + 1)->retransmission, again[i]);
    story_free(&story);
}

static void some_new_bytes_are_no_retransmission(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=100", "C ACK seq=101 ack=1 bytes=50",
                                  "C ACK seq=101 ack=1 bytes=60");
    assert_false(script_packet(story, 3)->retransmission);
    story_free(&story);
}

static void what_takes_no_number_is_never_one(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100", "C ACK seq=101 ack=1", "C ACK seq=101 ack=1",
                "C ACK seq=100 ack=1", "C RST seq=101", "C RST seq=101");
    for (size_t i = 1; i <= 6; i++)
        assert_false(script_packet(story, i)->retransmission);
    story_free(&story);
}

/* Copies and injected packets were not sent: the end's own bytes behind them are new. */
static void what_nobody_sent_makes_no_retransmission(void **state)
{
    (void)state;
    struct story *story = packets(
        "C SYN seq=100", "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301",
        "C ACK seq=101 ack=301 bytes=500 injected", "C ACK seq=101 ack=301 bytes=20",
        "C ACK seq=101 ack=301 bytes=20 duplicated number=5");
    const struct event_packet *injected = script_packet(story, 4);
    const struct event_packet *copy = script_packet(story, 6);

    assert_true(injected->sent_ns == UNSEEN_NS && injected->received_ns != UNSEEN_NS);
    assert_int_equal(injected->fate, FATE_INJECTED);
    assert_false(injected->retransmission);
    assert_false(script_packet(story, 5)->retransmission);
    assert_false(copy->retransmission);
    assert_int_equal(copy->number, 5);
    story_free(&story);
}

/* --- Order --- */

static void events_stand_in_the_order_of_their_times(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=1 at=5", "C in SYN_SENT at=9", "S SYN ACK seq=7 ack=2 at=7",
                "C calls connect at=1", "C in ESTABLISHED at=7");
    static const int64_t times_ms[] = {1, 5, 7, 7, 9};
    static const enum event_kind kinds[] = {EVENT_CALL, EVENT_PACKET, EVENT_PACKET,
                                            EVENT_STATE, EVENT_STATE};
    assert_int_equal(story->event_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(story->events[i].t_ns, times_ms[i] * 1000000);
        assert_int_equal(story->events[i].kind, kinds[i]);
    }
    story_free(&story);
}

static void a_thousand_events_keep_their_order(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=0");
    for (int i = 0; i < 1000; i++)
        assert_non_null(story_add_state(story, (i * 7919) % 1000, PLACE_CLIENT,
                                        STATE_ESTABLISHED, STANDING_OBSERVED));
    for (size_t i = 1; i < story->event_count; i++)
        assert_true(story->events[i - 1].t_ns <= story->events[i].t_ns);
    story_free(&story);
}

static void a_packet_is_found_by_number_and_a_copy_is_not(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=1", "S SYN ACK seq=7 ack=2",
                                  "C SYN seq=1 duplicated number=1");
    assert_int_equal(story_find_packet(story, 2)->packet.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(story_find_packet(story, 1)->packet.fate, FATE_DELIVERED);
    assert_null(story_find_packet(story, 3));
    story_free(&story);
}

/* --- Words --- */

static void every_word_is_the_designs(void **state)
{
    (void)state;
    assert_string_equal(open_word(OPEN_THREE_WAY), "three-way");
    assert_string_equal(open_word(OPEN_SIMULTANEOUS), "simultaneous");
    assert_string_equal(open_word(OPEN_FAST_OPEN), "fast-open");
    assert_string_equal(open_word(OPEN_REFUSED), "refused");
    assert_string_equal(open_word(OPEN_UNREACHABLE), "unreachable");
    assert_string_equal(open_word(OPEN_NO_ANSWER), "no-answer");
    assert_string_equal(open_word(OPEN_HALF_OPEN), "half-open");
    assert_string_equal(open_word(OPEN_ABORTED), "aborted");
    assert_string_equal(open_word(OPEN_NOT_SEEN), "not-seen");
    assert_string_equal(close_word(CLOSE_FOUR_SEGMENT), "four-segment");
    assert_string_equal(close_word(CLOSE_THREE_SEGMENT), "three-segment");
    assert_string_equal(close_word(CLOSE_SIMULTANEOUS), "simultaneous");
    assert_string_equal(close_word(CLOSE_HALF_CLOSED), "half-closed");
    assert_string_equal(close_word(CLOSE_RESET), "reset");
    assert_string_equal(close_word(CLOSE_STILL_OPEN), "still-open");
    assert_string_equal(close_word(CLOSE_NOT_SEEN), "not-seen");
    assert_string_equal(close_word(CLOSE_NONE), "none");
    assert_null(side_word(SIDE_NULL));
    assert_string_equal(side_word(SIDE_CLIENT), "client");
    assert_string_equal(side_word(SIDE_SERVER), "server");
    assert_string_equal(side_word(SIDE_BOTH), "both");
    assert_string_equal(anomaly_word(ANOMALY_SYN_RETRANSMITTED), "syn-retransmitted");
    assert_string_equal(anomaly_word(ANOMALY_SYNACK_RETRANSMITTED),
                        "synack-retransmitted");
    assert_string_equal(anomaly_word(ANOMALY_FIN_RETRANSMITTED), "fin-retransmitted");
    assert_string_equal(anomaly_word(ANOMALY_DATA_RETRANSMITTED), "data-retransmitted");
    assert_string_equal(anomaly_word(ANOMALY_ZERO_WINDOW), "zero-window");
    assert_string_equal(anomaly_word(ANOMALY_DATA_AFTER_CLOSE), "data-after-close");
    assert_string_equal(fate_word(FATE_DUPLICATED), "duplicated");
    assert_string_equal(standing_word(STANDING_INFERRED), "inferred");
    assert_string_equal(place_word(PLACE_WIRE), "wire");
    assert_string_equal(state_word(STATE_FIN_WAIT_2), "FIN_WAIT_2");
    assert_string_equal(state_word(STATE_TIME_WAIT), "TIME_WAIT");
}

static void flags_are_named_with_ack_last(void **state)
{
    (void)state;
    char text[FLAGS_TEXT];
    assert_string_equal(flags_words(0, text), "none");
    assert_string_equal(flags_words(TCP_SYN | TCP_ACK, text), "SYN ACK");
    assert_string_equal(flags_words(TCP_FIN | TCP_PSH | TCP_ACK, text), "FIN PSH ACK");
    assert_string_equal(flags_words(0xff, text), "SYN FIN RST PSH URG ECE CWR ACK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_syns_own_number_is_zero),
        cmocka_unit_test(numbers_wrap_and_go_on),
        cmocka_unit_test(in_the_middle_the_first_byte_seen_is_one),
        cmocka_unit_test(a_reset_teaches_no_numbers),
        cmocka_unit_test(a_syn_corrects_what_was_guessed),
        cmocka_unit_test(a_syn_corrects_what_was_sent_before),
        cmocka_unit_test(a_syn_seen_late_corrects_its_acknowledgement),
        cmocka_unit_test(what_brings_no_new_number_is_a_retransmission),
        cmocka_unit_test(some_new_bytes_are_no_retransmission),
        cmocka_unit_test(what_takes_no_number_is_never_one),
        cmocka_unit_test(what_nobody_sent_makes_no_retransmission),
        cmocka_unit_test(events_stand_in_the_order_of_their_times),
        cmocka_unit_test(a_thousand_events_keep_their_order),
        cmocka_unit_test(a_packet_is_found_by_number_and_a_copy_is_not),
        cmocka_unit_test(every_word_is_the_designs),
        cmocka_unit_test(flags_are_named_with_ack_last),
    };
    return cmocka_run_group_tests_name("story", tests, NULL, NULL);
}
