#include "lab/collapse.h"

#include "base/error.h"
#include "capture/decode.h"

/* The first and the last of a run keep their rows; fewer than this between them are no
 * run. */
static const size_t at_ends = 2, least = 6;

static bool is_plain(const struct event *event, const struct collapse_keep *keep)
{
    const struct event_packet *packet = &event->packet;
    if (event->kind != EVENT_PACKET || (packet->flags & ~(TCP_ACK | TCP_PSH)) ||
        packet->fate != FATE_DELIVERED || packet->received_ns == UNSEEN_NS ||
        packet->retransmission || packet->window == 0)
        return false;
    return !keep->keeps(keep->owner, packet->number);
}

/* How many plain packets follow one another from here. */
static size_t run_length(const struct story *story, size_t from,
                         const struct collapse_keep *keep)
{
    size_t end = from;
    while (end < story->event_count && is_plain(&story->events[end], keep))
        end++;
    return end - from;
}

/* Becomes one event, in the place of the first. */
static struct event join(const struct event *events, size_t count)
{
    struct event joined = {
        .t_ns = events[0].t_ns, .kind = EVENT_RUN, .place = PLACE_WIRE};
    joined.run.first = events[0].packet.number;
    for (size_t i = 0; i < count; i++) {
        const struct event_packet *packet = &events[i].packet;
        joined.run.last = packet->number;
        joined.run.packets[packet->from]++;
        joined.run.bytes[packet->from] += packet->bytes;
        joined.run.last_ns = events[i].t_ns;
    }
    return joined;
}

int collapse_story(const struct story *story, const struct collapse_keep *keep,
                   struct story **ret_story)
{
    struct story *copy;
    int failed = story_copy(story, &copy);
    if (failed)
        return failed;
    size_t to = 0;
    for (size_t i = 0; i < story->event_count;) {
        size_t length = run_length(story, i, keep);
        if (length < least + 2 * at_ends) {
            copy->events[to++] = story->events[i++];
            continue;
        }
        size_t middle = length - 2 * at_ends;
        for (size_t k = 0; k < at_ends; k++)
            copy->events[to++] = story->events[i++];
        copy->events[to++] = join(&story->events[i], middle);
        i += middle;
        for (size_t k = 0; k < at_ends; k++)
            copy->events[to++] = story->events[i++];
    }
    copy->event_count = to;
    *ret_story = copy;
    return 0;
}
