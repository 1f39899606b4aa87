/* A sentence is put together of clauses, each a whole phrase that a translator sees as
 * one: how it opened, what went wrong, how it closed, what remains. Nothing is said that
 * the verdict or the events do not hold. */
#include "draw/why.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/error.h"
#include "capture/decode.h"
#include "draw/fill.h"
#include "draw/words.h"
#include "tcp/story.h"

struct sentence {
    const struct words *words;
    struct buffer *buffer;
    bool begun;
    bool numbered; /* a capture's: its packets have numbers that a reader can look up */
};

static void say(struct sentence *sentence, const char *phrase, const struct fill *fills,
                size_t count)
{
    if (sentence->begun)
        buffer_append_text(sentence->buffer, sentence->words->say(N_("; ")));
    sentence->begun = true;
    fill_append(sentence->buffer, sentence->words->say(phrase), fills, count);
}

static void say_plain(struct sentence *sentence, const char *phrase)
{
    say(sentence, phrase, NULL, 0);
}

/* One phrase for one of a thing, another with {count} for more; nothing for none. */
static void say_counted(struct sentence *sentence, uint64_t count, const char *one,
                        const char *more)
{
    char number[DECIMAL_TEXT + 1];
    if (count == 0)
        return;
    number[decimal_put(number, count)] = '\0';
    say(sentence, count == 1 || !more ? one : more, &(struct fill){"count", number}, 1);
}

/* --- the packets that show it --- */

enum { NUMBERS_MAX = 6 };

/* " (packets 1, 2, 3)", after what they show. */
static void say_numbers(struct sentence *sentence, const struct evidence *evidence)
{
    const struct words *words = sentence->words;
    struct buffer list;
    char room[256], number[DECIMAL_TEXT];
    uint32_t shown = evidence->kept < NUMBERS_MAX ? evidence->kept : NUMBERS_MAX;

    if (!sentence->numbered || shown == 0)
        return;
    buffer_init_fixed(&list, room, sizeof room);
    for (uint32_t i = 0; i < shown; i++) {
        if (i > 0)
            buffer_append_text(&list, words->say(N_(", ")));
        buffer_append(&list, number, decimal_put(number, evidence->packets[i]));
    }
    if (evidence->count > shown)
        buffer_append_text(&list, words->say(N_(", ...")));
    const char *phrase =
        evidence->count == 1 ? N_(" (packet {packets})") : N_(" (packets {packets})");
    fill_append(sentence->buffer, words->say(phrase),
                &(struct fill){"packets", buffer_text(&list)}, 1);
    buffer_done(&list);
}

enum {
    OPENING_PROOFS =
        1 << PROOF_SYN | 1 << PROOF_SYN_ACK | 1 << PROOF_SYN_ACK_ACKED | 1 << PROOF_ICMP,
    CLOSING_PROOFS = 1 << PROOF_FIN | 1 << PROOF_FIN_ACKED | 1 << PROOF_RST
};

/* Those of the verdict's evidence that are among `proofs`. */
static void say_proofs(struct sentence *sentence, const struct verdict *verdict,
                       unsigned proofs)
{
    struct evidence some = {0};
    for (uint32_t i = 0; i < verdict->evidence.kept; i++)
        if (proofs & 1U << verdict->proofs[i])
            some.packets[some.kept++] = verdict->evidence.packets[i];
    some.count = some.kept;
    say_numbers(sentence, &some);
}

/* --- what the events tell beside the verdict --- */

struct notes {
    const struct event_call *connect; /* its first return */
    uint64_t fates[FATE_INJECTED + 1];
};

static struct notes take_notes(const struct story *story)
{
    struct notes notes = {0};
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_CALL && event->call.returns && !notes.connect &&
            !strcmp(event->call.name, "connect"))
            notes.connect = &event->call;
        if (event->kind != EVENT_PACKET)
            continue;
        notes.fates[event->packet.fate]++;
    }
    return notes;
}

/* --- how it opened --- */

/* "40.1", and below ten milliseconds "0.07". */
static void format_ms(int64_t ns, char text[32])
{
    double ms = (double)ns / NS_PER_MS;
    snprintf(text, 32, ms < 10 ? "%.2f" : "%.1f", ms);
}

