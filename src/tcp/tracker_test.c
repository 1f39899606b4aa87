/* The tracker, a capture a test, told in lines. More than 600 lines, because all tests are told
 * in the same words. */
#include "tcp/tracker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "capture/decode.h"
#include "capture/packet.h"

/* What comes out, one line a connection: "1 three-way/four-segment anomaly anomaly". */
struct told {
    struct tracker *tracker;
    char lines[8192];
    size_t count;
    uint16_t client_port; /* of the last that came out */
    uint64_t number;
    int64_t now_ns;
    bool keep;
    struct story *kept; /* of the last that came out, its events kept */
};

static void tell(void *owner, const struct story *story)
{
    struct told *told = owner;
    size_t length = strlen(told->lines);
    const struct verdict *verdict = &story->verdict;

    length +=
        (size_t)snprintf(told->lines + length, sizeof told->lines - length, "%u %s/%s%s",
                         story->id, open_word(verdict->open), close_word(verdict->close),
                         verdict->evicted ? " evicted" : "");
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        if (verdict->anomalies[kind].count > 0)
            length += (size_t)snprintf(told->lines + length, sizeof told->lines - length,
                                       " %s", anomaly_word((enum anomaly_kind)kind));
    snprintf(told->lines + length, sizeof told->lines - length, "\n");
    told->count++;
    told->client_port = story->client.port;
    story_free(&told->kept);
    if (story->event_count > 0)
        assert_int_equal(story_copy(story, &told->kept), 0);
}

static bool keeps(void *owner, uint32_t id)
{
    (void)id;
    return ((struct told *)owner)->keep;
}

static void begin(struct told *told, size_t connections_max, bool keep)
{
    *told = (struct told){.keep = keep};
    struct tracker_options options = {.connections_max = connections_max,
                                      .keeps = keeps,
                                      .on_story = tell,
                                      .owner = told};
    assert_int_equal(tracker_new(&options, &told->tracker), 0);
}

static void end(struct told *told, const char *expected)
{
    tracker_finish(told->tracker);
    tracker_free(&told->tracker);
    if (expected)
        assert_string_equal(told->lines, expected);
    story_free(&told->kept);
}

static unsigned flags_of(const char *words)
{
    return (strstr(words, "SYN") ? TCP_SYN : 0) | (strstr(words, "ACK") ? TCP_ACK : 0) |
           (strstr(words, "FIN") ? TCP_FIN : 0) | (strstr(words, "RST") ? TCP_RST : 0);
}

/* "C1 SYN seq=100", "S1 SYN ACK seq=300 ack=101", "C2 ACK seq=101 ack=301 bytes=5 after=70000 id=7 ts=5
 * ws=7 win=9 port=8080": client or server of connection N, a millisecond after the one before. */
static struct segment read_line(struct told *told, const char *line)
{
    unsigned seq = 0, ack = 0, bytes = 0, after = 1, which = 0, id = 0, tsval = 0;
    unsigned window = 1000, port = 80;
    int shift = -1;
    const char *at;
    char side;

    assert_int_equal(sscanf(line, "%c%u", &side, &which), 2);
    if ((at = strstr(line, "seq=")))
        seq = (unsigned)strtoul(at + 4, NULL, 10);
    if ((at = strstr(line, "ack=")))
        ack = (unsigned)strtoul(at + 4, NULL, 10);
    if ((at = strstr(line, "bytes=")))
        bytes = (unsigned)strtoul(at + 6, NULL, 10);
    if ((at = strstr(line, "after=")))
        after = (unsigned)strtoul(at + 6, NULL, 10);
    if ((at = strstr(line, "id=")))
        id = (unsigned)strtoul(at + 3, NULL, 10);
    if ((at = strstr(line, "ts=")))
        tsval = (unsigned)strtoul(at + 3, NULL, 10);
    if ((at = strstr(line, "win=")))
        window = (unsigned)strtoul(at + 4, NULL, 10);
    if ((at = strstr(line, "port=")))
        port = (unsigned)strtoul(at + 5, NULL, 10);
    if ((at = strstr(line, "ws=")))
        shift = (int)strtol(at + 3, NULL, 10);
    told->now_ns += after * NS_PER_MS;
    struct endpoint client = endpoint_ipv4(10, 0, 0, 1, (uint16_t)(40000 + which));
    struct endpoint server = endpoint_ipv4(10, 0, 0, 2, (uint16_t)port);
    return (struct segment){.source = side == 'C' ? client : server,
                            .destination = side == 'C' ? server : client,
                            .seq = seq,
                            .ack = ack,
                            .flags = (uint8_t)flags_of(line),
                            .window = (uint16_t)window,
                            .window_shift = (int8_t)shift,
                            .payload_bytes = bytes,
                            .timestamps = tsval > 0,
                            .tsval = tsval,
                            .ip_id = (uint16_t)(id ? id : told->number + 1)};
}

