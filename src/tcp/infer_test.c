/* Both ends' states through whole lives, from packets alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/script.h"
#include "tcp/story.h"

#define OPENING "C SYN seq=100", "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301"
#define OPENED_CLIENT "SYN_SENT ESTABLISHED"
#define OPENED_SERVER "SYN_RECEIVED ESTABLISHED"

static void assert_states(const struct story *story, const char *client,
                          const char *server)
{
    char text[SCRIPT_STATES];
    assert_string_equal(script_states(story, PLACE_CLIENT, text), client);
    assert_string_equal(script_states(story, PLACE_SERVER, text), server);
}

/* Infers, looks, and forgets the story. */
static void assert_lives(struct story *story, const char *client, const char *server)
{
    assert_int_equal(story_infer_states(story), 0);
    assert_states(story, client, server);
    story_free(&story);
}

static void a_whole_life_closed_in_four_segments(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102",
                         "S FIN ACK seq=301 ack=102", "C ACK seq=102 ack=302"),
                 OPENED_CLIENT " FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT",
                 OPENED_SERVER " CLOSE_WAIT LAST_ACK CLOSED");
}

static void three_segments_skip_fin_wait_2(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "S FIN ACK seq=301 ack=101",
                         "C FIN ACK seq=101 ack=302", "S ACK seq=302 ack=102"),
                 OPENED_CLIENT " CLOSE_WAIT LAST_ACK CLOSED",
                 OPENED_SERVER " FIN_WAIT_1 TIME_WAIT");
}

/* Seen at one point, the one that comes second has not been received when it was sent;
 * its acknowledgement number tells. With two points their crossing is seen. */
static void fins_that_cross_go_through_closing(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "C FIN ACK seq=101 ack=301 takes=10",
                         "S FIN ACK seq=301 ack=101 takes=10",
                         "C ACK seq=102 ack=302 at=20 takes=10",
                         "S ACK seq=302 ack=102 at=21 takes=10"),
                 OPENED_CLIENT " FIN_WAIT_1 CLOSING TIME_WAIT",
                 OPENED_SERVER " FIN_WAIT_1 CLOSING TIME_WAIT");
}

static void syns_that_cross_open_both_ends(void **state)
{
    (void)state;
    assert_lives(packets("C SYN seq=100 takes=10", "S SYN seq=300 takes=10",
                         "C SYN ACK seq=100 ack=301 at=15 takes=10",
                         "S SYN ACK seq=300 ack=101 at=16 takes=10"),
                 "SYN_SENT SYN_RECEIVED ESTABLISHED",
                 "SYN_SENT SYN_RECEIVED ESTABLISHED");
}

/* With two vantage points each end changes when the packet reaches it. */
static void at_two_points_states_come_with_arrival(void **state)
{
    (void)state;
    struct story *story =
        packets("C SYN seq=100 at=0 takes=50", "S SYN ACK seq=300 ack=101 at=50 takes=50",
                "C ACK seq=101 ack=301 at=100 takes=50");
    assert_int_equal(story_infer_states(story), 0);
    static const struct {
        enum place place;
        enum tcp_state state;
        int64_t ms;
    } expected[] = {{PLACE_CLIENT, STATE_SYN_SENT, 0},
                    {PLACE_SERVER, STATE_SYN_RECEIVED, 50},
                    {PLACE_CLIENT, STATE_ESTABLISHED, 100},
                    {PLACE_SERVER, STATE_ESTABLISHED, 150}};
    size_t next = 0;
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind != EVENT_STATE)
            continue;
        assert_int_equal(event->place, expected[next].place);
        assert_int_equal(event->state.state, expected[next].state);
        assert_int_equal(event->t_ns, expected[next].ms * 1000000);
        assert_int_equal(event->state.standing, STANDING_INFERRED);
        next++;
    }
    assert_int_equal(next, 4);
    story_free(&story);
}

/* A port where nobody listens never was in SYN_RECEIVED. */
static void a_refused_port_stays_closed(void **state)
{
    (void)state;
    assert_lives(packets("C SYN seq=100", "S RST ACK seq=0 ack=101"), "SYN_SENT CLOSED",
                 "CLOSED");
    assert_lives(packets("C SYN seq=100", "S RST ACK seq=0 ack=101", "C SYN seq=100",
                         "S RST ACK seq=0 ack=101"),
                 "SYN_SENT CLOSED SYN_SENT CLOSED", "CLOSED");
}

static void silence_says_nothing_of_the_server(void **state)
{
    (void)state;
    assert_lives(packets("C SYN seq=100", "C SYN seq=100"), "SYN_SENT", "");
}

static void a_lost_final_ack_leaves_last_ack(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102",
                         "S FIN ACK seq=301 ack=102", "C ACK seq=102 ack=302 lost"),
                 OPENED_CLIENT " FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT",
                 OPENED_SERVER " CLOSE_WAIT LAST_ACK");
}

static void a_lost_fin_moves_only_its_sender(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "S FIN ACK seq=301 ack=101 lost"), OPENED_CLIENT,
                 OPENED_SERVER " FIN_WAIT_1");
}

