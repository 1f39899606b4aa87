/* Every word for how a connection opened, each on the shortest one that earns it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/script.h"
#include "tcp/story.h"

#define OPENING "C SYN seq=100", "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301"

static void three_segments_open_three_way(void **state)
{
    (void)state;
    assert_verdict(packets(OPENING), "three-way", "still-open", "null", "null");
}

static void an_acknowledgement_with_data_opens_too(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101",
                           "C PSH ACK seq=101 ack=301 text=hi"),
                   "three-way", "still-open", "null", "null");
}

static void both_ends_sending_syns_open_simultaneously(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100", "S SYN seq=300", "C SYN ACK seq=100 ack=301",
                           "S SYN ACK seq=300 ack=101"),
                   "simultaneous", "still-open", "null", "null");
}

static void data_taken_from_the_syn_is_a_fast_open(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100 text=hello", "S SYN ACK seq=300 ack=106",
                           "C ACK seq=106 ack=301"),
                   "fast-open", "still-open", "null", "null");
}

static void data_not_taken_from_the_syn_is_three_way(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100 text=hello", "S SYN ACK seq=300 ack=101",
                           "C ACK seq=101 ack=301 text=hello"),
                   "three-way", "still-open", "null", "null");
}

static void a_reset_that_acknowledges_the_syn_refuses(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100", "S RST ACK seq=0 ack=101"), "refused", "none",
                   "null", "null");
}

/* 3.5.2: a closed port acknowledges what came with the SYN as well. */
static void a_fast_open_is_refused_with_its_data(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100 text=hello", "S RST ACK seq=0 ack=106"),
                   "refused", "none", "null", "null");
}

/* 3.5.3: in SYN_SENT a reset counts only if it acknowledges the SYN. */
static void a_reset_of_something_else_refuses_nothing(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100", "S RST seq=0"), "no-answer", "none", "null",
                   "null");
    assert_verdict(packets("C SYN seq=100", "S RST ACK seq=0 ack=90"), "no-answer",
                   "none", "null", "null");
    assert_verdict(packets("C SYN seq=100", "S RST ACK seq=0 ack=101 lost"), "no-answer",
                   "none", "null", "null");
}

static void silence_is_no_answer(void **state)
{
    (void)state;
    assert_verdict(
        packets("C SYN seq=100", "C SYN seq=100 at=1001", "C SYN seq=100 at=3001"),
        "no-answer", "none", "null", "null");
}

/* What ICMP said only the call knows. */
static void the_call_tells_what_no_segment_does(void **state)
{
    (void)state;
    assert_verdict(packets("C calls connect", "C SYN seq=100", "C connect returns -113"),
                   "unreachable", "none", "null", "null");
    assert_verdict(packets("C calls connect", "C SYN seq=100", "C connect returns -111"),
                   "refused", "none", "null", "null");
    assert_verdict(packets("C calls connect", "C SYN seq=100", "C connect returns -110"),
                   "no-answer", "none", "null", "null");
    assert_int_equal(EHOSTUNREACH, 113);
    assert_int_equal(ECONNREFUSED, 111);
    assert_int_equal(ETIMEDOUT, 110);
}

static void calls_alone_tell_how_it_failed(void **state)
{
    (void)state;
    assert_verdict(packets("C calls connect", "C connect returns -111"), "refused",
                   "none", "null", "null");
    assert_verdict(packets("C calls connect", "C connect returns -101"), "unreachable",
                   "none", "null", "null");
    assert_verdict(packets("C calls connect", "C connect returns -110"), "no-answer",
                   "none", "null", "null");
    assert_verdict(packets("C calls connect", "C connect returns 0"), "not-seen",
                   "still-open", "null", "null");
}

static void a_syn_ack_that_nobody_acknowledges_is_half_open(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101",
                           "S SYN ACK seq=300 ack=101 at=1000"),
                   "half-open", "none", "null", "null");
    assert_verdict(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101",
                           "C ACK seq=101 ack=301 lost"),
                   "half-open", "none", "null", "null");
    assert_verdict(packets("C SYN seq=100 text=hello", "S SYN ACK seq=300 ack=106"),
                   "half-open", "none", "null", "null");
}

static void a_reset_before_it_is_open_aborts(void **state)
{
    (void)state;
    /* a scanner, whose kernel knows of no SYN */
    assert_verdict(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101", "C RST seq=101"),
                   "aborted", "none", "null", "client");
    assert_verdict(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101", "S RST seq=301"),
                   "aborted", "none", "null", "server");
}