static void feed(struct told *told, const char *const *lines)
{
    for (; *lines; lines++) {
        struct segment segment = read_line(told, *lines);
        assert_int_equal(
            tracker_segment(told->tracker, ++told->number, told->now_ns, &segment), 0);
    }
}

#define feed_lines(told, ...) feed(told, (const char *const[]){__VA_ARGS__, NULL})

#define OPENING(n)                                                                       \
    "C" n " SYN seq=100", "S" n " SYN ACK seq=300 ack=101", "C" n " ACK seq=101 ack=301"
#define CLOSING(n)                                                                       \
    "C" n " FIN ACK seq=101 ack=301", "S" n " FIN ACK seq=301 ack=102",                  \
        "C" n " ACK seq=102 ack=302"

/* Feeds lines to a fresh tracker and compares all that comes out. */
#define assert_told(expected, ...)                                                       \
    do {                                                                                 \
        struct told told_;                                                               \
        begin(&told_, 0, false);                                                         \
        feed_lines(&told_, __VA_ARGS__);                                                 \
        end(&told_, expected);                                                           \
    } while (0)

static void connections_are_told_apart_by_their_ends(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open\n2 three-way/three-segment\n3 refused/none\n",
                OPENING("1"), OPENING("2"), CLOSING("2"), "C3 SYN seq=5",
                "S3 RST ACK seq=0 ack=6");
}

/* The client's port where the server's segment is the first that is seen. */
static uint16_t client_of(const char *line)
{
    struct told told;
    begin(&told, 0, false);
    feed_lines(&told, line);
    tracker_finish(told.tracker);
    end(&told, NULL);
    return told.client_port;
}

static void syns_and_ports_tell_who_is_client(void **state)
{
    (void)state;
    assert_int_equal(client_of("S1 ACK seq=300 ack=100 bytes=5"), 40001);
    assert_int_equal(client_of("S1 SYN ACK seq=300 ack=100 port=50000"), 40001);
    /* No well-known port, but one that no client is given. */
    assert_int_equal(client_of("S1 ACK seq=300 ack=100 bytes=5 port=8080"), 40001);
    /* Nothing tells: who speaks first asks. */
    assert_int_equal(client_of("S1 ACK seq=300 ack=100 bytes=5 port=50000"), 50000);
    assert_int_equal(client_of("S1 SYN seq=300"), 80);
    assert_told("1 three-way/still-open captured-out-of-order\n",
                "S1 SYN ACK seq=300 ack=101", "C1 SYN seq=100", "C1 ACK seq=101 ack=301");
}

static void an_ended_connection_comes_out_after_its_linger(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 0, false);
    feed_lines(&told, OPENING("1"), CLOSING("1"), "C2 SYN seq=1 after=9000");
    assert_int_equal(told.count, 0);
    feed_lines(&told, "C2 SYN seq=1 after=1100");
    assert_int_equal(told.count, 1);
    end(&told, "1 three-way/three-segment\n2 no-answer/none syn-retransmitted\n");
}

static void a_stray_of_an_ended_connection_is_its_own(void **state)
{
    (void)state;
    assert_told("1 three-way/three-segment fin-retransmitted\n", OPENING("1"),
                CLOSING("1"), "S1 FIN ACK seq=301 ack=102 after=200",
                "C1 ACK seq=102 ack=302");
}