static void a_reset_closes_both_ends(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "S RST ACK seq=301 ack=101"), OPENED_CLIENT " CLOSED",
                 OPENED_SERVER " CLOSED");
    assert_lives(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101", "C RST seq=101"),
                 "SYN_SENT ESTABLISHED CLOSED", "SYN_RECEIVED CLOSED");
}

static void a_reset_with_the_fins_number_closes(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102",
                         "C RST seq=101"),
                 OPENED_CLIENT " FIN_WAIT_1 FIN_WAIT_2 CLOSED",
                 OPENED_SERVER " CLOSE_WAIT CLOSED");
}

/* --- What an end does not heed --- */

static void a_reset_out_of_the_window_changes_nothing(void **state)
{
    (void)state;
    assert_lives(
        packets(OPENING, "S RST seq=3000000000 injected", "S RST seq=290 injected"),
        OPENED_CLIENT, OPENED_SERVER);
    assert_lives(packets("C SYN seq=100", "S RST seq=101 injected",
                         "S RST ACK seq=0 ack=90 injected"),
                 "SYN_SENT", "");
}

/* Of an injected packet only the receiver knows, and of a copy. */
static void what_nobody_sent_moves_only_its_receiver(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "S RST seq=301 injected"), OPENED_CLIENT " CLOSED",
                 OPENED_SERVER);
    assert_lives(packets(OPENING, "C SYN seq=100 duplicated number=1",
                         "S FIN ACK seq=301 ack=101 injected"),
                 OPENED_CLIENT " CLOSE_WAIT", OPENED_SERVER);
}

static void segments_without_ack_are_dropped(void **state)
{
    (void)state;
    assert_lives(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101 takes=1",
                         "C seq=101 bytes=5 injected", "C FIN seq=101 injected"),
                 "SYN_SENT ESTABLISHED", "SYN_RECEIVED");
    assert_lives(packets(OPENING, "C FIN seq=101"), OPENED_CLIENT, OPENED_SERVER);
}

static void a_fin_out_of_the_window_is_none(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "S FIN ACK seq=3000000000 ack=101 injected",
                         "S FIN ACK seq=290 ack=101 injected"),
                 OPENED_CLIENT, OPENED_SERVER);
}

/* RFC 9293, figure 10. */
static void an_old_connection_is_cleared_away_and_the_syn_stands(void **state)
{
    (void)state;
    assert_lives(packets("C SYN seq=100", "S ACK seq=9000 ack=7000", "C RST seq=7000",
                         "C SYN seq=100", "S SYN ACK seq=300 ack=101",
                         "C ACK seq=101 ack=301"),
                 "SYN_SENT ESTABLISHED", "CLOSED SYN_RECEIVED ESTABLISHED");
    /* What was acknowledged on the old one does not stand against the new one's end. */
    assert_lives(packets("C SYN seq=100", "S ACK seq=9000 ack=7000", "C RST seq=7000",
                         "C SYN seq=100", "S SYN ACK seq=300 ack=101",
                         "C ACK seq=101 ack=301", "C FIN ACK seq=101 ack=301",
                         "S RST seq=301"),
                 "SYN_SENT ESTABLISHED FIN_WAIT_1 CLOSED",
                 "CLOSED SYN_RECEIVED ESTABLISHED CLOSE_WAIT CLOSED");
}

/* Sent again it goes without its data, which may have been taken the first time. */
static void a_fast_opens_syn_sent_again(void **state)
{
    (void)state;
    assert_lives(packets("C SYN seq=100 bytes=5", "C SYN seq=100",
                         "S SYN ACK seq=300 ack=106", "C ACK seq=106 ack=301"),
                 OPENED_CLIENT, OPENED_SERVER);
}

static void a_syn_to_an_open_connection_is_only_challenged(void **state)
{
    (void)state;
    assert_lives(packets(OPENING, "C SYN seq=5000 injected", "S ACK seq=301 ack=101"),
                 OPENED_CLIENT, OPENED_SERVER);
}

/* --- Where the story begins late, or lacks a direction --- */

static void in_the_middle_nothing_is_known_until_a_fin(void **state)
{
    (void)state;
    assert_lives(packets("S ACK seq=500 ack=700 bytes=10", "C ACK seq=700 ack=510"), "",
                 "");
    assert_lives(packets("C ACK seq=700 ack=500", "C FIN ACK seq=700 ack=500",
                         "S ACK seq=500 ack=701", "S FIN ACK seq=500 ack=701",
                         "C ACK seq=701 ack=501"),
                 "FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT", "CLOSE_WAIT LAST_ACK CLOSED");
}

static void from_the_syn_ack_on(void **state)
{
    (void)state;
    assert_lives(packets("S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301"),
                 "ESTABLISHED", OPENED_SERVER);
}

