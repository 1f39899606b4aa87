/* The states nobody observed, worked out from packets: one state machine an end, fed with
 * what that end sent and received in the order of time. With one vantage point a packet
 * is taken to be sent and received at the moment it was seen. */
#include <stdlib.h>

#include "base/error.h"
#include "tcp/follower.h"
#include "tcp/story.h"

/* A packet at one of its two ends. */
struct moment {
    int64_t t_ns;
    size_t order; /* of the packet: ties keep it, and sending comes before receiving */
    bool receiving;
    struct event_packet packet;
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
        uint8_t before = ends[at].state;
        if (moments[i].receiving)
            follower_receives(&ends[at], &moments[i].packet);
        else
            follower_sends(&ends[at], &moments[i].packet);
        if (ends[at].state != before && infer[at] &&
            !story_add_state(story, moments[i].t_ns, at, (enum tcp_state)ends[at].state,
                             STANDING_INFERRED))
            status = ERROR_MEMORY;
    }
    free(moments);
    return status;
}
