/* Weaving moments into stories: sorted by time, each to the connection it belongs to. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "wire/moment.h"

enum { NO_STORY = -1, WAITING_MAX = 4096 };

/* The newest story of a four-tuple. */
static long find_story(const struct record *record, const struct endpoint *client,
                       const struct endpoint *server)
{
    for (size_t i = record->story_count; i > 0; i--) {
        const struct story *story = record->stories[i - 1].story;
        if (endpoint_equal(&story->client, client) &&
            endpoint_equal(&story->server, server))
            return (long)(i - 1);
    }
    return NO_STORY;
}

static long begin_story(struct record *record, const struct endpoint *client,
                        const struct endpoint *server)
{
    struct story *story;
    if (GROW(record, stories, story))
        return NO_STORY;
    if (story_new((uint32_t)record->story_count + 1, client, server, &story)) {
        record->failed = ERROR_MEMORY;
        return NO_STORY;
    }
    record->stories[record->story_count] = (struct record_story){.story = story};
    return (long)record->story_count++;
}

static long find_or_begin_story(struct record *record, const struct endpoint *client,
                                const struct endpoint *server)
{
    long story = find_story(record, client, server);
    return story == NO_STORY ? begin_story(record, client, server) : story;
}

static void apply_call(struct record *record, const struct moment *moment, long story)
{
    struct event_call call = {.name = moment->call.name,
                              .returns = moment->call.returns,
                              .call = moment->call.call,
                              .result = moment->call.result};
    if (!story_add_call(record->stories[story].story, moment->t_ns, moment->place, &call))
        record->failed = ERROR_MEMORY;
}

/* Waiting calls found their story: the call's other half (0: of none), and the calls on the
 * socket (0: on none). */
static void claim_waiting(struct record *record, long story, uint32_t call,
                          uint64_t inode)
{
    size_t kept = 0;
    for (size_t i = 0; i < record->waiting_count; i++) {
        const struct moment *moment = &record->waiting[i];
        if (moment->call.call == call || (inode && moment->call.inode == inode))
            apply_call(record, moment, story);
        else
            record->waiting[kept++] = *moment;
    }
    record->waiting_count = kept;
}

static void bind_inode(struct record *record, uint64_t inode, long story)
{
    if (inode == 0 || story == NO_STORY)
        return;
    claim_waiting(record, story, 0, inode);
    for (size_t i = 0; i < record->binding_count; i++) {
        if (record->bindings[i].inode == inode) {
            record->bindings[i].story = (size_t)story;
            return;
        }
    }
    if (GROW(record, bindings, binding) == 0)
        record->bindings[record->binding_count++] =
            (struct record_binding){.inode = inode, .story = (size_t)story};
}

static long story_of_inode(const struct record *record, uint64_t inode)
{
    for (size_t i = 0; i < record->binding_count; i++)
        if (record->bindings[i].inode == inode)
            return (long)record->bindings[i].story;
    return NO_STORY;
}

static bool is_waiting(const struct record *record, uint32_t call)
{
    for (size_t i = 0; i < record->waiting_count; i++)
        if (record->waiting[i].call.call == call)
            return true;
    return false;
}

/* Whether an endpoint is one of a connection: a socket whose connect failed has lost its
 * address, and perhaps its port. */
static bool is_connected(const struct endpoint *endpoint)
{
    static const uint8_t none[sizeof endpoint->address];
    return endpoint->port && memcmp(endpoint->address, none, sizeof none) != 0;
}

/* Which story a call belongs to, if that is known by now. A connect is told by what comes
 * of it: its socket may have been another connection's before. */
static long story_of_call(struct record *record, const struct moment *moment)
{
    const struct record_call *call = &moment->call;
    const struct endpoint *client =
        moment->place == PLACE_CLIENT ? &call->local : &call->peer;
    const struct endpoint *server =
        moment->place == PLACE_CLIENT ? &call->peer : &call->local;
    bool connects = strcmp(call->name, "connect") == 0;
    long story;

    if (connects && !call->returns)
        return NO_STORY;
    if (call->has_ends && is_connected(&call->local))
        story = find_or_begin_story(record, client, server);
    else if (connects && is_waiting(record, call->call))
        story = begin_story(record, client, server); /* it failed, and nothing was seen */
    else
        return story_of_inode(record, call->inode);
    bind_inode(record, call->new_inode ? call->new_inode : call->inode, story);
    return story;
}

