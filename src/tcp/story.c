/* Growing a story. Events stay in the order of their times: each is inserted behind the
 * last one that is not later, which is nearly always the end. */
#include "tcp/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/utf.h"
#include "base/visible.h"
#include "capture/decode.h"
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

/* Learns an end's initial number: from its SYN; failing that from the first number seen
 * of it, taken for the first byte after a SYN. A reset's numbers teach nothing: one that
 * answers a SYN has 0 (RFC 9293, 3.5.2). */
static void learn_isn(struct story *story, enum place from, const struct segment *segment)
{
    enum place other = from == PLACE_CLIENT ? PLACE_SERVER : PLACE_CLIENT;
    if (segment->flags & TCP_RST)
        return;
    if (!story->isn_known[from]) {
        story->isn[from] = segment->flags & TCP_SYN ? segment->seq : segment->seq - 1;
        story->isn_known[from] = true;
    }
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

/* The beginning of a payload that reads as text, UTF-16LE as the article sends it or
 * UTF-8. */
static void preview(const struct segment *segment, char *text, size_t size)
{
    enum { LOOK = 64 };
    size_t length = segment->payload_captured < LOOK ? segment->payload_captured : LOOK;
    const uint8_t *bytes = segment->payload;
    char decoded[4 * LOOK], shown[8 * LOOK];
    struct buffer utf8, visible;
    struct utf16_faults faults = {0};

    if (length == 0)
        return;
    buffer_init_fixed(&utf8, decoded, sizeof decoded);
    buffer_init_fixed(&visible, shown, sizeof shown);
    if (length >= 2 && length % 2 == 0 &&
        (!utf8_valid(bytes, length) || memchr(bytes, 0, length))) {
        while (length >= 2 && bytes[length - 1] == 0 && bytes[length - 2] == 0)
            length -= 2;
        if (utf16le_to_utf8(bytes, length, &utf8, &faults) || faults.lone_surrogates)
            return;
    } else if (!utf8_valid(bytes, length) || memchr(bytes, 0, length)) {
        return;
    } else {
        while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
            length--;
        buffer_append(&utf8, bytes, length);
    }
    if (visible_append(&visible, utf8.bytes, utf8.length) || visible.length == 0)
        return;
    size_t room = size - 1;
    if (visible.length <= room) {
        memcpy(text, visible.bytes, visible.length + 1);
        return;
    }
    static const char ellipsis[] = "…";
    size_t cut = room - (sizeof ellipsis - 1);
    while (cut > 0 && ((unsigned char)visible.bytes[cut] & 0xc0) == 0x80)
        cut--;
    memcpy(text, visible.bytes, cut);
    memcpy(text + cut, ellipsis, sizeof ellipsis);
}

struct event *story_add_packet(struct story *story, int64_t sent_ns, enum place from,
                               uint64_t number, const struct segment *segment)
{
    enum place other = from == PLACE_CLIENT ? PLACE_SERVER : PLACE_CLIENT;

    learn_isn(story, from, segment);
    struct event_packet packet = {
        .number = number,
        .from = from,
        .flags = segment->flags,
        .seq = relative(story, from, segment->seq),
        .has_ack = segment->flags & TCP_ACK,
        .ack = segment->flags & TCP_ACK ? relative(story, other, segment->ack) : 0,
        .bytes = segment->payload_bytes,
        .window = segment->window,
        .sent_ns = sent_ns,
        .received_ns = UNSEEN_NS,
        .fate = FATE_DELIVERED,
    };
    packet.retransmission = sent_before(story, &packet);
    preview(segment, packet.text, sizeof packet.text);

    struct event *event = insert(story, sent_ns);
    if (!event)
        return NULL;
    event->kind = EVENT_PACKET;
    event->place = PLACE_WIRE;
    event->packet = packet;
    return event;
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