static void
an_attempt_comes_out_when_no_retry_can_come_and_an_open_one_stays(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 0, false);
    feed_lines(&told, "C1 SYN seq=100", OPENING("2"), "C3 SYN seq=1 after=69000");
    assert_int_equal(told.count, 0);
    feed_lines(&told, "C3 SYN seq=1 after=2000", "C3 SYN seq=1 after=600000");
    assert_int_equal(told.count, 2);
    end(&told, NULL);
}

static void a_four_tuple_may_be_another_connections(void **state)
{
    (void)state;
    assert_told("1 three-way/three-segment\n2 three-way/still-open four-tuple-reused\n",
                OPENING("1"), CLOSING("1"), "C1 SYN seq=9000",
                "S1 SYN ACK seq=7000 ack=9001", "C1 ACK seq=9001 ack=7001");
    /* An attempt given up, and one made anew. */
    assert_told("1 no-answer/none\n2 no-answer/none four-tuple-reused\n",
                "C1 SYN seq=100", "C1 SYN seq=9000 after=2000");
}

/* RFC 9293, figure 10, with the SYN of a lower number than TIME_WAIT takes. */
static void an_old_connection_is_cleared_away_first(void **state)
{
    (void)state;
    assert_told("1 three-way/three-segment\n2 three-way/still-open syn-retransmitted "
                "challenge-ack four-tuple-reused\n",
                OPENING("1"), CLOSING("1"), "C1 SYN seq=50", "S1 ACK seq=302 ack=102",
                "C1 RST seq=102", "C1 SYN seq=50 after=1000", "S1 SYN ACK seq=900 ack=51",
                "C1 ACK seq=51 ack=901");
}

static void a_syn_again_after_a_refusal_is_the_same_attempt(void **state)
{
    (void)state;
    assert_told("1 refused/none syn-retransmitted\n", "C1 SYN seq=100",
                "S1 RST ACK seq=0 ack=101", "C1 SYN seq=100 after=500",
                "S1 RST ACK seq=0 ack=101");
}

static void a_syn_on_an_open_connection_waits_for_its_answer(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open challenge-ack\n", OPENING("1"),
                "C1 SYN seq=900000", "S1 ACK seq=301 ack=101");
    assert_told("1 three-way/still-open\n2 three-way/still-open four-tuple-reused\n",
                OPENING("1"), "C1 SYN seq=9000", "S1 SYN ACK seq=7000 ack=9001",
                "C1 ACK seq=9001 ack=7001");
    /* Nobody answers: an attempt of its own. */
    assert_told("1 three-way/still-open\n2 no-answer/none\n", OPENING("1"),
                "C1 SYN seq=9000");
    assert_told(
        "1 three-way/still-open\n2 no-answer/none syn-retransmitted four-tuple-reused\n",
        OPENING("1"), "C1 SYN seq=9000", "C1 SYN seq=9000 after=1000");
}

/* The answer may also be no: the connection that was there is gone from the server. */
static void a_syn_on_an_open_connection_may_be_refused(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open\n2 refused/none four-tuple-reused\n",
                OPENING("1"), "C1 SYN seq=9000", "S1 RST ACK seq=0 ack=9001");
}

/* RFC 5961, 4.2. It began nothing, so none of its numbers count: what follows is new, and
 * the windows are scaled as they were. */
static void a_syn_that_is_challenged_changes_nothing(void **state)
{
    (void)state;
    assert_told("1 three-way/three-segment challenge-ack\n", OPENING("1"),
                "C1 SYN seq=5100", "S1 ACK seq=301 ack=101",
                "C1 ACK seq=101 ack=301 bytes=5", "S1 ACK seq=301 ack=106",
                "C1 FIN ACK seq=106 ack=301", "S1 FIN ACK seq=301 ack=107",
                "C1 ACK seq=107 ack=302");
    /* In the scaled window; were it not scaled any more, the reset would be far out. */
    assert_told("1 three-way/reset challenge-ack\n", "C1 SYN seq=100 ws=7",
                "S1 SYN ACK seq=300 ack=101 ws=7", "C1 ACK seq=101 ack=301 win=10",
                "C1 SYN seq=5100", "S1 ACK seq=301 ack=101",
                "C1 ACK seq=101 ack=301 win=2000", "S1 RST seq=200000");
    /* Begun before the capture, and challenged all the same. */
    assert_told("1 not-seen/still-open challenge-ack\n", "C1 ACK seq=101 ack=301 bytes=5",
                "S1 ACK seq=301 ack=106", "C1 SYN seq=900000", "S1 ACK seq=301 ack=106",
                "C1 ACK seq=106 ack=301 bytes=5");
}