static void forget_waiting(struct record *record, uint32_t call)
{
    size_t kept = 0;
    for (size_t i = 0; i < record->waiting_count; i++)
        if (record->waiting[i].call.call != call)
            record->waiting[kept++] = record->waiting[i];
    record->waiting_count = kept;
}

static void wait_for_story(struct record *record, const struct moment *moment)
{
    if (record->waiting_count == WAITING_MAX) {
        memmove(record->waiting, record->waiting + 1,
                (WAITING_MAX - 1) * sizeof *record->waiting);
        record->waiting_count--;
    }
    if (GROW(record, waiting, waiting) == 0)
        record->waiting[record->waiting_count++] = *moment;
}

static void flush_call(struct record *record, const struct moment *moment)
{
    const struct record_call *call = &moment->call;
    long story = story_of_call(record, moment);
    if (story != NO_STORY) {
        claim_waiting(record, story, call->call, 0);
        apply_call(record, moment, story);
    } else if (call->returns && strcmp(call->name, "accept") == 0) {
        forget_waiting(record, call->call); /* it failed: it is no connection's */
    } else {
        wait_for_story(record, moment);
    }
}

static bool begins_anew(const struct record_story *known, const struct moment *moment)
{
    const struct segment *segment = &moment->packet.segment;
    bool again = known->story->numbers.known[PLACE_CLIENT] &&
                 known->story->numbers.isn[PLACE_CLIENT] == segment->seq;
    /* The same SYN sent once more belongs to its connection; one slipped in behind the end
     * begins what its sender knows nothing of. */
    return known->ending && moment->place == PLACE_CLIENT &&
           (segment->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
           known->story->numbers.known[PLACE_CLIENT] &&
           (!again || moment->packet.fate == FATE_INJECTED);
}

/* The story a packet belongs to, begun where it is the first. A copy belongs to its
 * original's: its four-tuple may have been used again since. */
static long story_of_packet(struct record *record, const struct moment *moment)
{
    const struct segment *segment = &moment->packet.segment;
    bool from_client = moment->place == PLACE_CLIENT;
    const struct endpoint *client =
        from_client ? &segment->source : &segment->destination;
    const struct endpoint *server =
        from_client ? &segment->destination : &segment->source;
    uint64_t id = moment->packet.id;

    if (moment->packet.fate == FATE_DUPLICATED && id < record->packet_count &&
        record->packets[id].number)
        return (long)record->packets[id].story;
    long story = find_story(record, client, server);
    if (story == NO_STORY || begins_anew(&record->stories[story], moment))
        story = begin_story(record, client, server);
    return story;
}

/* The number of a packet of that story: a new one, or a copy's original's. */
static uint64_t number_packet(struct record *record, uint64_t id, long story)
{
    while (record->packet_count <= id) {
        if (GROW(record, packets, packet))
            return 0;
        record->packets[record->packet_count++] = (struct record_packet){0};
    }
    struct record_packet *packet = &record->packets[id];
    if (!packet->number)
        *packet =
            (struct record_packet){.story = (size_t)story, .number = ++record->numbers};
    return packet->number;
}

/* A server that had to forget a connection answers its SYN anew, with another number: that
 * one is k from then on, and what came before it the exception. */
static void begin_numbers_anew(struct record_story *known, const struct moment *moment)
{
    struct numbers *numbers = &known->story->numbers;
    const struct segment *segment = &moment->packet.segment;
    bool syn_ack = (segment->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
    if (known->ending && syn_ack && moment->kind == MOMENT_SENT &&
        numbers->isn[moment->place] != segment->seq)
        numbers->of_syn[moment->place] = false;
}

/* A segment that a host has sent, or that arrived and none had. */
static void add_segment(struct record *record, struct moment *moment)
{
    struct segment *segment = &moment->packet.segment;
    long index = story_of_packet(record, moment);
    if (index == NO_STORY)
        return;
    struct record_story *known = &record->stories[index];
    uint64_t number = number_packet(record, moment->packet.id, index);
    if (number == 0)
        return;
    if (segment->flags & (TCP_FIN | TCP_RST))
        known->ending = true;
    begin_numbers_anew(known, moment);
    segment->payload = moment->packet.payload;
    const struct event *event =
        moment->kind == MOMENT_SENT
            ? story_add_packet(known->story, moment->t_ns, moment->place, number, segment)
            : story_add_unsent(known->story, moment->t_ns, moment->place, number, segment,
                               moment->packet.fate);
    if (!event)
        record->failed = ERROR_MEMORY;
}

static void flush_fate(struct record *record, const struct moment *moment)
{
    if (moment->packet.id >= record->packet_count ||
        !record->packets[moment->packet.id].number)
        return;
    const struct record_packet *packet = &record->packets[moment->packet.id];
    struct event *event =
        story_find_packet(record->stories[packet->story].story, packet->number);
    if (!event)
        return;
    event->packet.received_ns = moment->kind == MOMENT_LOST ? UNSEEN_NS : moment->t_ns;
    event->packet.fate = moment->kind == MOMENT_LOST ? FATE_LOST : moment->packet.fate;
}

/* What the kernel said, as this connection's state. Knowing no such connection means
 * CLOSED, but where a listener stands ready and nothing of the connection was seen yet:
 * LISTEN. */
static enum tcp_state settle_state(enum tcp_state last, enum tcp_state answered)
{
    if (answered != STATE_LISTEN)
        return answered;
    return last == STATE_NONE || last == STATE_LISTEN ? STATE_LISTEN : STATE_CLOSED;
}

static void flush_state(struct record *record, const struct moment *moment)
{
    const struct diag_answer *answer = &moment->state.answer;
    bool has_socket = answer->inode && answer->state != STATE_LISTEN;
    long index =
        has_socket
            ? find_or_begin_story(record, &moment->state.client, &moment->state.server)
            : find_story(record, &moment->state.client, &moment->state.server);
    if (index == NO_STORY)
        return;
    if (has_socket)
        bind_inode(record, answer->inode, index);
    struct record_story *known = &record->stories[index];
    enum tcp_state state = settle_state(known->last[moment->place], answer->state);
    if (state == known->last[moment->place])
        return;
    known->last[moment->place] = state;
    if (!story_add_state(known->story, moment->t_ns, moment->place, state,
                         STANDING_OBSERVED))
        record->failed = ERROR_MEMORY;
}

static void flush_moment(struct record *record, struct moment *moment)
{
    switch (moment->kind) {
    case MOMENT_CALL: flush_call(record, moment); break;
    case MOMENT_SENT: add_segment(record, moment); break;
    case MOMENT_RECEIVED:
        if (moment->packet.has_segment)
            add_segment(record, moment);
        else
            flush_fate(record, moment);
        break;
    case MOMENT_LOST: flush_fate(record, moment); break;
    case MOMENT_STATE: flush_state(record, moment); break;
    }
}

/* Ties keep their order, but that a packet comes before what its sending shows: the story
 * that a SYN begins has the state of that moment. */
static int by_time(const void *a, const void *b)
{
    const struct moment *left = a, *right = b;
    if (left->t_ns != right->t_ns)
        return left->t_ns < right->t_ns ? -1 : 1;
    if ((left->kind == MOMENT_SENT) != (right->kind == MOMENT_SENT))
        return left->kind == MOMENT_SENT ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

int record_flush(struct record *record, bool *ret_grown)
{
    pthread_mutex_lock(&record->lock);
    struct moment *moments = record->moments;
    size_t count = record->moment_count;
    record->moments = NULL;
    record->moment_count = record->moment_capacity = 0;
    pthread_mutex_unlock(&record->lock);

    if (count > 1)
        qsort(moments, count, sizeof *moments, by_time);
    for (size_t i = 0; i < count; i++)
        flush_moment(record, &moments[i]);
    free(moments);
    *ret_grown = count > 0;
    return record->failed;
}

size_t record_story_count(const struct record *record)
{
    return record->story_count;
}

struct story *record_story(const struct record *record, size_t index)
{
    return record->stories[index].story;
}