static void say_three_way(struct sentence *sentence, const struct verdict *verdict,
                          const struct notes *notes)
{
    char ms[32];
    if (verdict->handshake_ns == UNSEEN_NS) {
        say_plain(sentence, N_("opened three-way"));
        return;
    }
    format_ms(verdict->handshake_ns, ms);
    const char *phrase = N_("opened three-way in {ms} ms");
    if (notes->connect && notes->connect->result == 0)
        phrase = N_("opened three-way in {ms} ms, inside connect()");
    if (notes->connect && notes->connect->result == -EINPROGRESS)
        phrase = N_("opened three-way in {ms} ms, while connect() had returned already");
    say(sentence, phrase, &(struct fill){"ms", ms}, 1);
}

static void say_refused(struct sentence *sentence, const struct story *story)
{
    char port[8], reporter[ENDPOINT_TEXT];
    bool by_icmp = icmp_meaning(&story->verdict.icmp) == ICMP_PORT;
    const char *phrase = N_("refused: nobody listens on port {port}");

    snprintf(port, sizeof port, "%" PRIu16, story->server.port);
    if (story->verdict.reset_seen)
        phrase = N_("refused: nobody listens on port {port}, and the host answered "
                    "the SYN with RST at once");
    else if (by_icmp)
        phrase = N_("refused: {reporter} answered the SYN with ICMP, port {port} "
                    "unreachable");
    say(sentence, phrase,
        (const struct fill[]){{"port", port},
                              {"reporter", endpoint_format_address(
                                               &story->verdict.icmp.reporter, reporter)}},
        2);
}

static void say_unreachable(struct sentence *sentence, const struct icmp_note *icmp)
{
    static const char *const phrases[] = {
        [ICMP_HOST] = N_("unreachable: {reporter} says by ICMP that it cannot reach the "
                         "server"),
        [ICMP_NETWORK] = N_("unreachable: {reporter} says by ICMP that it knows no way "
                            "to the server"),
        [ICMP_FORBIDDEN] = N_("unreachable: {reporter} says by ICMP that it does not let "
                              "the connection through"),
        [ICMP_TOO_FAR] = N_("unreachable: {reporter} says by ICMP that the packet went "
                            "through too many routers"),
        [ICMP_OTHER] = N_("unreachable: the network cannot deliver to the server"),
    };
    char reporter[ENDPOINT_TEXT];
    const char *phrase = phrases[icmp_meaning(icmp)];
    say(sentence, phrase ? phrase : phrases[ICMP_OTHER],
        &(struct fill){"reporter", endpoint_format_address(&icmp->reporter, reporter)},
        1);
}

static void say_no_answer(struct sentence *sentence, uint32_t syns)
{
    if (syns == 0)
        say_plain(sentence, N_("no answer came from the server"));
    say_counted(sentence, syns, N_("no answer: one SYN was sent, and nothing came back"),
                N_("no answer: {count} SYNs were sent, and nothing came back"));
}

static void say_open(struct sentence *sentence, const struct story *story,
                     const struct notes *notes)
{
    const struct verdict *verdict = &story->verdict;
    switch (verdict->open) {
    case OPEN_THREE_WAY: say_three_way(sentence, verdict, notes); break;
    case OPEN_SIMULTANEOUS:
        say_plain(sentence, N_("opened by both ends at once: their SYNs crossed"));
        break;
    case OPEN_FAST_OPEN:
        say_plain(sentence, N_("opened with data in the SYN already (TCP Fast Open)"));
        break;
    case OPEN_REFUSED: say_refused(sentence, story); break;
    case OPEN_UNREACHABLE: say_unreachable(sentence, &verdict->icmp); break;
    case OPEN_NO_ANSWER: say_no_answer(sentence, verdict->syns); break;
    case OPEN_HALF_OPEN:
        say_plain(sentence,
                  N_("half open: the server answered the SYN, but its SYN ACK was "
                     "never acknowledged"));
        break;
    case OPEN_ABORTED:
        say_plain(sentence,
                  verdict->reset_by == SIDE_SERVER
                      ? N_("aborted: the server reset it before the handshake was done")
                      : N_("aborted: the client reset it before the handshake was done"));
        break;
    case OPEN_NOT_SEEN: say_plain(sentence, N_("its opening was not seen")); break;
    }
    say_proofs(sentence, verdict,
               OPENING_PROOFS | (verdict->close == CLOSE_NONE ? 1U << PROOF_RST : 0));
    if (notes->connect && notes->connect->result < 0 &&
        notes->connect->result != -EINPROGRESS)
        say(sentence, N_("connect() failed with {error}"),
            &(struct fill){"error", error_errno_name((int)-notes->connect->result)}, 1);
}

