/* The states nobody observed, worked out from packets: one state machine an end, fed with
 * what that end sent and received in the order of time. With one vantage point a packet
 * is taken to be sent and received at the moment it was seen. */
#include <stdlib.h>

#include "base/error.h"
#include "capture/decode.h"
#include "tcp/seq.h"
#include "tcp/state.h"
#include "tcp/story.h"

/* A packet at one of its two ends. */
struct moment {
    int64_t t_ns;
    size_t order; /* of the packet: ties keep it, and sending comes before receiving */
    bool receiving;
    struct event_packet packet;
};

/* One end, as far as its packets tell; its numbers and those it acknowledges relative. */
struct follower {
    enum tcp_state state;
    bool sent_fin, has_acked;
    uint32_t sent_end; /* behind the last number it has sent */
    uint32_t fin_end;  /* behind its FIN */
    uint32_t acked;    /* the last number it has acknowledged */
};

static int by_time(const void *a, const void *b)
{
    const struct moment *left = a, *right = b;
    if (left->t_ns != right->t_ns)
        return left->t_ns < right->t_ns ? -1 : 1;
    if (left->order != right->order)
        return left->order < right->order ? -1 : 1;
    return left->receiving - right->receiving;
}

/* No TCP sends a FIN without ACK, nor takes one (3.10.7.4, fifth). */
static bool is_fin(const struct event_packet *packet)
{
    return (packet->flags & TCP_FIN) && packet->has_ack;
}

static enum state_event sent(const struct event_packet *packet)
{
    if (packet->flags & TCP_RST)
        return SENT_RST;
    if (packet->flags & TCP_SYN)
        return packet->has_ack ? SENT_SYN_ACK : SENT_SYN;
    return is_fin(packet) ? SENT_FIN : SENT_OTHER;
}

static enum state_event received(const struct follower *end,
                                 const struct event_packet *packet)
{
    bool of_fin =
        packet->has_ack && end->sent_fin && seq_at_or_after(packet->ack, end->fin_end);
    if (packet->flags & TCP_RST)
        return RECEIVED_RST;
    if (packet->flags & TCP_SYN)
        return packet->has_ack ? RECEIVED_SYN_ACK : RECEIVED_SYN;
    if (packet->flags & TCP_FIN)
        return of_fin ? RECEIVED_FIN_ACK_OF_FIN : RECEIVED_FIN;
    return of_fin ? RECEIVED_ACK_OF_FIN : RECEIVED_ACK;
}

static bool acks_syn(const struct follower *end, const struct event_packet *packet)
{
    return packet->has_ack && seq_at_or_after(packet->ack, 1) &&
           seq_at_or_after(end->sent_end, packet->ack);
}

/* Whether the end does what the segment says (RFC 9293, 3.5.3 and 3.10.7; RFC 5961, 3.2),
 * as far as an observer can tell: what it would drop or only answer changes no state. One
 * number before what it expects is let pass, some stacks reset with their FIN's own. */
static bool heeds(const struct follower *end, const struct event_packet *packet)
{
    if (packet->flags & TCP_RST) {
        if (end->state == STATE_SYN_SENT)
            return acks_syn(end, packet);
        return !end->has_acked || seq_within_reach(packet->seq, end->acked - 1);
    }
    if (!packet->has_ack) /* only a SYN may come without */
        return packet->flags & TCP_SYN;
    if (end->state == STATE_SYN_SENT)
        return acks_syn(end, packet);
    if (end->state == STATE_SYN_RECEIVED)
        return seq_within_reach(packet->ack, 1);
    bool fin = (packet->flags & TCP_FIN) && !(packet->flags & TCP_SYN);
    return !fin || !end->has_acked ||
           seq_within_reach(packet->seq + packet->bytes, end->acked);
}

static void note_sent(struct follower *end, const struct event_packet *packet)
{
    uint32_t packet_end = packet->seq + packet->bytes + !!(packet->flags & TCP_SYN) +
                          !!(packet->flags & TCP_FIN);
    if (packet->flags & TCP_RST)
        return;
    /* A new SYN begins anew: what came before it was another connection's. */
    if ((packet->flags & TCP_SYN) && !packet->retransmission) {
        end->sent_end = packet_end;
        end->has_acked = false;
    } else if (seq_before(end->sent_end, packet_end)) {
        end->sent_end = packet_end;
    }
    if (is_fin(packet)) {
        end->sent_fin = true;
        end->fin_end = packet_end;
    }
    if (packet->has_ack) {
        end->acked = end->has_acked ? seq_later(end->acked, packet->ack) : packet->ack;
        end->has_acked = true;
    }
}

static bool known(const struct story *story, enum place place)
{
    for (size_t i = 0; i < story->event_count; i++)
        if (story->events[i].kind == EVENT_STATE && story->events[i].place == place)
            return true;
    return false;
}

static void forget_inferred(struct story *story)
{
    size_t kept = 0;
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind != EVENT_STATE || event->state.standing != STANDING_INFERRED)
            story->events[kept++] = *event;
    }
    story->event_count = kept;
}

/* Both moments of every packet that has them, in the order of time. */
static size_t collect(const struct story *story, struct moment *moments)
{
    size_t count = 0;
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind != EVENT_PACKET)
            continue;
        const struct event_packet *packet = &event->packet;
        bool two_vantages =
            packet->received_ns != UNSEEN_NS && packet->sent_ns != UNSEEN_NS;
        /* A copy and an injected packet were sent by nobody. */
        if (packet->fate != FATE_DUPLICATED && packet->fate != FATE_INJECTED)
            moments[count++] = (struct moment){event->t_ns, i, false, *packet};
        if (packet->fate != FATE_LOST)
            moments[count++] = (struct moment){
                two_vantages ? packet->received_ns : event->t_ns, i, true, *packet};
    }
    qsort(moments, count, sizeof *moments, by_time);
    return count;
}

/* What a moment does to the end it happens at. */
static enum tcp_state follow(struct follower *end, const struct moment *moment)
{
    const struct event_packet *packet = &moment->packet;
    enum tcp_state next = end->state;

    if (!moment->receiving)
        next = state_after(end->state, sent(packet));
    else if (heeds(end, packet))
        next = state_after(end->state, received(end, packet));
    if (!moment->receiving)
        note_sent(end, packet);
    return next;
}

int story_infer_states(struct story *story)
{
    struct follower ends[2] = {{.state = STATE_NONE}, {.state = STATE_NONE}};

    forget_inferred(story);
    bool infer[2] = {!known(story, PLACE_CLIENT), !known(story, PLACE_SERVER)};
    if (!infer[PLACE_CLIENT] && !infer[PLACE_SERVER])
        return 0;
    struct moment *moments = calloc(2 * story->event_count + 1, sizeof *moments);
    if (!moments)
        return ERROR_MEMORY;
    size_t count = collect(story, moments);
    int status = 0;
    for (size_t i = 0; i < count && !status; i++) {
        enum place from = moments[i].packet.from;
        enum place other = place_other(from);
        enum place at = moments[i].receiving ? other : from;
        enum tcp_state next = follow(&ends[at], &moments[i]);
        if (next == ends[at].state)
            continue;
        ends[at].state = next;
        if (infer[at] &&
            !story_add_state(story, moments[i].t_ns, at, next, STANDING_INFERRED))
            status = ERROR_MEMORY;
    }
    free(moments);
    return status;
}
