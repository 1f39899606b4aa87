/* What a person is told, verdict by verdict. */
#include "draw/why.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "draw/sample.h"
#include "draw/words.h"

static const char *say_as_is(const char *message)
{
    return message;
}

static const struct words english = {"en", say_as_is};

static void expect(const struct story *story, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 0);
    why_story(story, &english, &text);
    assert_string_equal(buffer_text(&text), expected);
    buffer_done(&text);
}

static void expect_sample(struct story *story, const char *expected)
{
    expect(story, expected);
    story_free(&story);
}

static void the_samples(void **state)
{
    (void)state;
    expect_sample(
        sample_hello(),
        "opened three-way in 40.1 ms, inside connect(); closed by the server in three "
        "segments; the server waits 60 s in TIME_WAIT");
    expect_sample(sample_refused(), "refused: nobody listens on port 30009, and the host "
                                    "answered the SYN with RST at "
                                    "once; connect() failed with ECONNREFUSED");
    expect_sample(
        sample_lost(),
        "opened three-way in 1052.1 ms, inside connect(); the wire lost one packet; the "
        "wire delivered one packet twice; the wire slipped in one packet that nobody had "
        "sent; the SYN was sent again; reset by the server");
    expect_sample(sample_one_of_three(1),
                  "opened three-way in 40.1 ms, inside connect(); still open");
    expect_sample(
        sample_capture(),
        "opened three-way in 8.17 ms (packets 1, 2, 3); closed by the server in "
        "four segments (packets 8, 9, 10, 11); the server is left in "
        "TIME_WAIT");
    expect_sample(sample_crossing(), "opened three-way in 40.1 ms, inside connect(); "
                                     "closed by both ends at once: their "
                                     "FINs crossed; both ends wait 60 s in TIME_WAIT");
}

/* A story of nothing but its verdict. */
static void expect_verdict(struct verdict verdict, const char *expected)
{
    struct story story = {.server = endpoint_ipv4(10, 9, 0, 2, 80), .verdict = verdict};
    story.verdict.handshake_ns = UNSEEN_NS;
    expect(&story, expected);
}