/* --- what went wrong --- */

struct pair {
    const char *one, *more;
};

static const struct pair anomaly_phrases[ANOMALY_KIND_COUNT] = {
    [ANOMALY_SYN_RETRANSMITTED] = {N_("the SYN was sent again"),
                                   N_("the SYN was sent again {count} times")},
    [ANOMALY_SYNACK_RETRANSMITTED] = {N_("the SYN ACK was sent again"),
                                      N_("the SYN ACK was sent again {count} times")},
    [ANOMALY_FIN_RETRANSMITTED] = {N_("a FIN was sent again"),
                                   N_("FINs were sent again {count} times")},
    [ANOMALY_DATA_RETRANSMITTED] = {N_("one packet of data was sent again"),
                                    N_("{count} packets of data were sent again")},
    [ANOMALY_ZERO_WINDOW] =
        {N_("a receiver had no room left once (window 0)"),
         N_("a receiver had no room left in {count} packets (window 0)")},
    [ANOMALY_DATA_AFTER_CLOSE] =
        {N_("data came from an end that had closed"),
         N_("data came from an end that had closed, in {count} packets")},
    [ANOMALY_RST_IGNORED] =
        {N_("a RST was ignored: its number is none the receiver would heed"),
         N_("{count} RSTs were ignored: their numbers are none the receiver would heed")},
    [ANOMALY_FIN_IGNORED] =
        {N_("a FIN was ignored: its number is none the receiver would heed"),
         N_("{count} FINs were ignored: their numbers are none the receiver would heed")},
    [ANOMALY_CHALLENGE_ACK] =
        {N_("a segment that did not fit was answered with a challenge ACK"),
         N_("{count} segments that did not fit were answered with challenge ACKs")},
    [ANOMALY_KEEPALIVE_UNANSWERED] = {N_("a keepalive probe was not answered"),
                                      N_("{count} keepalive probes were not answered")},
    [ANOMALY_SEQUENCE_GAP] =
        {N_("the capture lacks data that was acknowledged"),
         N_("the capture lacks data that was acknowledged, in {count} places")},
    [ANOMALY_PAWS_REJECTED] =
        {N_("a segment was dropped for its old timestamp (PAWS)"),
         N_("{count} segments were dropped for their old timestamps (PAWS)")},
    [ANOMALY_FOUR_TUPLE_REUSED] =
        {N_("its addresses and ports had been another connection's just before"), NULL},
    [ANOMALY_CAPTURED_TWICE] = {N_("one packet was captured twice"),
                                N_("{count} packets were captured twice")},
    [ANOMALY_CAPTURED_OUT_OF_ORDER] = {N_("the SYN was captured behind its SYN ACK"),
                                       NULL},
};

static const struct pair fate_phrases[FATE_INJECTED + 1] = {
    [FATE_LOST] = {N_("the wire lost one packet"), N_("the wire lost {count} packets")},
    [FATE_DELAYED] = {N_("the wire held one packet back"),
                      N_("the wire held {count} packets back")},
    [FATE_DUPLICATED] = {N_("the wire delivered one packet twice"),
                         N_("the wire delivered {count} packets twice")},
    [FATE_INJECTED] = {N_("the wire slipped in one packet that nobody had sent"),
                       N_("the wire slipped in {count} packets that nobody had sent")},
};