static void both_ends_opening_send_no_syn_ack_twice(void **state)
{
    (void)state;
    assert_told("1 simultaneous/still-open\n", "C1 SYN seq=100", "S1 SYN seq=300",
                "C1 SYN ACK seq=100 ack=301", "S1 SYN ACK seq=300 ack=101",
                "C1 ACK seq=101 ack=301");
    assert_told("1 simultaneous/still-open synack-retransmitted\n", "C1 SYN seq=100",
                "S1 SYN seq=300", "C1 SYN ACK seq=100 ack=301",
                "C1 SYN ACK seq=100 ack=301 after=1000", "S1 SYN ACK seq=300 ack=101",
                "C1 ACK seq=101 ack=301");
}

static void a_full_table_gives_up_the_most_silent(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 2, false);
    feed_lines(&told, OPENING("1"), OPENING("2"),
               "C1 ACK seq=101 ack=301 bytes=5 after=9", "C3 SYN seq=1");
    assert_string_equal(told.lines, "2 three-way/still-open evicted\n");
    assert_int_equal(tracker_counts(told.tracker).evicted, 1);
    end(&told, NULL);
    /* One that had ended leaves first, and is none given up. */
    begin(&told, 2, false);
    feed_lines(&told, OPENING("1"), OPENING("2"), CLOSING("2"), "C3 SYN seq=1");
    assert_string_equal(told.lines, "2 three-way/three-segment\n");
    assert_int_equal(tracker_counts(told.tracker).evicted, 0);
    end(&told, NULL);
}

static void thousands_of_attempts_stay_bounded(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 64, false);
    struct segment segment = read_line(&told, "C1 SYN seq=1");
    for (uint32_t i = 0; i < 5000; i++) {
        segment.source.port = (uint16_t)(1024 + i);
        tracker_segment(told.tracker, i + 1, 0, &segment);
        assert_true(tracker_counts(told.tracker).open <= 64);
        told.lines[0] = '\0';
    }
    assert_int_equal(tracker_counts(told.tracker).evicted, 5000 - 64);
    assert_int_equal(told.count, 5000 - 64);
    tracker_finish(told.tracker);
    assert_int_equal(told.count, 5000);
    tracker_free(&told.tracker);
}

/* --- What is told and not believed --- */

static void a_packet_captured_twice_is_one(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open captured-twice\n", "C1 SYN seq=100 id=1",
                "C1 SYN seq=100 id=1 after=0", "S1 SYN ACK seq=300 ack=101 id=2",
                "S1 SYN ACK seq=300 ack=101 id=2 after=0", "C1 ACK seq=101 ack=301");
    /* With another IP number, or later, it was sent again. */
    assert_told("1 no-answer/none syn-retransmitted\n", "C1 SYN seq=100 id=1",
                "C1 SYN seq=100 id=2 after=0");
    assert_told("1 no-answer/none syn-retransmitted\n", "C1 SYN seq=100 id=1",
                "C1 SYN seq=100 id=1 after=1000");
}

static void a_reset_out_of_the_window_is_ignored(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open rst-ignored\n", OPENING("1"),
                "S1 RST seq=900000000", "C1 ACK seq=101 ack=301 bytes=5");
    assert_told("1 three-way/still-open rst-ignored\n", OPENING("1"), "S1 RST seq=100");
}

