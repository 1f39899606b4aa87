/* What a connection comes to, in the words of story.h: each word decided by one small
 * function from what tally.c has added up; and of a story also from its calls and states. */
#include <errno.h>
#include <string.h>

#include "base/filled.h"
#include "tcp/seq.h"
#include "tcp/story.h"
#include "tcp/tally.h"
#include "tcp/trouble.h"

static enum open_word judge_open_by_call(const struct tally *tally)
{
    switch (tally->connect_failed ? tally->connect_error : 0) {
    case -ECONNREFUSED: return OPEN_REFUSED;
    case -EHOSTUNREACH:
    case -ENETUNREACH: return OPEN_UNREACHABLE;
    case -ETIMEDOUT: return OPEN_NO_ANSWER;
    default: return OPEN_NOT_SEEN;
    }
}

/* An ICMP error for the SYN: a port unreachable says what a reset says, and all others
 * that the way ends somewhere (RFC 1122, 4.2.3.9; RFC 4443, 3.1). */
static enum open_word judge_open_by_icmp(const struct icmp_note *icmp)
{
    switch (icmp_meaning(icmp)) {
    case ICMP_NOTHING: return OPEN_NO_ANSWER;
    case ICMP_PORT: return OPEN_REFUSED;
    default: return OPEN_UNREACHABLE;
    }
}

static enum open_word judge_open(const struct tally *tally)
{
    const struct tally_end *client = &tally->end[PLACE_CLIENT];
    uint64_t syn_ack = tally->syn_ack;

    if (!client->syn && !syn_ack)
        return judge_open_by_call(tally);
    if (client->syn && tally->end[PLACE_SERVER].syn)
        return syn_ack ? OPEN_SIMULTANEOUS : OPEN_HALF_OPEN;
    if (tally->opened)
        return client->syn && client->syn_bytes && syn_ack &&
                       tally->syn_ack_ack == 1 + client->syn_bytes
                   ? OPEN_FAST_OPEN
                   : OPEN_THREE_WAY;
    if (tally->rst && tally->rst_from == PLACE_SERVER && !syn_ack)
        return OPEN_REFUSED;
    if (tally->rst)
        return OPEN_ABORTED;
    if (syn_ack)
        return OPEN_HALF_OPEN;
    /* Nothing of TCP's came back; ICMP may have, seen or told by the call. */
    enum open_word by_call = judge_open_by_call(tally);
    return by_call == OPEN_NOT_SEEN ? judge_open_by_icmp(&tally->icmp) : by_call;
}

static bool opened(enum open_word open)
{
    return open == OPEN_THREE_WAY || open == OPEN_SIMULTANEOUS ||
           open == OPEN_FAST_OPEN || open == OPEN_NOT_SEEN;
}

static bool both_fins_acked(const struct tally *tally)
{
    return tally->end[PLACE_CLIENT].fin_acked && tally->end[PLACE_SERVER].fin_acked;
}

static enum close_word judge_close(const struct tally *tally, enum open_word open)
{
    if (!opened(open))
        return CLOSE_NONE;
    if (tally->rst && !both_fins_acked(tally))
        return CLOSE_RESET;
    if (!tally->has_fin)
        return CLOSE_STILL_OPEN;
    const struct tally_end *first = &tally->end[tally->first_fin];
    const struct tally_end *second =
        &tally->end[place_other((enum place)tally->first_fin)];
    if (!second->has_fin)
        return CLOSE_HALF_CLOSED;
    if (!seq_at_or_after(second->fin_ack, first->fin_end))
        return CLOSE_SIMULTANEOUS;
    return first->fin_acked_apart ? CLOSE_FOUR_SEGMENT : CLOSE_THREE_SEGMENT;
}

static enum side_word side_of(enum place place)
{
    return place == PLACE_CLIENT ? SIDE_CLIENT : SIDE_SERVER;
}

