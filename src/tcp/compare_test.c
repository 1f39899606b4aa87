/* The same connections in Zeek's and Wireshark's words. */
#include "tcp/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/script.h"

#define OPENING "C SYN seq=100", "S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301"
#define DATA                                                                             \
    "C PSH ACK seq=101 ack=301 text=hi", "S ACK seq=301 ack=103",                        \
        "S PSH ACK seq=301 ack=103 text=you", "C ACK seq=103 ack=304"
#define CLOSING                                                                          \
    "C FIN ACK seq=103 ack=304", "S FIN ACK seq=304 ack=104", "C ACK seq=104 ack=305"

static void assert_compared(struct story *story, const char *conn_state,
                            const char *history, unsigned completeness)
{
    story_judge(story);
    assert_string_equal(story->verdict.zeek_state, conn_state);
    assert_string_equal(story->verdict.zeek_history, history);
    assert_int_equal(story->verdict.completeness, completeness);
    story_free(&story);
}

static void a_whole_conversation(void **state)
{
    (void)state;
    assert_compared(packets(OPENING, DATA, CLOSING), "SF", "ShADadFf", 31);
    assert_compared(packets(OPENING, "C FIN ACK seq=101 ack=301",
                            "S FIN ACK seq=301 ack=102", "C ACK seq=102 ack=302"),
                    "SF", "ShAFf", 23);
}

static void an_opening_as_far_as_it_came(void **state)
{
    (void)state;
    assert_compared(packets("C SYN seq=100"), "S0", "S", 1);
    assert_compared(packets("C SYN seq=100", "C SYN seq=100"), "S0", "S", 1);
    /* The SYN-ACK alone makes Zeek's S1. */
    assert_compared(packets("C SYN seq=100", "S SYN ACK seq=300 ack=101"), "S1", "Sh", 3);
    assert_compared(packets(OPENING), "S1", "ShA", 7);
    assert_compared(packets(OPENING, DATA), "S1", "ShADad", 15);
}

/* A refusal's reset counts as an ACK too: 1 + 4 + 32. */
static void a_refusal(void **state)
{
    (void)state;
    assert_compared(packets("C SYN seq=100", "S RST ACK seq=0 ack=101"), "REJ", "Sr", 37);
}

static void one_fin_or_the_other(void **state)
{
    (void)state;
    assert_compared(
        packets(OPENING, "C FIN ACK seq=101 ack=301", "S ACK seq=301 ack=102"), "S2",
        "ShAFa", 23);
    assert_compared(
        packets(OPENING, "S FIN ACK seq=301 ack=101", "C ACK seq=101 ack=302"), "S3",
        "ShAf", 23);
    assert_compared(packets("C SYN seq=100", "C FIN ACK seq=101 ack=301"), "SH", "SF",
                    21);
    assert_compared(packets("S SYN ACK seq=300 ack=101", "S FIN ACK seq=301 ack=101"),
                    "SHR", "^hf", 22);
}

static void resets(void **state)
{
    (void)state;
    assert_compared(packets(OPENING, DATA, "C RST ACK seq=103 ack=304"), "RSTO",
                    "ShADadR", 47);
    assert_compared(packets(OPENING, DATA, "S RST ACK seq=304 ack=103"), "RSTR",
                    "ShADadr", 47);
    assert_compared(packets("C SYN seq=100", "C RST seq=101"), "RSTOS0", "SR", 33);
    assert_compared(packets("C ACK seq=101 ack=301", "C RST seq=101"), "OTH", "AR", 36);
    assert_compared(packets("C ACK seq=101 ack=301", "S RST seq=301"), "RSTRH", "Ar", 36);
    /* a scan of an open port */
    assert_compared(
        packets("C SYN seq=100", "S SYN ACK seq=300 ack=101", "C RST seq=101"), "RSTO",
        "ShR", 35);
}

static void a_reset_behind_both_fins_keeps_sf(void **state)
{
    (void)state;
    assert_compared(packets(OPENING, DATA, CLOSING, "C RST seq=104"), "SF", "ShADadFfR",
                    63);
}

/* A FIN, a reset from the same end, and then the peer's FIN: normal after all. */
static void a_fin_then_a_reset_then_the_peers_fin_is_sf(void **state)
{
    (void)state;
    assert_compared(packets(OPENING, "C FIN ACK seq=101 ack=301", "C RST seq=102",
                            "S FIN ACK seq=301 ack=102"),
                    "SF", "ShAFRf", 55);
    assert_compared(packets(OPENING, "C RST seq=101", "S FIN ACK seq=301 ack=101"),
                    "RSTO", "ShARf", 55);
    /* A FIN behind one's own reset is none. */
    assert_compared(packets(OPENING, "C RST seq=101", "C FIN ACK seq=101 ack=301"),
                    "RSTO", "ShARF", 55);
}

