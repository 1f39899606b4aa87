#include "lab/sight.h"

#include <string.h>

#include "capture/decode.h"

struct sight sight_of(const struct event *event, int story)
{
    struct sight sight = {.story = story, .t_ns = event->t_ns, .place = event->place};
    switch (event->kind) {
    case EVENT_PACKET:
        sight.kind = SIGHT_PACKET;
        sight.number = event->packet.number;
        break;
    case EVENT_STATE:
        sight.kind = SIGHT_STATE;
        sight.state = event->state.state;
        break;
    case EVENT_CALL:
        sight.kind = SIGHT_CALL;
        sight.call = event->call.call;
        break;
    case EVENT_RUN: break;
    }
    return sight;
}

bool sight_equal(const struct sight *a, const struct sight *b)
{
    if (a->kind != b->kind || a->story != b->story)
        return false;
    switch (a->kind) {
    case SIGHT_PACKET: return a->number == b->number;
    case SIGHT_STATE:
        return a->place == b->place && a->state == b->state && a->t_ns == b->t_ns;
    case SIGHT_CALL: return a->call == b->call;
    case SIGHT_NONE: break;
    }
    return false;
}

/* Flags and payload alone. */
static bool is_kind(const struct lab_packet *packet, enum place from, uint8_t flags,
                    uint32_t bytes)
{
    if (packet->from != PLACE_WIRE && packet->from != from)
        return false;
    if ((flags & packet->has) != packet->has || (flags & packet->lacks))
        return false;
    if ((packet->empty && bytes) || (packet->filled && !bytes))
        return false;
    return packet->bytes < 0 || packet->bytes == bytes;
}

/* `relative` counts from the first number of `owner`, whose letter that is. */
static bool is_number(const struct lab_number *number, const struct story *story,
                      enum place owner, uint32_t relative)
{
    if (!number->given)
        return true;
    if (number->base == 0)
        return story->numbers.isn[owner] + relative == (uint32_t)number->offset;
    return number->base == (owner == PLACE_CLIENT ? 'j' : 'k') &&
           relative == (uint32_t)number->offset;
}

bool sight_is_packet(const struct lab_packet *packet, const struct story *story,
                     const struct event *event)
{
    const struct event_packet *seen = &event->packet;
    if (event->kind != EVENT_PACKET || seen->fate == FATE_INJECTED ||
        seen->fate == FATE_DUPLICATED)
        return false;
    if (!is_kind(packet, seen->from, seen->flags, seen->bytes))
        return false;
    if (packet->again && !seen->retransmission)
        return false;
    if (packet->lost && seen->fate != FATE_LOST)
        return false;
    if (packet->window >= 0 && packet->window != seen->window)
        return false;
    if (packet->text && strcmp(packet->text, seen->text) != 0)
        return false;
    if (packet->ack.given && !seen->has_ack)
        return false;
    return is_number(&packet->seq, story, seen->from, seen->seq) &&
           is_number(&packet->ack, story, place_other(seen->from), seen->ack);
}

bool sight_is_segment(const struct lab_packet *packet, enum place from,
                      const struct segment *segment)
{
    if (!is_kind(packet, from, segment->flags, segment->payload_bytes))
        return false;
    if (packet->window >= 0 && packet->window != segment->window)
        return false;
    size_t length = packet->text ? strlen(packet->text) : 0;
    return !packet->text || (segment->payload_captured == length &&
                             memcmp(segment->payload, packet->text, length) == 0);
}

bool sight_is_state(const struct lab_evidence *evidence, const struct event *event)
{
    return event->kind == EVENT_STATE && event->place == evidence->socket.place &&
           event->state.state == evidence->state;
}

enum tcp_state sight_last_state(const struct story *story, enum place place)
{
    for (size_t i = story->event_count; i > 0; i--) {
        const struct event *event = &story->events[i - 1];
        if (event->kind == EVENT_STATE && event->place == place)
            return event->state.state;
    }
    return STATE_NONE;
}