/* A packet may be two things: a FIN that acknowledges the other's is told as a FIN. */
static void note(struct verdict *verdict, uint64_t number, enum proof proof)
{
    struct evidence *evidence = &verdict->evidence;
    if (!number)
        return;
    for (uint32_t i = 0; i < evidence->kept; i++)
        if (evidence->packets[i] == number) {
            if (proof == PROOF_FIN)
                verdict->proofs[i] = PROOF_FIN;
            return;
        }
    if (evidence->kept < STORY_EVIDENCE_MAX) {
        verdict->proofs[evidence->kept] = (uint8_t)proof;
        evidence->packets[evidence->kept++] = number;
    }
    evidence->count++;
}

static void collect_evidence(const struct tally *tally, struct verdict *verdict)
{
    const struct tally_end *ends = tally->end;
    enum place first = verdict->closed_first == SIDE_SERVER ? PLACE_SERVER : PLACE_CLIENT;
    enum place second = place_other(first);

    note(verdict, ends[PLACE_CLIENT].syn, PROOF_SYN);
    note(verdict, ends[PLACE_SERVER].syn, PROOF_SYN);
    note(verdict, tally->syn_ack, PROOF_SYN_ACK);
    note(verdict, tally->syn_ack_acked, PROOF_SYN_ACK_ACKED);
    note(verdict, ends[first].fin, PROOF_FIN);
    note(verdict, ends[first].fin_acked, PROOF_FIN_ACKED);
    note(verdict, ends[second].fin, PROOF_FIN);
    note(verdict, ends[second].fin_acked, PROOF_FIN_ACKED);
    if (verdict->reset_by != SIDE_NULL || verdict->open == OPEN_REFUSED)
        note(verdict, tally->rst, PROOF_RST);
    if (verdict->open == OPEN_UNREACHABLE || verdict->open == OPEN_REFUSED)
        note(verdict, tally->icmp_number, PROOF_ICMP);
}

/* A reset that some receivers heed and others answer, and after which the receiver was
 * silent: it was heeded. A FIN beyond the window, of which nothing was heard: it was not.
 * Most tallies leave nothing to decide, and are returned as they are. */
static const struct tally *decide_doubt(const struct tally *tally, struct tally *decided)
{
    bool far = tally->end[0].fin_far || tally->end[1].fin_far;
    if ((tally->rst || !tally->doubtful_rst) && !far)
        return tally;
    *decided = *tally;
    if (!tally->rst && tally->doubtful_rst) {
        decided->rst = tally->doubtful_rst;
        decided->rst_from = tally->doubtful_from;
    }
    for (int end = 0; end < 2; end++)
        if (decided->end[end].fin_far)
            decided->end[end].fin = 0;
    return decided;
}

/* Nobody has acknowledged it. */
static void note_far_fin(const struct tally_end *end, struct evidence *ignored)
{
    if (!end->fin_far)
        return;
    if (ignored->kept < STORY_EVIDENCE_MAX)
        ignored->packets[ignored->kept++] = end->fin;
    ignored->count++;
}

void tally_verdict(const struct tally *undecided, struct verdict *ret_verdict)
{
    FILLED_BY_CALL struct tally decided;
    const struct tally *tally = decide_doubt(undecided, &decided);
    struct verdict *verdict = ret_verdict;

    *verdict = (struct verdict){.handshake_ns = UNSEEN_NS,
                                .start_ns = tally->start_ns,
                                .end_ns = tally->end_ns,
                                .client_bytes = tally->end[PLACE_CLIENT].bytes,
                                .server_bytes = tally->end[PLACE_SERVER].bytes,
                                .packets = tally->packets,
                                .syns = tally->syns,
                                .reset_seen = tally->reset_seen,
                                .icmp = tally->icmp};
    verdict->open = judge_open(tally);
    verdict->close = judge_close(tally, verdict->open);
    if (opened(verdict->open) && tally->has_fin)
        verdict->closed_first = verdict->close == CLOSE_SIMULTANEOUS
                                    ? SIDE_BOTH
                                    : side_of((enum place)tally->first_fin);
    if (verdict->close == CLOSE_RESET || verdict->open == OPEN_ABORTED)
        verdict->reset_by = side_of((enum place)tally->rst_from);
    if (tally->end[PLACE_CLIENT].syn && tally->syn_ack_acked &&
        tally->syn_ack_acked_from == PLACE_CLIENT)
        verdict->handshake_ns = tally->syn_ack_acked_ns - tally->syn_ns;
    for (int kind = 0; tally->trouble && kind < ANOMALY_KIND_COUNT; kind++)
        if (tally->trouble->counts[kind])
            trouble_evidence(tally->trouble, (enum anomaly_kind)kind,
                             &verdict->anomalies[kind]);
    for (int end = 0; end < 2; end++)
        note_far_fin(&undecided->end[end], &verdict->anomalies[ANOMALY_FIN_IGNORED]);
    collect_evidence(tally, verdict);
    zeek_verdict(&tally->zeek, verdict);
    verdict->completeness = completeness_value(&tally->completeness);
}