static void what_begins_in_the_middle(void **state)
{
    (void)state;
    /* Wireshark counts a first packet that is no SYN only once others follow. */
    assert_compared(packets("C ACK seq=700 ack=500"), "OTH", "A", 0);
    assert_compared(packets("C ACK seq=700 ack=500 bytes=9", "S ACK seq=500 ack=709"),
                    "OTH", "Da", 12);
    assert_compared(packets("S ACK seq=500 ack=700 bytes=9", "C ACK seq=700 ack=509"),
                    "OTH", "^dA", 12);
    assert_compared(packets("C FIN ACK seq=700 ack=500", "S FIN ACK seq=500 ack=701"),
                    "SF", "Ff", 20);
}

/* The SYN is missing: Zeek still calls it established, once the originator answers. */
static void from_the_syn_ack_on(void **state)
{
    (void)state;
    assert_compared(packets("S SYN ACK seq=300 ack=101", "C ACK seq=101 ack=301"), "S1",
                    "^hA", 6);
}

static void a_syn_ack_captured_before_its_syn(void **state)
{
    (void)state;
    assert_compared(packets("S SYN ACK seq=300 ack=101", "C SYN seq=100"), "S1", "^hS",
                    2);
}

/* An ACK of the SYN before the SYN-ACK is no partial connection to Zeek. */
static void a_challenge_before_the_handshake(void **state)
{
    (void)state;
    assert_compared(packets("C SYN seq=100", "S ACK seq=9000 ack=7000"), "S0", "Sa", 5);
}

static void a_simultaneous_open(void **state)
{
    (void)state;
    assert_compared(packets("C SYN seq=100", "S SYN seq=300", "C SYN ACK seq=100 ack=301",
                            "S SYN ACK seq=300 ack=101"),
                    "S1", "Ss", 3);
}

static void strange_combinations_of_flags(void **state)
{
    (void)state;
    assert_compared(
        packets("C SYN FIN seq=100", "C SYN FIN seq=100", "C FIN RST seq=100"), "OTH",
        "QI", 33);
    /* Wireshark counts a FIN only beside an ACK. */
    assert_compared(packets(OPENING, "C FIN seq=101"), "S2", "ShAF", 7);
}

static void a_number_changed_writes_the_letter_again(void **state)
{
    (void)state;
    assert_compared(packets("C SYN seq=100", "C SYN seq=200"), "S0", "SS", 1);
    assert_compared(packets(OPENING, "C RST seq=101", "C RST seq=101", "C RST seq=109"),
                    "RSTO", "ShARR", 39);
}

/* Retransmitted payload and closed windows: the first, the tenth, the hundredth. */
static void letters_for_what_comes_often(void **state)
{
    (void)state;
    struct story *story = packets(OPENING);
    for (int i = 0; i < 1 + 100; i++)
        more_packets(story, "S ACK seq=301 ack=101 bytes=9");
    assert_compared(story, "S1", "ShAdttt", 15);

    story = packets(OPENING);
    for (int i = 0; i < 10; i++)
        more_packets(story, "C ACK seq=101 ack=301 win=0");
    assert_compared(story, "S1", "ShAWW", 7);
    /* not of interest with a reset, nor once the peer has sent its FIN */
    assert_compared(packets(OPENING, "S FIN ACK seq=301 ack=101",
                            "C ACK seq=101 ack=302 win=0", "C RST seq=101 win=0"),
                    "RSTO", "ShAfR", 55);
}

static void a_long_history_ends_where_its_room_does(void **state)
{
    (void)state;
    struct story *story = packets("C SYN seq=0");
    for (unsigned i = 1; i < 200; i++) {
        char line[32];
        snprintf(line, sizeof line, "C SYN seq=%u", i);
        more_packets(story, line);
    }
    story_judge(story);
    assert_int_equal(strlen(story->verdict.zeek_history),
                     sizeof story->verdict.zeek_history - 1);
    story_free(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_conversation),
        cmocka_unit_test(an_opening_as_far_as_it_came),
        cmocka_unit_test(a_refusal),
        cmocka_unit_test(one_fin_or_the_other),
        cmocka_unit_test(resets),
        cmocka_unit_test(a_reset_behind_both_fins_keeps_sf),
        cmocka_unit_test(a_fin_then_a_reset_then_the_peers_fin_is_sf),
        cmocka_unit_test(what_begins_in_the_middle),
        cmocka_unit_test(from_the_syn_ack_on),
        cmocka_unit_test(a_syn_ack_captured_before_its_syn),
        cmocka_unit_test(a_challenge_before_the_handshake),
        cmocka_unit_test(a_simultaneous_open),
        cmocka_unit_test(strange_combinations_of_flags),
        cmocka_unit_test(a_number_changed_writes_the_letter_again),
        cmocka_unit_test(letters_for_what_comes_often),
        cmocka_unit_test(a_long_history_ends_where_its_room_does),
    };
    return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