static void every_way_of_opening(void **state)
{
    (void)state;
    static const char *const said[] = {
        [OPEN_THREE_WAY] = "opened three-way",
        [OPEN_SIMULTANEOUS] = "opened by both ends at once: their SYNs crossed",
        [OPEN_FAST_OPEN] = "opened with data in the SYN already (TCP Fast Open)",
        [OPEN_REFUSED] = "refused: nobody listens on port 80",
        [OPEN_UNREACHABLE] = "unreachable: the network cannot deliver to the server",
        [OPEN_NO_ANSWER] = "no answer came from the server",
        [OPEN_HALF_OPEN] = ("half open: the server answered the SYN, but its SYN ACK "
                            "was never acknowledged"),
        [OPEN_ABORTED] = "aborted: the client reset it before the handshake was done",
        [OPEN_NOT_SEEN] = "its opening was not seen",
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        expect_verdict((struct verdict){.open = (enum open_word)i, .close = CLOSE_NONE},
                       said[i]);
    expect_verdict((struct verdict){.open = OPEN_ABORTED,
                                    .close = CLOSE_NONE,
                                    .reset_by = SIDE_SERVER},
                   "aborted: the server reset it before the handshake was done");
}

static void every_way_of_closing(void **state)
{
    (void)state;
    static const struct {
        enum close_word close;
        enum side_word side;
        const char *said;
    } closings[] = {
        {CLOSE_FOUR_SEGMENT, SIDE_CLIENT, "closed by the client in four segments"},
        {CLOSE_FOUR_SEGMENT, SIDE_SERVER, "closed by the server in four segments"},
        {CLOSE_THREE_SEGMENT, SIDE_CLIENT, "closed by the client in three segments"},
        {CLOSE_THREE_SEGMENT, SIDE_SERVER, "closed by the server in three segments"},
        {CLOSE_SIMULTANEOUS, SIDE_BOTH,
         "closed by both ends at once: their FINs crossed"},
        {CLOSE_HALF_CLOSED, SIDE_CLIENT,
         "half closed: the client has said its last, the server may go on"},
        {CLOSE_HALF_CLOSED, SIDE_SERVER,
         "half closed: the server has said its last, the client may go on"},
        {CLOSE_STILL_OPEN, SIDE_NULL, "still open"},
        {CLOSE_NOT_SEEN, SIDE_SERVER, "closed, by the server first; how was not seen"},
        {CLOSE_NOT_SEEN, SIDE_CLIENT, "closed, by the client first; how was not seen"},
        {CLOSE_NOT_SEEN, SIDE_NULL, "closed; how was not seen"},
    };
    for (size_t i = 0; i < sizeof closings / sizeof *closings; i++) {
        char expected[128] = "its opening was not seen; ";
        strcat(expected, closings[i].said);
        expect_verdict((struct verdict){.open = OPEN_NOT_SEEN,
                                        .close = closings[i].close,
                                        .closed_first = closings[i].side},
                       expected);
    }
    expect_verdict((struct verdict){.open = OPEN_NOT_SEEN,
                                    .close = CLOSE_RESET,
                                    .reset_by = SIDE_CLIENT},
                   "its opening was not seen; reset by the client");
}

static void every_anomaly_once_and_often(void **state)
{
    (void)state;
    static const char *const said[ANOMALY_KIND_COUNT][2] = {
        [ANOMALY_SYN_RETRANSMITTED] = {"the SYN was sent again",
                                       "the SYN was sent again 3 times"},
        [ANOMALY_SYNACK_RETRANSMITTED] = {"the SYN ACK was sent again",
                                          "the SYN ACK was sent again 3 times"},
        [ANOMALY_FIN_RETRANSMITTED] = {"a FIN was sent again",
                                       "FINs were sent again 3 times"},
        [ANOMALY_DATA_RETRANSMITTED] = {"one packet of data was sent again",
                                        "3 packets of data were sent again"},
        [ANOMALY_ZERO_WINDOW] = {"a receiver had no room left once (window 0)",
                                 "a receiver had no room left in 3 packets (window 0)"},
        [ANOMALY_DATA_AFTER_CLOSE] =
            {"data came from an end that had closed",
             "data came from an end that had closed, in 3 packets"},
        [ANOMALY_RST_IGNORED] =
            {"a RST was ignored: its number is none the receiver would heed",
             "3 RSTs were ignored: their numbers are none the receiver would heed"},
        [ANOMALY_FIN_IGNORED] =
            {"a FIN was ignored: its number is none the receiver would heed",
             "3 FINs were ignored: their numbers are none the receiver would heed"},
        [ANOMALY_CHALLENGE_ACK] =
            {"a segment that did not fit was answered with a challenge ACK",
             "3 segments that did not fit were answered with challenge ACKs"},
        [ANOMALY_KEEPALIVE_UNANSWERED] = {"a keepalive probe was not answered",
                                          "3 keepalive probes were not answered"},
        [ANOMALY_SEQUENCE_GAP] =
            {"the capture lacks data that was acknowledged",
             "the capture lacks data that was acknowledged, in 3 places"},
        [ANOMALY_PAWS_REJECTED] =
            {"a segment was dropped for its old timestamp (PAWS)",
             "3 segments were dropped for their old timestamps (PAWS)"},
        [ANOMALY_FOUR_TUPLE_REUSED] =
            {"its addresses and ports had been another connection's just before",
             "its addresses and ports had been another connection's just before"},
        [ANOMALY_CAPTURED_TWICE] = {"one packet was captured twice",
                                    "3 packets were captured twice"},
        [ANOMALY_CAPTURED_OUT_OF_ORDER] = {"the SYN was captured behind its SYN ACK",
                                           "the SYN was captured behind its SYN ACK"},
    };
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        for (int often = 0; often < 2; often++) {
            struct verdict verdict = {.open = OPEN_NOT_SEEN, .close = CLOSE_STILL_OPEN};
            verdict.anomalies[kind].count = often ? 3 : 1;
            char expected[128] = "its opening was not seen; ";
            strcat(expected, said[kind][often]);
            strcat(expected, "; still open");
            expect_verdict(verdict, expected);
        }
}

static void an_icmp_error_is_told_with_who_sent_it(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        const char *said;
    } codes[] = {
        {1, "unreachable: 10.9.0.254 says by ICMP that it cannot reach the server"},
        {0, "unreachable: 10.9.0.254 says by ICMP that it knows no way to the "
            "server"},
        {13, "unreachable: 10.9.0.254 says by ICMP that it does not let the "
             "connection through"}};
    struct icmp_note icmp = {.family = 4, .type = 3, .reporter = {0}};
    icmp.reporter = endpoint_ipv4(10, 9, 0, 254, 0);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        icmp.code = codes[i].code;
        expect_verdict(
            (struct verdict){.open = OPEN_UNREACHABLE, .close = CLOSE_NONE, .icmp = icmp},
            codes[i].said);
    }
    icmp.type = 11;
    expect_verdict(
        (struct verdict){.open = OPEN_UNREACHABLE, .close = CLOSE_NONE, .icmp = icmp},
        "unreachable: 10.9.0.254 says by ICMP that the packet went through too many "
        "routers");
    icmp.type = 3, icmp.code = 3;
    expect_verdict(
        (struct verdict){.open = OPEN_REFUSED, .close = CLOSE_NONE, .icmp = icmp},
        "refused: 10.9.0.254 answered the SYN with ICMP, port 80 unreachable");
}

