/* Every word for how a connection closed, and what else a verdict says; how it opened is
 * opening_test.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/script.h"
#include "tcp/story.h"

#define OPENING "C SYN seq=100", "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301"

static const struct verdict *judge(struct story *story)
{
    story_judge(story);
    return &story->verdict;
}

/* --- How it closed --- */

static void four_segments(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102",
                           "S FIN ACK seq=301 ack=102", "C ACK seq=102 ack=302"),
                   "three-way", "four-segment", "client", "null");
}

static void three_segments(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "S FIN ACK seq=301 ack=101",
                           "C FIN ACK seq=101 ack=302", "S ACK seq=302 ack=102"),
                   "three-way", "three-segment", "server", "null");
}

static void data_may_follow_the_first_fin(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301",
                           "S ACK seq=301 ack=102 bytes=70", "C ACK seq=102 ack=371",
                           "S FIN ACK seq=371 ack=102", "C ACK seq=102 ack=372"),
                   "three-way", "four-segment", "client", "null");
}

static void fins_that_cross_close_simultaneously(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "S FIN ACK seq=301 ack=101",
                           "C FIN ACK seq=101 ack=301", "C ACK seq=102 ack=302",
                           "S ACK seq=302 ack=102"),
                   "three-way", "simultaneous", "both", "null");
}

static void one_fin_half_closes(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102",
                           "S ACK seq=301 ack=102 bytes=70"),
                   "three-way", "half-closed", "client", "null");
}

static void a_lost_final_ack_takes_nothing_back(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102",
                           "S FIN ACK seq=301 ack=102", "C ACK seq=102 ack=302 lost"),
                   "three-way", "four-segment", "client", "null");
}

static void a_fin_lost_and_sent_again_is_the_first(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "S FIN ACK seq=301 ack=101 lost",
                           "S FIN ACK seq=301 ack=101", "C ACK seq=101 ack=302",
                           "C FIN ACK seq=101 ack=302", "S ACK seq=302 ack=102"),
                   "three-way", "four-segment", "server", "null");
}

static void a_reset_ends_it(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "S RST ACK seq=301 ack=101"), "three-way", "reset",
                   "null", "server");
    /* one that does not wait for the other's FIN */
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301",
                           "S ACK seq=301 ack=102 bytes=9", "C RST seq=102"),
                   "three-way", "reset", "client", "client");
}

static void a_reset_behind_both_fins_is_too_late(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301",
                           "S FIN ACK seq=301 ack=102", "C ACK seq=102 ack=302",
                           "C RST seq=102"),
                   "three-way", "three-segment", "client", "null");
}

/* Some stacks send a reset with their FIN's own number behind it. */
static void a_reset_with_the_fins_number_counts(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102",
                           "C RST seq=101"),
                   "three-way", "reset", "client", "client");
}

/* RFC 5961, 3.2: out of the window it is dropped; what goes on shows it. */
static void a_reset_that_nobody_heeds_resets_nothing(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C ACK seq=101 ack=301 bytes=50",
                           "S ACK seq=301 ack=151", "C RST seq=101",
                           "C FIN ACK seq=151 ack=301", "S FIN ACK seq=301 ack=152",
                           "C ACK seq=152 ack=302"),
                   "three-way", "three-segment", "client", "null");
    assert_verdict(packets(OPENING, "S RST seq=3000000000 injected"), "three-way",
                   "still-open", "null", "null");
    assert_verdict(packets(OPENING, "S RST seq=301 lost"), "three-way", "still-open",
                   "null", "null");
}

static void an_injected_reset_in_the_window_resets(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "S RST seq=301 injected"), "three-way", "reset",
                   "null", "server");
}

/* 3.10.7.4, fifth: a segment without ACK is dropped, a lone FIN too. */
static void a_fin_without_ack_closes_nothing(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN seq=101"), "three-way", "still-open", "null",
                   "null");
}

static void an_injected_fin_is_no_closing(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING, "C FIN ACK seq=101 ack=301 injected"), "three-way",
                   "still-open", "null", "null");
}

