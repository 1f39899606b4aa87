/* What a story comes to, in the words of story.h. Each word is decided from the events by
 * one small function; the digest has the few packets they all ask about. */
#include <errno.h>
#include <string.h>

#include "capture/decode.h"
#include "tcp/compare.h"
#include "tcp/digest.h"
#include "tcp/seq.h"
#include "tcp/story.h"

static enum open_word judge_open_by_call(const struct digest *digest)
{
    switch (digest->connect_failed ? digest->connect_error : 0) {
    case -ECONNREFUSED: return OPEN_REFUSED;
    case -EHOSTUNREACH:
    case -ENETUNREACH: return OPEN_UNREACHABLE;
    case -ETIMEDOUT: return OPEN_NO_ANSWER;
    default: return OPEN_NOT_SEEN;
    }
}

static enum open_word judge_open(const struct digest *digest)
{
    const struct event_packet *syn = digest->syn[PLACE_CLIENT];
    const struct event_packet *syn_ack = digest->syn_ack;

    if (!syn && !syn_ack)
        return judge_open_by_call(digest);
    if (syn && digest->syn[PLACE_SERVER])
        return syn_ack ? OPEN_SIMULTANEOUS : OPEN_HALF_OPEN;
    if (digest->opened)
        return syn && syn->bytes && syn_ack && syn_ack->ack == 1 + syn->bytes
                   ? OPEN_FAST_OPEN
                   : OPEN_THREE_WAY;
    if (digest->rst && digest->rst->from == PLACE_SERVER && !syn_ack)
        return OPEN_REFUSED;
    if (digest->rst)
        return OPEN_ABORTED;
    if (syn_ack)
        return OPEN_HALF_OPEN;
    /* Nothing of TCP's came back; ICMP may have, and then the call knows. */
    enum open_word by_call = judge_open_by_call(digest);
    return by_call == OPEN_NOT_SEEN ? OPEN_NO_ANSWER : by_call;
}

static bool opened(enum open_word open)
{
    return open == OPEN_THREE_WAY || open == OPEN_SIMULTANEOUS ||
           open == OPEN_FAST_OPEN || open == OPEN_NOT_SEEN;
}

static enum close_word judge_close(const struct digest *digest, enum open_word open)
{
    const struct event_packet *const *fin = digest->fin;
    enum place first = digest->first_fin;
    bool both_acked = digest->fin_acked[PLACE_CLIENT] && digest->fin_acked[PLACE_SERVER];

    if (!opened(open))
        return CLOSE_NONE;
    if (digest->rst && !both_acked)
        return CLOSE_RESET;
    if (first == PLACE_WIRE)
        return CLOSE_STILL_OPEN;
    const struct event_packet *second = fin[place_other(first)];
    if (!second)
        return CLOSE_HALF_CLOSED;
    if (!second->has_ack || !seq_at_or_after(second->ack, digest_fin_end(fin[first])))
        return CLOSE_SIMULTANEOUS;
    return digest->fin_acked_apart[first] ? CLOSE_FOUR_SEGMENT : CLOSE_THREE_SEGMENT;
}

static enum side_word side_of(enum place place)
{
    return place == PLACE_CLIENT ? SIDE_CLIENT : SIDE_SERVER;
}

static void note(struct evidence *evidence, const struct event_packet *packet)
{
    if (!packet)
        return;
    for (uint32_t i = 0; i < evidence->count && i < STORY_EVIDENCE_MAX; i++)
        if (evidence->packets[i] == packet->number)
            return;
    if (evidence->count < STORY_EVIDENCE_MAX)
        evidence->packets[evidence->count] = packet->number;
    evidence->count++;
}

static void collect_evidence(const struct digest *digest, struct verdict *verdict)
{
    enum place first = verdict->closed_first == SIDE_SERVER ? PLACE_SERVER : PLACE_CLIENT;
    enum place second = place_other(first);
    struct evidence *evidence = &verdict->evidence;

    note(evidence, digest->syn[PLACE_CLIENT]);
    note(evidence, digest->syn[PLACE_SERVER]);
    note(evidence, digest->syn_ack);
    note(evidence, digest->syn_ack_acked);
    note(evidence, digest->fin[first]);
    note(evidence, digest->fin_acked[first]);
    note(evidence, digest->fin[second]);
    note(evidence, digest->fin_acked[second]);
    if (verdict->reset_by != SIDE_NULL || verdict->open == OPEN_REFUSED)
        note(evidence, digest->rst);
}

/* Payload bytes of a packet that no packet of that end before it reached. */
static uint32_t new_bytes(const struct event_packet *packet, uint32_t reached)
{
    uint32_t begin = packet->seq + !!(packet->flags & TCP_SYN);
    uint32_t end = begin + packet->bytes;
    if (seq_before(begin, reached))
        begin = reached;
    return seq_before(begin, end) ? end - begin : 0;
}

