#include "tcp/keep.h"

#include "base/error.h"
#include "capture/decode.h"
#include "tcp/tracker.h"

enum {
    OPENING_EVENTS = 24, /* all are kept up to here */
    CLOSING_EVENTS = 32, /* room left for FINs, resets and their states */
    MIDDLE_EVENTS = TRACKER_EVENTS_MAX - CLOSING_EVENTS
};

static bool opens_or_closes(const struct event_packet *packet)
{
    return packet->flags & (TCP_SYN | TCP_FIN | TCP_RST);
}

/* A packet that a run may swallow afterwards. */
static bool is_plain(const struct event *event)
{
    return event->kind == EVENT_PACKET && !opens_or_closes(&event->packet) &&
           !event->packet.notable;
}

static void add_to_run(struct event_run *run, const struct event_packet *packet)
{
    run->last = packet->number;
    run->packets[packet->from]++;
    run->bytes[packet->from] += packet->bytes;
    if (packet->sent_ns > run->last_ns)
        run->last_ns = packet->sent_ns;
}

static void make_run(struct event *event)
{
    struct event_packet packet = event->packet;
    event->kind = EVENT_RUN;
    event->run = (struct event_run){.first = packet.number, .last_ns = packet.sent_ns};
    add_to_run(&event->run, &packet);
}

int keep_packet(struct story *story, const struct event_packet *packet,
                const struct segment *segment, bool notable)
{
    size_t count = story->event_count;
    struct event *last = count ? &story->events[count - 1] : NULL;
    bool closing = opens_or_closes(packet) && count < TRACKER_EVENTS_MAX;
    bool single = closing || count < OPENING_EVENTS || (notable && count < MIDDLE_EVENTS);

    if (!single && last && (last->kind == EVENT_RUN || is_plain(last))) {
        if (last->kind != EVENT_RUN)
            make_run(last);
        add_to_run(&last->run, packet);
        return 0;
    }
    /* The bound holds whatever comes: a full story's last event becomes a run. */
    if (count >= TRACKER_EVENTS_MAX && last) {
        if (last->kind == EVENT_PACKET)
            make_run(last);
        if (last->kind == EVENT_RUN)
            add_to_run(&last->run, packet);
        return 0;
    }
    struct event *event = story_add_read(story, packet->sent_ns, packet, segment);
    if (!event)
        return ERROR_MEMORY;
    event->packet.notable = notable;
    return 0;
}