static void a_close_across_the_wrap(void **state)
{
    (void)state;
    assert_verdict(
        packets("C SYN seq=4294967294", "S SYN ACK seq=4294967293 ack=4294967295",
                "C ACK seq=4294967295 ack=4294967294",
                "C FIN ACK seq=4294967295 ack=4294967294", "S ACK seq=4294967294 ack=0",
                "S FIN ACK seq=4294967294 ack=0", "C ACK seq=0 ack=4294967295"),
        "three-way", "four-segment", "client", "null");
}

/* --- What went wrong on the way --- */

static void assert_anomaly(const struct story *story, enum anomaly_kind kind,
                           uint32_t count, uint64_t first)
{
    const struct evidence *evidence = &story->verdict.anomalies[kind];
    if (evidence->count != count || (count && evidence->packets[0] != first))
        fail_msg("%s: %u packets from number %lu, not %u from %lu", anomaly_word(kind),
                 evidence->count, evidence->packets[0], count, first);
}

static void retransmissions_are_told_apart(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100 lost", "C SYN seq=100", "S SYN ACK seq=300 ack=101",
                "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301",
                "S ACK seq=301 ack=101 bytes=9", "S ACK seq=301 ack=101 bytes=9",
                "S ACK seq=301 ack=101 bytes=9", "S FIN ACK seq=310 ack=101",
                "S FIN ACK seq=310 ack=101");
    story_judge(story);
    assert_anomaly(story, ANOMALY_SYN_RETRANSMITTED, 1, 2);
    assert_anomaly(story, ANOMALY_SYNACK_RETRANSMITTED, 1, 4);
    assert_anomaly(story, ANOMALY_DATA_RETRANSMITTED, 2, 7);
    assert_anomaly(story, ANOMALY_FIN_RETRANSMITTED, 1, 10);
    assert_anomaly(story, ANOMALY_ZERO_WINDOW, 0, 0);
    assert_anomaly(story, ANOMALY_DATA_AFTER_CLOSE, 0, 0);
    story_free(&story);
}

/* A SYN's and a reset's window say nothing. */
static void a_zero_window_is_noted(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100 win=0", "S SYN ACK seq=300 ack=101 win=0",
                "C ACK seq=101 ack=301 win=0", "S RST seq=301 win=0");
    story_judge(story);
    assert_anomaly(story, ANOMALY_ZERO_WINDOW, 1, 3);
    story_free(&story);
}

static void data_behind_the_fin_is_noted(void **state)
{
    (void)state;
    struct story *story =
        packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102 bytes=5",
                "C ACK seq=102 ack=306 bytes=4");
    story_judge(story);
    assert_anomaly(story, ANOMALY_DATA_AFTER_CLOSE, 1, 6);
    story_free(&story);
}

/* A copy of the wire's making is no fault of an end. */
static void copies_are_no_anomaly(void **state)
{
    (void)state;
    struct story *story =
        packets(OPENING, "C ACK seq=101 ack=301 bytes=5 win=0",
                "C FIN ACK seq=106 ack=301", "C SYN seq=100 duplicated number=1",
                "C ACK seq=101 ack=301 bytes=5 win=0 duplicated number=4",
                "C FIN ACK seq=106 ack=301 duplicated number=5");
    story_judge(story);
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        assert_anomaly(story, (enum anomaly_kind)kind, kind == ANOMALY_ZERO_WINDOW, 4);
    assert_int_equal(story->verdict.packets, 8);
    story_free(&story);
}

static void evidence_keeps_the_first_eight_and_counts_all(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=100");
    for (int i = 0; i < 19; i++)
        more_packets(story, "C SYN seq=100");
    story_judge(story);
    const struct evidence *again = &story->verdict.anomalies[ANOMALY_SYN_RETRANSMITTED];
    assert_int_equal(again->count, 19);
    for (size_t i = 0; i < STORY_EVIDENCE_MAX; i++)
        assert_int_equal(again->packets[i], i + 2);
    story_free(&story);
}