static void a_syn_ack_captured_before_its_syn(void **state)
{
    (void)state;
    assert_lives(
        packets("S SYN ACK seq=300 ack=101", "C SYN seq=100", "C ACK seq=101 ack=301"),
        "ESTABLISHED", OPENED_SERVER);
}

static void the_clients_direction_alone(void **state)
{
    (void)state;
    assert_lives(
        packets("C SYN seq=100", "C ACK seq=101 ack=301", "C FIN ACK seq=101 ack=301"),
        OPENED_CLIENT " FIN_WAIT_1", "CLOSE_WAIT");
}

static void numbers_that_wrap(void **state)
{
    (void)state;
    assert_lives(
        packets("C SYN seq=4294967294", "S SYN ACK seq=4294967293 ack=4294967295",
                "C ACK seq=4294967295 ack=4294967294",
                "C FIN ACK seq=4294967295 ack=4294967294", "S ACK seq=4294967294 ack=0",
                "S FIN ACK seq=4294967294 ack=0", "C ACK seq=0 ack=4294967295"),
        OPENED_CLIENT " FIN_WAIT_1 FIN_WAIT_2 TIME_WAIT",
        OPENED_SERVER " CLOSE_WAIT LAST_ACK CLOSED");
}

/* More than 2^31 bytes later the handshake's numbers are ahead, not behind. */
static void a_fin_behind_gigabytes(void **state)
{
    (void)state;
    struct story *story = packets(OPENING);
    uint32_t seq = 301;
    for (int i = 0; i < 10; i++, seq += 500000000) {
        char data[64], ack[64];
        snprintf(data, sizeof data, "S ACK seq=%u ack=101 bytes=500000000", seq);
        snprintf(ack, sizeof ack, "C ACK seq=101 ack=%u", seq + 500000000);
        more_packets(story, data, ack);
    }
    char fin[64], ack[64];
    snprintf(fin, sizeof fin, "S FIN ACK seq=%u ack=101", seq);
    snprintf(ack, sizeof ack, "C FIN ACK seq=101 ack=%u", seq + 1);
    more_packets(story, fin, ack, "S ACK seq=0 ack=102");
    story_judge(story);
    assert_int_equal(story->verdict.server_bytes, 5000000000);
    assert_int_equal(story->verdict.close, CLOSE_THREE_SEGMENT);
    assert_lives(story, OPENED_CLIENT " CLOSE_WAIT LAST_ACK CLOSED",
                 OPENED_SERVER " FIN_WAIT_1 TIME_WAIT");
}

/* --- Beside what was observed --- */

static void where_one_state_was_observed_none_is_inferred(void **state)
{
    (void)state;
    assert_lives(packets("C in SYN_SENT", OPENING), "SYN_SENT", OPENED_SERVER);
    assert_lives(packets("C in SYN_SENT", OPENING, "S in ESTABLISHED traced"), "SYN_SENT",
                 "ESTABLISHED");
}

static void what_grew_is_inferred_anew(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=100");
    assert_int_equal(story_infer_states(story), 0);
    assert_states(story, "SYN_SENT", "");
    more_packets(story, "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301");
    assert_int_equal(story_infer_states(story), 0);
    assert_lives(story, OPENED_CLIENT, OPENED_SERVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life_closed_in_four_segments),
        cmocka_unit_test(three_segments_skip_fin_wait_2),
        cmocka_unit_test(fins_that_cross_go_through_closing),
        cmocka_unit_test(syns_that_cross_open_both_ends),
        cmocka_unit_test(at_two_points_states_come_with_arrival),
        cmocka_unit_test(a_refused_port_stays_closed),
        cmocka_unit_test(silence_says_nothing_of_the_server),
        cmocka_unit_test(a_lost_final_ack_leaves_last_ack),
        cmocka_unit_test(a_lost_fin_moves_only_its_sender),
        cmocka_unit_test(a_reset_closes_both_ends),
        cmocka_unit_test(a_reset_with_the_fins_number_closes),
        cmocka_unit_test(a_reset_out_of_the_window_changes_nothing),
        cmocka_unit_test(what_nobody_sent_moves_only_its_receiver),
        cmocka_unit_test(segments_without_ack_are_dropped),
        cmocka_unit_test(a_fin_out_of_the_window_is_none),
        cmocka_unit_test(an_old_connection_is_cleared_away_and_the_syn_stands),
        cmocka_unit_test(a_fast_opens_syn_sent_again),
        cmocka_unit_test(a_syn_to_an_open_connection_is_only_challenged),
        cmocka_unit_test(in_the_middle_nothing_is_known_until_a_fin),
        cmocka_unit_test(from_the_syn_ack_on),
        cmocka_unit_test(a_syn_ack_captured_before_its_syn),
        cmocka_unit_test(the_clients_direction_alone),
        cmocka_unit_test(numbers_that_wrap),
        cmocka_unit_test(a_fin_behind_gigabytes),
        cmocka_unit_test(where_one_state_was_observed_none_is_inferred),
        cmocka_unit_test(what_grew_is_inferred_anew),
    };
    return cmocka_run_group_tests_name("infer", tests, NULL, NULL);
}
