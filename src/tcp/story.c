/* Growing a story. Events stay in the order of their times: each is inserted behind the
 * last one that is not later, which is nearly always the end. */
#include "tcp/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "capture/decode.h"
#include "tcp/preview.h"
#include "tcp/seq.h"

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

/* An end's SYN came after numbers of it were guessed (old segments of a connection that
 * one end has forgotten; a capture that has the SYN late): the SYN's own number is 0, and
 * what was guessed moves with it. */
static void correct_isn(struct story *story, enum place whose, uint32_t isn)
{
    uint32_t shift = story->isn[whose] - isn;
    if (shift == 0)
        return;
    story->isn[whose] = isn;
    story->sent_end[whose] = 0;
    for (size_t i = 0; i < story->event_count; i++) {
        struct event_packet *packet = &story->events[i].packet;
        if (story->events[i].kind != EVENT_PACKET)
            continue;
        if (packet->from == whose)
            packet->seq += shift;
        else if (packet->has_ack)
            packet->ack += shift;
    }
}

/* Learns an end's initial number: from its SYN; until that is seen from the first number
 * seen of it, taken for the first byte after a SYN. A reset's numbers teach nothing: one
 * that answers a SYN has 0 (RFC 9293, 3.5.2). */
static void learn_isn(struct story *story, enum place from, const struct segment *segment)
{
    enum place other = place_other(from);
    bool syn = segment->flags & TCP_SYN;
    if (segment->flags & TCP_RST)
        return;
    if (!story->isn_known[from]) {
        story->isn[from] = syn ? segment->seq : segment->seq - 1;
        story->isn_known[from] = true;
    } else if (syn && !story->isn_of_syn[from]) {
        correct_isn(story, from, segment->seq);
    }
    if (syn)
        story->isn_of_syn[from] = true;
    if ((segment->flags & TCP_ACK) && !story->isn_known[other]) {
        story->isn[other] = segment->ack - 1;
        story->isn_known[other] = true;
    }
}

static uint32_t relative(const struct story *story, enum place whose, uint32_t number)
{
    return story->isn_known[whose] ? number - story->isn[whose] : 0;
}

/* Sequence numbers a packet takes: its bytes, and one each for SYN and FIN. */
static uint32_t packet_length(const struct event_packet *packet)
{
    return packet->bytes + !!(packet->flags & TCP_SYN) + !!(packet->flags & TCP_FIN);
}

/* Whether all the packet's numbers were sent before; and remembers how far they reach. */
static bool sent_before(struct story *story, const struct event_packet *packet)
{
    uint32_t end = packet->seq + packet_length(packet);
    if (end == packet->seq || (packet->flags & TCP_RST))
        return false;
    if (seq_at_or_after(story->sent_end[packet->from], end))
        return true;
    story->sent_end[packet->from] = end;
    return false;
}

static struct event_packet read_segment(const struct story *story, enum place from,
                                        uint64_t number, const struct segment *segment)
{
    enum place other = place_other(from);
    bool has_ack = segment->flags & TCP_ACK;
    struct event_packet packet = {
        .number = number,
        .from = from,
        .flags = segment->flags,
        .seq = relative(story, from, segment->seq),
        .has_ack = has_ack,
        .ack = has_ack ? relative(story, other, segment->ack) : 0,
        .bytes = segment->payload_bytes,
        .window = segment->window,
        .sent_ns = UNSEEN_NS,
        .received_ns = UNSEEN_NS,
        .fate = FATE_DELIVERED,
    };
    preview_payload(segment, packet.text, sizeof packet.text);
    return packet;
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

struct event *story_add_packet(struct story *story, int64_t sent_ns, enum place from,
                               uint64_t number, const struct segment *segment)
{
    learn_isn(story, from, segment);
    struct event_packet packet = read_segment(story, from, number, segment);
    packet.sent_ns = sent_ns;
    packet.retransmission = sent_before(story, &packet);
    return insert_packet(story, sent_ns, &packet);
}

struct event *story_add_unsent(struct story *story, int64_t received_ns, enum place from,
                               uint64_t number, const struct segment *segment,
                               enum fate fate)
{
    struct event_packet packet = read_segment(story, from, number, segment);
    packet.received_ns = received_ns;
    packet.fate = fate;
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