/* --- Counts, times, states, evidence --- */

static void assert_bytes(struct story *story, uint64_t client, uint64_t server)
{
    const struct verdict *verdict = judge(story);
    assert_int_equal(verdict->client_bytes, client);
    assert_int_equal(verdict->server_bytes, server);
    story_free(&story);
}

static void each_byte_counts_once(void **state)
{
    (void)state;
    assert_bytes(packets(OPENING, "S ACK seq=301 ack=101 bytes=12",
                         "C ACK seq=101 ack=313 bytes=7"),
                 7, 12);
    assert_bytes(packets(OPENING, "S ACK seq=301 ack=101 bytes=12",
                         "S ACK seq=301 ack=101 bytes=12"),
                 0, 12);
    /* sent again with more */
    assert_bytes(packets(OPENING, "S ACK seq=301 ack=101 bytes=100",
                         "S ACK seq=351 ack=101 bytes=100"),
                 0, 150);
    /* with a SYN, with a FIN, behind a SYN whose data was not taken */
    assert_bytes(packets("C SYN seq=100 bytes=5", "S SYN ACK seq=300 ack=101",
                         "C ACK seq=101 ack=301 bytes=5",
                         "C FIN ACK seq=106 ack=301 bytes=3"),
                 8, 0);
    /* in the middle */
    assert_bytes(packets("S ACK seq=4294967290 ack=7 bytes=10"), 0, 10);
}

static void copies_injections_and_resets_bring_no_bytes(void **state)
{
    (void)state;
    assert_bytes(packets(OPENING, "S ACK seq=301 ack=101 bytes=12",
                         "S ACK seq=301 ack=101 bytes=12 duplicated number=4",
                         "S ACK seq=313 ack=101 bytes=500 injected",
                         "S ACK seq=313 ack=101 bytes=8", "S RST seq=321 bytes=30"),
                 0, 20);
}

static void the_handshake_takes_from_syn_to_ack(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=100 at=5", "C SYN seq=100 at=1005",
                                  "S SYN ACK seq=300 ack=101 at=1010",
                                  "C ACK seq=101 ack=301 at=1015 takes=4");
    const struct verdict *verdict = judge(story);
    assert_int_equal(verdict->handshake_ns, 1010 * 1000000);
    assert_int_equal(verdict->start_ns, 5 * 1000000);
    assert_int_equal(verdict->end_ns, 1019 * 1000000);
    assert_int_equal(verdict->packets, 4);
    story_free(&story);

    story = packets("C SYN seq=100", "S SYN ACK seq=300 ack=101");
    assert_true(judge(story)->handshake_ns == UNSEEN_NS);
    story_free(&story);
}

/* The ends' clock need not begin at zero, nor count from there on. */
static void times_before_zero_are_times(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100 at=-50", "S RST ACK seq=0 ack=101 at=-20");
    const struct verdict *verdict = judge(story);
    assert_int_equal(verdict->start_ns, -50 * 1000000);
    assert_int_equal(verdict->end_ns, -20 * 1000000);
    story_free(&story);
}

static void the_last_states_stand_by_their_weaker_standing(void **state)
{
    (void)state;
    struct story *story = packets("C in SYN_SENT inferred", "C in ESTABLISHED",
                                  "S in SYN_RECEIVED", "S in ESTABLISHED traced");
    const struct verdict *verdict = judge(story);
    assert_int_equal(verdict->client_state, STATE_ESTABLISHED);
    assert_int_equal(verdict->server_state, STATE_ESTABLISHED);
    assert_int_equal(verdict->standing, STANDING_TRACED);
    story_free(&story);
}