static void say_trouble(struct sentence *sentence, const struct verdict *verdict,
                        const struct notes *notes)
{
    for (int i = 0; i <= FATE_INJECTED; i++)
        if (fate_phrases[i].one)
            say_counted(sentence, notes->fates[i], fate_phrases[i].one,
                        fate_phrases[i].more);
    for (int i = 0; i < ANOMALY_KIND_COUNT; i++) {
        say_counted(sentence, verdict->anomalies[i].count, anomaly_phrases[i].one,
                    anomaly_phrases[i].more);
        say_numbers(sentence, &verdict->anomalies[i]);
    }
}

/* --- how it closed, and what remains --- */

static void say_close(struct sentence *sentence, const struct verdict *verdict)
{
    bool by_server = verdict->closed_first == SIDE_SERVER;
    switch (verdict->close) {
    case CLOSE_FOUR_SEGMENT:
        say_plain(sentence, by_server ? N_("closed by the server in four segments")
                                      : N_("closed by the client in four segments"));
        break;
    case CLOSE_THREE_SEGMENT:
        say_plain(sentence, by_server ? N_("closed by the server in three segments")
                                      : N_("closed by the client in three segments"));
        break;
    case CLOSE_SIMULTANEOUS:
        say_plain(sentence, N_("closed by both ends at once: their FINs crossed"));
        break;
    case CLOSE_HALF_CLOSED:
        say_plain(
            sentence,
            by_server
                ? N_("half closed: the server has said its last, the client may go on")
                : N_("half closed: the client has said its last, the server may go on"));
        break;
    case CLOSE_RESET:
        say_plain(sentence, verdict->reset_by == SIDE_SERVER ? N_("reset by the server")
                                                             : N_("reset by the client"));
        break;
    case CLOSE_STILL_OPEN: say_plain(sentence, N_("still open")); break;
    case CLOSE_NOT_SEEN:
        say_plain(sentence, by_server
                                ? N_("closed, by the server first; how was not seen")
                            : verdict->closed_first == SIDE_CLIENT
                                ? N_("closed, by the client first; how was not seen")
                                : N_("closed; how was not seen"));
        break;
    case CLOSE_NONE: return;
    }
    say_proofs(sentence, verdict, CLOSING_PROOFS);
}

/* Linux keeps TIME_WAIT for 60 s whatever it is told; of a host only inferred nobody
 * knows. */
static void say_time_wait(struct sentence *sentence, const struct verdict *verdict)
{
    bool client = verdict->client_state == STATE_TIME_WAIT;
    bool server = verdict->server_state == STATE_TIME_WAIT;
    bool known = verdict->standing != STANDING_INFERRED;
    if (client && server)
        say_plain(sentence, known ? N_("both ends wait 60 s in TIME_WAIT")
                                  : N_("both ends are left in TIME_WAIT"));
    else if (client)
        say_plain(sentence, known ? N_("the client waits 60 s in TIME_WAIT")
                                  : N_("the client is left in TIME_WAIT"));
    else if (server)
        say_plain(sentence, known ? N_("the server waits 60 s in TIME_WAIT")
                                  : N_("the server is left in TIME_WAIT"));
}

static void say_remains(struct sentence *sentence, const struct verdict *verdict)
{
    say_time_wait(sentence, verdict);
    if (verdict->client_state == STATE_CLOSE_WAIT)
        say_plain(sentence, N_("the client's program has not closed yet (CLOSE_WAIT)"));
    if (verdict->server_state == STATE_CLOSE_WAIT)
        say_plain(sentence, N_("the server's program has not closed yet (CLOSE_WAIT)"));
}

void why_story(const struct story *story, const struct words *words,
               struct buffer *buffer)
{
    const struct verdict *verdict = &story->verdict;
    struct sentence sentence = {.words = words,
                                .buffer = buffer,
                                .numbered = verdict->standing == STANDING_INFERRED};
    struct notes notes = take_notes(story);
    say_open(&sentence, story, &notes);
    say_trouble(&sentence, verdict, &notes);
    say_close(&sentence, verdict);
    say_remains(&sentence, verdict);
}

const char *why_anomaly(enum anomaly_kind kind)
{
    return anomaly_phrases[kind].one;
}