/* --- a story's, with its calls and states --- */

static void last_states(const struct story *story, struct verdict *verdict)
{
    enum tcp_state state[2] = {STATE_NONE, STATE_NONE};
    enum standing standing[2] = {STANDING_OBSERVED, STANDING_OBSERVED};

    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind != EVENT_STATE)
            continue;
        state[event->place] = event->state.state;
        standing[event->place] = event->state.standing;
    }
    verdict->client_state = state[PLACE_CLIENT];
    verdict->server_state = state[PLACE_SERVER];
    verdict->standing = standing[0] > standing[1] ? standing[0] : standing[1];
}

/* Without a segment of the close, the states still tell that it closed and, as only the
 * end that closes first comes through FIN_WAIT_1, who began. Inferred ones know no more
 * than the segments they come from. */
static void judge_unseen_close(const struct story *story, struct verdict *verdict)
{
    bool began[2] = {false, false}, gone[2] = {false, false};
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind != EVENT_STATE || event->state.standing == STANDING_INFERRED)
            continue;
        enum tcp_state state = event->state.state;
        began[event->place] |= state == STATE_FIN_WAIT_1 || state == STATE_FIN_WAIT_2 ||
                               state == STATE_CLOSING || state == STATE_TIME_WAIT;
        gone[event->place] = state != STATE_LISTEN && state != STATE_SYN_SENT &&
                             state != STATE_SYN_RECEIVED && state != STATE_ESTABLISHED;
    }
    if (!began[PLACE_CLIENT] && !began[PLACE_SERVER] && !gone[PLACE_CLIENT] &&
        !gone[PLACE_SERVER])
        return;
    verdict->close = CLOSE_NOT_SEEN;
    if (began[PLACE_CLIENT] && began[PLACE_SERVER])
        verdict->closed_first = SIDE_BOTH;
    else if (began[PLACE_CLIENT] || began[PLACE_SERVER])
        verdict->closed_first = began[PLACE_CLIENT] ? SIDE_CLIENT : SIDE_SERVER;
}

/* Calls and states last as long as the story, too. */
static void span(const struct story *story, struct verdict *verdict)
{
    bool packets = verdict->packets > 0;
    for (size_t i = 0; i < story->event_count; i++) {
        int64_t t_ns = story->events[i].t_ns;
        if ((i == 0 && !packets) || t_ns < verdict->start_ns)
            verdict->start_ns = t_ns;
        if ((i == 0 && !packets) || t_ns > verdict->end_ns)
            verdict->end_ns = t_ns;
    }
}

static int add_up(const struct story *story, struct tally *tally)
{
    int code = 0;
    for (size_t i = 0; i < story->event_count && !code; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_PACKET)
            code = tally_packet(tally, &event->packet, NULL);
        if (event->kind == EVENT_CALL && event->call.returns &&
            strcmp(event->call.name, "connect") == 0 && event->call.result < 0)
            tally_connect_failed(tally, event->call.result);
    }
    return code;
}

int story_judge(struct story *story)
{
    struct tally tally = {0};
    struct verdict *verdict = &story->verdict;
    int code = add_up(story, &tally);

    tally_verdict(&tally, verdict);
    tally_done(&tally);
    span(story, verdict);
    last_states(story, verdict);
    if (verdict->close == CLOSE_STILL_OPEN)
        judge_unseen_close(story, verdict);
    return code;
}