static void the_verdict_names_the_packets_it_rests_on(void **state)
{
    (void)state;
    struct story *story =
        packets(OPENING, "C ACK seq=101 ack=301 bytes=9", "S FIN ACK seq=301 ack=110",
                "C FIN ACK seq=110 ack=302", "S ACK seq=302 ack=111");
    const struct evidence *evidence = &judge(story)->evidence;
    static const uint64_t numbers[] = {1, 2, 3, 5, 6, 7};
    assert_int_equal(evidence->count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(evidence->packets[i], numbers[i]);
    story_free(&story);

    story = packets("C SYN seq=100", "S RST ACK seq=0 ack=101");
    evidence = &judge(story)->evidence;
    assert_int_equal(evidence->count, 2);
    assert_int_equal(evidence->packets[1], 2);
    story_free(&story);
}

static void states_alone_tell_that_it_closed_and_who_began(void **state)
{
    (void)state;
    assert_verdict(packets("C calls connect", "C in ESTABLISHED", "S in ESTABLISHED",
                           "S in FIN_WAIT_1", "C in CLOSE_WAIT", "C in CLOSED",
                           "S in TIME_WAIT"),
                   "not-seen", "not-seen", "server", "null");
    assert_verdict(packets("C in ESTABLISHED", "S in ESTABLISHED", "C in CLOSED"),
                   "not-seen", "not-seen", "null", "null");
    assert_verdict(packets("S in LISTEN", "C in ESTABLISHED", "S in ESTABLISHED"),
                   "not-seen", "still-open", "null", "null");
}

/* They come from the segments, and tell nothing that those do not. */
static void inferred_states_tell_no_closing_of_their_own(void **state)
{
    (void)state;
    struct story *story = packets(OPENING, "C FIN ACK seq=101 ack=301 injected");
    assert_int_equal(story_infer_states(story), 0);
    assert_verdict(story, "three-way", "still-open", "null", "null");
}

static void judging_again_says_the_same(void **state)
{
    (void)state;
    struct story *story = packets(OPENING, "C ACK seq=101 ack=301 bytes=9 win=0",
                                  "C ACK seq=101 ack=301 bytes=9");
    struct verdict once = *judge(story);
    assert_memory_equal(&once, judge(story), sizeof once);
    story_free(&story);
}

static void an_empty_story_is_judged(void **state)
{
    (void)state;
    assert_verdict(packets(NULL), "not-seen", "still-open", "null", "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_segments),
        cmocka_unit_test(three_segments),
        cmocka_unit_test(data_may_follow_the_first_fin),
        cmocka_unit_test(fins_that_cross_close_simultaneously),
        cmocka_unit_test(one_fin_half_closes),
        cmocka_unit_test(a_lost_final_ack_takes_nothing_back),
        cmocka_unit_test(a_fin_lost_and_sent_again_is_the_first),
        cmocka_unit_test(a_reset_ends_it),
        cmocka_unit_test(a_reset_behind_both_fins_is_too_late),
        cmocka_unit_test(a_reset_with_the_fins_number_counts),
        cmocka_unit_test(a_reset_that_nobody_heeds_resets_nothing),
        cmocka_unit_test(an_injected_reset_in_the_window_resets),
        cmocka_unit_test(a_fin_without_ack_closes_nothing),
        cmocka_unit_test(an_injected_fin_is_no_closing),
        cmocka_unit_test(a_close_across_the_wrap),
        cmocka_unit_test(retransmissions_are_told_apart),
        cmocka_unit_test(a_zero_window_is_noted),
        cmocka_unit_test(data_behind_the_fin_is_noted),
        cmocka_unit_test(copies_are_no_anomaly),
        cmocka_unit_test(evidence_keeps_the_first_eight_and_counts_all),
        cmocka_unit_test(each_byte_counts_once),
        cmocka_unit_test(copies_injections_and_resets_bring_no_bytes),
        cmocka_unit_test(the_handshake_takes_from_syn_to_ack),
        cmocka_unit_test(times_before_zero_are_times),
        cmocka_unit_test(the_last_states_stand_by_their_weaker_standing),
        cmocka_unit_test(the_verdict_names_the_packets_it_rests_on),
        cmocka_unit_test(states_alone_tell_that_it_closed_and_who_began),
        cmocka_unit_test(inferred_states_tell_no_closing_of_their_own),
        cmocka_unit_test(judging_again_says_the_same),
        cmocka_unit_test(an_empty_story_is_judged),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