static void note_anomalies(const struct event_packet *packet, bool closed,
                           struct evidence anomalies[ANOMALY_KIND_COUNT])
{
    bool again = packet->retransmission;

    if (again && (packet->flags & TCP_SYN))
        note(&anomalies[packet->has_ack ? ANOMALY_SYNACK_RETRANSMITTED
                                        : ANOMALY_SYN_RETRANSMITTED],
             packet);
    else if (again && (packet->flags & TCP_FIN))
        note(&anomalies[ANOMALY_FIN_RETRANSMITTED], packet);
    else if (again && packet->bytes)
        note(&anomalies[ANOMALY_DATA_RETRANSMITTED], packet);
    if (packet->window == 0 && !(packet->flags & (TCP_RST | TCP_SYN)))
        note(&anomalies[ANOMALY_ZERO_WINDOW], packet);
    if (closed && packet->bytes && !again)
        note(&anomalies[ANOMALY_DATA_AFTER_CLOSE], packet);
}

/* Payload bytes, each of the sequence once, and what went wrong on the way. Copies and
 * injected packets tell nothing of what an end has sent. */
static void count_packets(const struct story *story, struct verdict *verdict)
{
    uint64_t bytes[2] = {0, 0};
    uint32_t reached[2] = {0, 0};
    bool sent[2] = {false, false}, closed[2] = {false, false};

    for (size_t i = 0; i < story->event_count; i++) {
        const struct event_packet *packet = &story->events[i].packet;
        if (story->events[i].kind != EVENT_PACKET)
            continue;
        verdict->packets++;
        if (packet->fate == FATE_DUPLICATED || packet->fate == FATE_INJECTED)
            continue;
        enum place from = packet->from;
        note_anomalies(packet, closed[from], verdict->anomalies);
        closed[from] = closed[from] || (packet->flags & TCP_FIN);
        if (packet->flags & TCP_RST) /* what it carries is no part of the stream */
            continue;
        bytes[from] += new_bytes(packet, sent[from] ? reached[from] : packet->seq);
        uint32_t end = packet->seq + !!(packet->flags & TCP_SYN) + packet->bytes;
        /* A new SYN begins anew; one sent again does not take back what it reached. */
        bool goes_on =
            sent[from] && (packet->retransmission || !(packet->flags & TCP_SYN));
        reached[from] = goes_on ? seq_later(reached[from], end) : end;
        sent[from] = true;
    }
    verdict->client_bytes = bytes[PLACE_CLIENT];
    verdict->server_bytes = bytes[PLACE_SERVER];
}

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

static void span(const struct story *story, struct verdict *verdict)
{
    if (story->event_count == 0)
        return;
    verdict->start_ns = verdict->end_ns = story->events[0].t_ns;
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        int64_t last_ns = event->t_ns;
        if (event->kind == EVENT_PACKET && event->packet.received_ns != UNSEEN_NS &&
            event->packet.received_ns > last_ns)
            last_ns = event->packet.received_ns;
        if (last_ns > verdict->end_ns)
            verdict->end_ns = last_ns;
    }
}

static int64_t seen_ns(const struct event_packet *packet)
{
    return packet->sent_ns != UNSEEN_NS ? packet->sent_ns : packet->received_ns;
}

void story_judge(struct story *story)
{
    struct digest digest = digest_story(story);
    struct verdict *verdict = &story->verdict;
    enum place first = digest.first_fin;

    *verdict = (struct verdict){.handshake_ns = UNSEEN_NS};
    span(story, verdict);
    verdict->open = judge_open(&digest);
    verdict->close = judge_close(&digest, verdict->open);
    if (opened(verdict->open) && first != PLACE_WIRE)
        verdict->closed_first =
            verdict->close == CLOSE_SIMULTANEOUS ? SIDE_BOTH : side_of(first);
    if (verdict->close == CLOSE_RESET || verdict->open == OPEN_ABORTED)
        verdict->reset_by = side_of(digest.rst->from);
    if (digest.syn[PLACE_CLIENT] && digest.syn_ack_acked &&
        digest.syn_ack_acked->from == PLACE_CLIENT)
        verdict->handshake_ns =
            seen_ns(digest.syn_ack_acked) - seen_ns(digest.syn[PLACE_CLIENT]);
    count_packets(story, verdict);
    last_states(story, verdict);
    if (verdict->close == CLOSE_STILL_OPEN)
        judge_unseen_close(story, verdict);
    collect_evidence(&digest, verdict);
    compare_zeek(story, verdict);
    verdict->completeness = compare_completeness(story);
}