static void what_begins_in_the_middle_was_not_seen_to_open(void **state)
{
    (void)state;
    assert_verdict(packets("S ACK seq=500 ack=700 bytes=10", "C ACK seq=700 ack=510"),
                   "not-seen", "still-open", "null", "null");
    assert_verdict(packets("S FIN ACK seq=500 ack=700", "C ACK seq=700 ack=501"),
                   "not-seen", "half-closed", "server", "null");
    assert_verdict(packets("C RST seq=700"), "not-seen", "reset", "null", "client");
}

/* One direction is enough to tell: an ACK answers a SYN-ACK, data follows on an ACK. */
static void one_direction_shows_that_it_opened(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100", "C ACK seq=101 ack=301",
                           "C ACK seq=101 ack=301 bytes=5"),
                   "three-way", "still-open", "null", "null");
    assert_verdict(packets("S SYN ACK seq=300 ack=101", "S ACK seq=301 ack=101 bytes=5"),
                   "three-way", "still-open", "null", "null");
    assert_verdict(packets("S SYN ACK seq=300 ack=101", "S ACK seq=301 ack=140"),
                   "three-way", "still-open", "null", "null");
    assert_verdict(packets("S SYN ACK seq=300 ack=101", "S SYN ACK seq=300 ack=101"),
                   "half-open", "none", "null", "null");
}

/* RFC 9293, figure 10: the server has kept an old connection. Its answer, and the reset
 * that clears it away, belong to that one. */
static void an_old_connection_cleared_away_is_no_reset(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=100", "S ACK seq=9000 ack=7000", "C RST seq=7000",
                           "C SYN seq=100 at=1001", "S SYN ACK seq=300 ack=101",
                           "C ACK seq=101 ack=301"),
                   "three-way", "still-open", "null", "null");
}

static void what_the_old_connection_sent_counts_for_nothing(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100", "S ACK seq=9000 ack=7000 bytes=50", "C RST seq=7000",
                "C SYN seq=100 at=1001", "S SYN ACK seq=300 ack=101",
                "C ACK seq=101 ack=301 bytes=9", "S ACK seq=301 ack=110 bytes=20",
                "C RST seq=110");
    story_judge(story);
    assert_int_equal(story->verdict.client_bytes, 9);
    assert_int_equal(story->verdict.server_bytes, 50 + 20);
    assert_verdict(story, "three-way", "reset", "null", "client");
}

/* Figure 9: an old SYN turns up first; its SYN-ACK is reset, the new one opens. */
static void an_old_syn_turned_away_is_no_reset(void **state)
{
    (void)state;
    assert_verdict(packets("C SYN seq=90", "S SYN ACK seq=200 ack=91", "C RST seq=91",
                           "C SYN seq=100", "S SYN ACK seq=400 ack=101",
                           "C ACK seq=101 ack=401"),
                   "three-way", "still-open", "null", "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_segments_open_three_way),
        cmocka_unit_test(an_acknowledgement_with_data_opens_too),
        cmocka_unit_test(both_ends_sending_syns_open_simultaneously),
        cmocka_unit_test(data_taken_from_the_syn_is_a_fast_open),
        cmocka_unit_test(data_not_taken_from_the_syn_is_three_way),
        cmocka_unit_test(a_reset_that_acknowledges_the_syn_refuses),
        cmocka_unit_test(a_fast_open_is_refused_with_its_data),
        cmocka_unit_test(a_reset_of_something_else_refuses_nothing),
        cmocka_unit_test(silence_is_no_answer),
        cmocka_unit_test(the_call_tells_what_no_segment_does),
        cmocka_unit_test(calls_alone_tell_how_it_failed),
        cmocka_unit_test(a_syn_ack_that_nobody_acknowledges_is_half_open),
        cmocka_unit_test(a_reset_before_it_is_open_aborts),
        cmocka_unit_test(what_begins_in_the_middle_was_not_seen_to_open),
        cmocka_unit_test(one_direction_shows_that_it_opened),
        cmocka_unit_test(an_old_connection_cleared_away_is_no_reset),
        cmocka_unit_test(what_the_old_connection_sent_counts_for_nothing),
        cmocka_unit_test(an_old_syn_turned_away_is_no_reset),
    };
    return cmocka_run_group_tests_name("opening", tests, NULL, NULL);
}
