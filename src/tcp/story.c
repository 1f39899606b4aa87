/* Growing a story. Events stay in the order of their times: each is inserted behind the
 * last one that is not later, which is nearly always the end. */
#include "tcp/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "capture/decode.h"
#include "tcp/numbers.h"
#include "tcp/preview.h"

int story_new(uint32_t id, const struct endpoint *client, const struct endpoint *server,
              struct story **ret_story)
{
    struct story *story = calloc(1, sizeof *story);
    if (!story)
        return ERROR_MEMORY;
    story->id = id;
    story->client = *client;
    story->server = *server;
    *ret_story = story;
    return 0;
}

int story_copy(const struct story *story, struct story **ret_story)
{
    size_t bytes = story->event_count * sizeof *story->events;
    struct story *copy = malloc(sizeof *copy);
    struct event *events = malloc(bytes ? bytes : 1);
    if (!copy || !events) {
        free(copy);
        free(events);
        return ERROR_MEMORY;
    }
    *copy = *story;
    copy->events = events;
    copy->event_capacity = story->event_count;
    if (bytes)
        memcpy(events, story->events, bytes);
    *ret_story = copy;
    return 0;
}

void story_free(struct story **story)
{
    if (!*story)
        return;
    free((*story)->events);
    free(*story);
    *story = NULL;
}

static struct event *insert(struct story *story, int64_t t_ns)
{
    if (story->event_count == story->event_capacity) {
        size_t capacity = story->event_capacity ? 2 * story->event_capacity : 64;
        struct event *events = realloc(story->events, capacity * sizeof *events);
        if (!events)
            return NULL;
        story->events = events;
        story->event_capacity = capacity;
    }
    size_t place = story->event_count++;
    while (place > 0 && story->events[place - 1].t_ns > t_ns) {
        story->events[place] = story->events[place - 1];
        place--;
    }
    struct event *event = &story->events[place];
    memset(event, 0, sizeof *event);
    event->t_ns = t_ns;
    return event;
}

struct event *story_add_call(struct story *story, int64_t t_ns, enum place place,
                             const struct event_call *call)
{
    struct event *event = insert(story, t_ns);
    if (!event)
        return NULL;
    event->kind = EVENT_CALL;
    event->place = place;
    event->call = *call;
    return event;
}

struct event *story_add_state(struct story *story, int64_t t_ns, enum place place,
                              enum tcp_state state, enum standing standing)
{
    struct event *event = insert(story, t_ns);
    if (!event)
        return NULL;
    event->kind = EVENT_STATE;
    event->place = place;
    event->state = (struct event_state){.state = state, .standing = standing};
    return event;
}

void story_shift(struct story *story, enum place whose, uint32_t shift)
{
    for (size_t i = 0; shift && i < story->event_count; i++) {
        struct event_packet *packet = &story->events[i].packet;
        if (story->events[i].kind != EVENT_PACKET)
            continue;
        if (packet->from == whose)
            packet->seq += shift;
        else if (packet->has_ack)
            packet->ack += shift;
    }
}

static struct event *insert_packet(struct story *story, int64_t t_ns,
                                   const struct event_packet *packet)
{
    struct event *event = insert(story, t_ns);
    if (!event)
        return NULL;
    event->kind = EVENT_PACKET;
    event->place = PLACE_WIRE;
    event->packet = *packet;
    return event;
}

struct event *story_add_read(struct story *story, int64_t t_ns,
                             const struct event_packet *packet,
                             const struct segment *segment)
{
    struct event_packet whole = *packet;
    preview_payload(segment, whole.text, sizeof whole.text);
    return insert_packet(story, t_ns, &whole);
}

struct event *story_add_packet(struct story *story, int64_t sent_ns, enum place from,
                               uint64_t number, const struct segment *segment)
{
    uint32_t shift = numbers_learn(&story->numbers, from, segment);
    story_shift(story, from, shift);
    struct event_packet packet = {0};
    numbers_read(&story->numbers, from, number, segment, &packet);
    packet.sent_ns = sent_ns;
    preview_payload(segment, packet.text, sizeof packet.text);
    return insert_packet(story, sent_ns, &packet);
}

struct event *story_add_unsent(struct story *story, int64_t received_ns, enum place from,
                               uint64_t number, const struct segment *segment,
                               enum fate fate)
{
    struct event_packet packet = {0};
    numbers_read_unsent(&story->numbers, from, number, segment, &packet);
    packet.received_ns = received_ns;
    packet.fate = fate;
    preview_payload(segment, packet.text, sizeof packet.text);
    return insert_packet(story, received_ns, &packet);
}

struct event *story_find_packet(struct story *story, uint64_t number)
{
    for (size_t i = story->event_count; i > 0; i--) {
        struct event *event = &story->events[i - 1];
        if (event->kind == EVENT_PACKET && event->packet.number == number &&
            event->packet.fate != FATE_DUPLICATED)
            return event;
    }
    return NULL;
}