static void a_captures_packets_are_named_and_too_many_are_cut_short(void **state)
{
    (void)state;
    struct verdict verdict = {
        .open = OPEN_NO_ANSWER,
        .close = CLOSE_NONE,
        .syns = 9,
        .standing = STANDING_INFERRED,
        .evidence = {.packets = {4}, .kept = 1, .count = 1},
        .proofs = {PROOF_SYN},
    };
    struct evidence *again = &verdict.anomalies[ANOMALY_SYN_RETRANSMITTED];
    for (again->count = 0; again->count < 8; again->count++)
        again->packets[again->kept++] = 10 + again->count;
    expect_verdict(verdict, "no answer: 9 SYNs were sent, and nothing came back "
                            "(packet 4); the SYN was sent again 8 times "
                            "(packets 10, 11, 12, 13, 14, 15, ...)");
}

static void an_observed_time_wait_has_its_time_and_an_inferred_one_not(void **state)
{
    (void)state;
    struct verdict verdict = {.open = OPEN_NOT_SEEN,
                              .close = CLOSE_NONE,
                              .client_state = STATE_TIME_WAIT,
                              .server_state = STATE_CLOSE_WAIT,
                              .standing = STANDING_OBSERVED};
    expect_verdict(verdict,
                   "its opening was not seen; the client waits 60 s in TIME_WAIT; "
                   "the server's program has not closed yet (CLOSE_WAIT)");
    verdict.standing = STANDING_INFERRED;
    expect_verdict(verdict, "its opening was not seen; the client is left in TIME_WAIT; "
                            "the server's program has not closed yet (CLOSE_WAIT)");
}

static void a_connect_that_did_not_wait_is_told_apart(void **state)
{
    (void)state;
    struct story *story = sample_one_of_three(0);
    for (size_t i = 0; i < story->event_count; i++)
        if (story->events[i].kind == EVENT_CALL && story->events[i].call.returns &&
            !strcmp(story->events[i].call.name, "connect"))
            story->events[i].call.result = -EINPROGRESS;
    expect_sample(story,
                  "opened three-way in 40.1 ms, while connect() had returned already; "
                  "still open");
}

/* As a translator would: another order, other punctuation. */
static const char *say_turned_round(const char *message)
{
    if (!strcmp(message, "opened three-way in {ms} ms, inside connect()"))
        return "in connect(), {ms} ms: three-way";
    return strcmp(message, "; ") == 0 ? " / " : message;
}

static void a_translation_may_reorder(void **state)
{
    (void)state;
    struct words words = {"xx", say_turned_round};
    struct story *story = sample_one_of_three(0);
    struct buffer text;
    buffer_init(&text, 0);
    why_story(story, &words, &text);
    assert_string_equal(buffer_text(&text),
                        "in connect(), 40.1 ms: three-way / still open");
    buffer_done(&text);
    story_free(&story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples),
        cmocka_unit_test(every_way_of_opening),
        cmocka_unit_test(every_way_of_closing),
        cmocka_unit_test(every_anomaly_once_and_often),
        cmocka_unit_test(an_icmp_error_is_told_with_who_sent_it),
        cmocka_unit_test(a_captures_packets_are_named_and_too_many_are_cut_short),
        cmocka_unit_test(an_observed_time_wait_has_its_time_and_an_inferred_one_not),
        cmocka_unit_test(a_connect_that_did_not_wait_is_told_apart),
        cmocka_unit_test(a_translation_may_reorder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