static void a_fin_out_of_the_window_closes_nothing(void **state)
{
    (void)state;
    /* The window is 1000; whose number it was goes on as if nothing had been. */
    assert_told("1 three-way/still-open fin-ignored\n", OPENING("1"),
                "S1 FIN ACK seq=5301 ack=101", "C1 ACK seq=101 ack=301 bytes=5");
    assert_told("1 three-way/three-segment fin-ignored\n", OPENING("1"),
                "C1 FIN ACK seq=5101 ack=301", "C1 ACK seq=101 ack=301 bytes=5",
                "S1 ACK seq=301 ack=106", "C1 FIN ACK seq=106 ack=301",
                "S1 FIN ACK seq=301 ack=107", "C1 ACK seq=107 ack=302");
    /* Further than any window reaches. */
    assert_told("1 three-way/still-open fin-ignored\n", OPENING("1"),
                "S1 FIN ACK seq=2000000000 ack=101", "C1 ACK seq=101 ack=301 bytes=5");
    /* As wide as the scale says. */
    assert_told("1 three-way/half-closed sequence-gap\n", "C1 SYN seq=100 ws=7",
                "S1 SYN ACK seq=300 ack=101 ws=7", "C1 ACK seq=101 ack=301",
                "S1 FIN ACK seq=100301 ack=101", "C1 ACK seq=101 ack=100302");
    assert_told("1 three-way/still-open fin-ignored\n", "C1 SYN seq=100 ws=7",
                "S1 SYN ACK seq=300 ack=101", "C1 ACK seq=101 ack=301",
                "S1 FIN ACK seq=100301 ack=101", "C1 ACK seq=101 ack=301");
}

/* The capture lacks what opened the window: the receiver's acknowledgement tells. */
static void a_far_fin_that_is_acknowledged_was_none(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 0, true);
    feed_lines(&told, OPENING("1"), "S1 FIN ACK seq=5301 ack=101",
               "C1 ACK seq=101 ack=5302", "C1 FIN ACK seq=101 ack=5302",
               "S1 ACK seq=5302 ack=102");
    tracker_finish(told.tracker);
    assert_int_equal(told.kept->verdict.client_state, STATE_CLOSED);
    assert_int_equal(told.kept->verdict.server_state, STATE_TIME_WAIT);
    assert_int_equal(told.kept->verdict.closed_first, SIDE_SERVER);
    end(&told, "1 three-way/four-segment sequence-gap\n");
}

static void timestamps_may_wrap_in_a_long_silence(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open\n", OPENING("1"),
                "C1 ACK seq=101 ack=301 bytes=5 ts=1000", "S1 ACK seq=301 ack=106",
                "C1 ACK seq=106 ack=301 bytes=5 ts=10 after=2160000000");
}

static void what_follows_decides_about_a_doubtful_reset(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open rst-ignored challenge-ack\n", OPENING("1"),
                "S1 RST seq=700", "C1 ACK seq=101 ack=301");
    assert_told("1 three-way/reset\n", OPENING("1"), "S1 RST seq=700");
}

static void a_reset_that_neither_end_minds_is_taken_back(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open rst-ignored\n", OPENING("1"), "S1 RST seq=301",
                "C1 ACK seq=101 ack=301 bytes=5", "S1 ACK seq=301 ack=106");
    assert_told("1 three-way/reset\n", OPENING("1"), "S1 RST seq=301",
                "C1 ACK seq=101 ack=301 bytes=5");
}

static void keepalives_that_nobody_answers_are_told(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open\n", OPENING("1"),
                "C1 ACK seq=101 ack=301 bytes=5", "S1 ACK seq=301 ack=106",
                "C1 ACK seq=105 ack=301 after=60000", "S1 ACK seq=301 ack=106");
    assert_told("1 three-way/still-open keepalive-unanswered\n", OPENING("1"),
                "C1 ACK seq=101 ack=301 bytes=5", "S1 ACK seq=301 ack=106",
                "C1 ACK seq=105 ack=301 after=60000",
                "C1 ACK seq=105 ack=301 after=1000");
    /* One who has said nothing yet probes with its SYN's number; and then gives up. */
    struct told told;
    begin(&told, 0, true);
    feed_lines(&told, OPENING("1"), "C1 ACK seq=100 ack=301 after=60000",
               "C1 ACK seq=100 ack=301 after=1000",
               "C1 RST ACK seq=101 ack=301 after=1000");
    tracker_finish(told.tracker);
    const struct evidence *probes =
        &told.kept->verdict.anomalies[ANOMALY_KEEPALIVE_UNANSWERED];
    assert_int_equal(probes->count, 2);
    assert_int_equal(probes->packets[0], 4);
    assert_int_equal(probes->packets[1], 5);
    end(&told, "1 three-way/reset keepalive-unanswered\n");
}

