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

struct follower {
    enum tcp_state state;
    uint32_t fin_end; /* behind its own FIN, relative; 0 while it has sent none */
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

static enum state_event sent(const struct event_packet *packet)
{
    if (packet->flags & TCP_RST)
        return SENT_RST;
    if (packet->flags & TCP_SYN)
        return packet->has_ack ? SENT_SYN_ACK : SENT_SYN;
    return packet->flags & TCP_FIN ? SENT_FIN : SENT_OTHER;
}

static enum state_event received(const struct event_packet *packet, uint32_t fin_end)
{
    bool of_fin = packet->has_ack && fin_end && seq_at_or_after(packet->ack, fin_end);
    if (packet->flags & TCP_RST)
        return RECEIVED_RST;
    if (packet->flags & TCP_SYN)
        return packet->has_ack ? RECEIVED_SYN_ACK : RECEIVED_SYN;
    if (packet->flags & TCP_FIN)
        return of_fin ? RECEIVED_FIN_ACK_OF_FIN : RECEIVED_FIN;
    return of_fin ? RECEIVED_ACK_OF_FIN : RECEIVED_ACK;
}

static bool observed(const struct story *story, enum place place)
{
    for (size_t i = 0; i < story->event_count; i++)
        if (story->events[i].kind == EVENT_STATE && story->events[i].place == place)
            return true;
    return false;
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
        moments[count++] = (struct moment){event->t_ns, i, false, *packet};
        if (packet->fate != FATE_LOST)
            moments[count++] = (struct moment){
                two_vantages ? packet->received_ns : event->t_ns, i, true, *packet};
    }
    qsort(moments, count, sizeof *moments, by_time);
    return count;
}

int story_infer_states(struct story *story)
{
    struct follower ends[2] = {{STATE_NONE, 0}, {STATE_NONE, 0}};
    bool infer[2] = {!observed(story, PLACE_CLIENT), !observed(story, PLACE_SERVER)};
    if (!infer[PLACE_CLIENT] && !infer[PLACE_SERVER])
        return 0;

    struct moment *moments = calloc(2 * story->event_count + 1, sizeof *moments);
    if (!moments)
        return ERROR_MEMORY;
    size_t count = collect(story, moments);
    int status = 0;
    for (size_t i = 0; i < count && !status; i++) {
        const struct moment *moment = &moments[i];
        const struct event_packet *packet = &moment->packet;
        enum place at = packet->from;
        if (moment->receiving)
            at = at == PLACE_CLIENT ? PLACE_SERVER : PLACE_CLIENT;
        struct follower *end = &ends[at];
        enum tcp_state next =
            state_after(end->state, moment->receiving ? received(packet, end->fin_end)
                                                      : sent(packet));
        if (!moment->receiving && (packet->flags & TCP_FIN))
            end->fin_end = packet->seq + packet->bytes + 1;
        if (next == end->state)
            continue;
        end->state = next;
        if (infer[at] &&
            !story_add_state(story, moment->t_ns, at, next, STANDING_INFERRED))
            status = ERROR_MEMORY;
    }
    free(moments);
    return status;
}