static void an_old_timestamp_is_rejected(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open paws-rejected\n", OPENING("1"),
                "C1 ACK seq=101 ack=301 bytes=5 ts=1000",
                "C1 ACK seq=106 ack=301 bytes=5 ts=10");
    /* What was rejected was not sent, for all that follows. */
    assert_told("1 three-way/three-segment paws-rejected\n", OPENING("1"),
                "C1 ACK seq=101 ack=301 bytes=5 ts=1000",
                "C1 ACK seq=106 ack=301 bytes=50 ts=10",
                "C1 ACK seq=106 ack=301 bytes=5 ts=1001", "C1 FIN ACK seq=111 ack=301",
                "S1 FIN ACK seq=301 ack=112", "C1 ACK seq=112 ack=302");
    /* Timestamps wrap around as numbers do. */
    assert_told("1 three-way/still-open\n", OPENING("1"),
                "C1 ACK seq=101 ack=301 bytes=5 ts=4294967295",
                "C1 ACK seq=106 ack=301 bytes=5 ts=10");
}

static void what_was_acknowledged_and_not_seen_is_a_gap(void **state)
{
    (void)state;
    assert_told("1 three-way/still-open sequence-gap\n", OPENING("1"),
                "S1 ACK seq=301 ack=601");
    assert_told("1 three-way/still-open sequence-gap\n", OPENING("1"),
                "C1 ACK seq=201 ack=301 bytes=100", "S1 ACK seq=301 ack=301");
    /* Filled before it was acknowledged: a change of order, and nothing sent again. */
    assert_told("1 three-way/still-open\n", OPENING("1"),
                "C1 ACK seq=201 ack=301 bytes=100", "C1 ACK seq=101 ack=301 bytes=100",
                "S1 ACK seq=301 ack=301");
}

/* --- ICMP --- */

static void assert_icmp(uint8_t family, uint8_t type, uint8_t code, uint32_t seq,
                        const char *expected)
{
    struct told told;
    begin(&told, 0, false);
    feed_lines(&told, "C1 SYN seq=100");
    struct icmp_error error = {.family = family,
                               .type = type,
                               .code = code,
                               .reporter = endpoint_ipv4(10, 0, 0, 254, 0),
                               .source = endpoint_ipv4(10, 0, 0, 1, 40001),
                               .destination = endpoint_ipv4(10, 0, 0, 2, 80),
                               .seq = seq};
    tracker_icmp(told.tracker, 2, told.now_ns, &error);
    end(&told, expected);
}

static void icmp_errors_tell_why_it_did_not_open(void **state)
{
    (void)state;
    assert_icmp(4, 3, 1, 100, "1 unreachable/none\n");
    assert_icmp(4, 3, 13, 100, "1 unreachable/none\n");
    assert_icmp(4, 3, 3, 100, "1 refused/none\n");
    assert_icmp(4, 11, 0, 100, "1 unreachable/none\n");
    assert_icmp(6, 1, 4, 100, "1 refused/none\n");
    assert_icmp(4, 3, 4, 100, "1 no-answer/none\n");    /* a hint about sizes */
    assert_icmp(4, 3, 1, 500000, "1 no-answer/none\n"); /* nobody sent that */
}

/* --- Time --- */

static void packets_without_time_and_time_going_backwards(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 0, false);
    struct segment segment = read_line(&told, "C1 SYN seq=100");
    tracker_segment(told.tracker, 1, PACKET_TIMELESS, &segment);
    segment = read_line(&told, "S1 SYN ACK seq=300 ack=101");
    tracker_segment(told.tracker, 2, 5 * NS_PER_S, &segment);
    segment = read_line(&told, "C1 ACK seq=101 ack=301");
    tracker_segment(told.tracker, 3, 2 * NS_PER_S, &segment);
    end(&told, "1 three-way/still-open\n");
    /* From the beginning of time to its end. */
    begin(&told, 0, true);
    segment = read_line(&told, "C1 SYN seq=100");
    tracker_segment(told.tracker, 1, -INT64_MAX, &segment);
    segment = read_line(&told, "C2 SYN seq=100");
    tracker_segment(told.tracker, 2, INT64_MAX, &segment);
    end(&told, "1 no-answer/none\n2 no-answer/none\n");
}

/* --- What is kept --- */

static void a_long_connection_is_kept_in_few_events(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 0, true);
    feed_lines(&told, OPENING("1"));
    for (unsigned i = 0; i < 100000; i++) {
        char line[80];
        snprintf(line, sizeof line, "C1 ACK seq=%u ack=301 bytes=10", 101 + 10 * i);
        feed_lines(&told, line);
    }
    feed_lines(&told, "C1 FIN ACK seq=1000101 ack=301", "S1 FIN ACK seq=301 ack=1000102",
               "C1 ACK seq=1000102 ack=302");
    tracker_finish(told.tracker);
    const struct story *story = told.kept;
    assert_non_null(story);
    assert_true(story->event_count <= TRACKER_EVENTS_MAX);
    uint64_t packets = 0, bytes = 0, fins = 0;
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_PACKET) {
            packets++;
            bytes += event->packet.bytes;
            fins += event->packet.flags & TCP_FIN ? 1 : 0;
        } else if (event->kind == EVENT_RUN) {
            packets += event->run.packets[0] + event->run.packets[1];
            bytes += event->run.bytes[0] + event->run.bytes[1];
        }
    }
    assert_int_equal(packets, 100006);
    assert_int_equal(bytes, 1000000);
    assert_int_equal(fins, 2);
    assert_int_equal(story->verdict.client_bytes, 1000000);
    end(&told, "1 three-way/three-segment\n");
}

/* Whatever goes wrong in it, however often. */
static void a_bad_connection_is_bounded_too(void **state)
{
    (void)state;
    struct told told;
    begin(&told, 0, true);
    feed_lines(&told, OPENING("1"));
    for (unsigned i = 0; i < 5000; i++)
        feed_lines(&told, "C1 ACK seq=101 ack=301 bytes=10 win=0 after=10",
                   "S1 RST seq=900000000 after=10",
                   "S1 FIN ACK seq=301 ack=102 after=10");
    tracker_finish(told.tracker);
    assert_non_null(told.kept);
    assert_true(told.kept->event_count <= TRACKER_EVENTS_MAX);
    end(&told, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_told_apart_by_their_ends),
        cmocka_unit_test(syns_and_ports_tell_who_is_client),
        cmocka_unit_test(an_ended_connection_comes_out_after_its_linger),
        cmocka_unit_test(a_stray_of_an_ended_connection_is_its_own),
        cmocka_unit_test(
            an_attempt_comes_out_when_no_retry_can_come_and_an_open_one_stays),
        cmocka_unit_test(a_four_tuple_may_be_another_connections),
        cmocka_unit_test(an_old_connection_is_cleared_away_first),
        cmocka_unit_test(a_syn_again_after_a_refusal_is_the_same_attempt),
        cmocka_unit_test(a_syn_on_an_open_connection_waits_for_its_answer),
        cmocka_unit_test(a_syn_on_an_open_connection_may_be_refused),
        cmocka_unit_test(a_syn_that_is_challenged_changes_nothing),
        cmocka_unit_test(both_ends_opening_send_no_syn_ack_twice),
        cmocka_unit_test(a_full_table_gives_up_the_most_silent),
        cmocka_unit_test(thousands_of_attempts_stay_bounded),
        cmocka_unit_test(a_packet_captured_twice_is_one),
        cmocka_unit_test(a_reset_out_of_the_window_is_ignored),
        cmocka_unit_test(a_fin_out_of_the_window_closes_nothing),
        cmocka_unit_test(a_far_fin_that_is_acknowledged_was_none),
        cmocka_unit_test(timestamps_may_wrap_in_a_long_silence),
        cmocka_unit_test(what_follows_decides_about_a_doubtful_reset),
        cmocka_unit_test(a_reset_that_neither_end_minds_is_taken_back),
        cmocka_unit_test(keepalives_that_nobody_answers_are_told),
        cmocka_unit_test(an_old_timestamp_is_rejected),
        cmocka_unit_test(what_was_acknowledged_and_not_seen_is_a_gap),
        cmocka_unit_test(icmp_errors_tell_why_it_did_not_open),
        cmocka_unit_test(packets_without_time_and_time_going_backwards),
        cmocka_unit_test(a_long_connection_is_kept_in_few_events),
        cmocka_unit_test(a_bad_connection_is_bounded_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
