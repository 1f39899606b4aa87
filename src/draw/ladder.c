/* From events to rows. Every event is one moment, a packet two: its sending and its
 * arrival. The moments of all stories are put in the order of time, and each either joins
 * the last row or begins a new one. Only the last row is ever looked at or changed: hence
 * the promise that the first rows stay as they are while the stories grow. */
#include "draw/ladder.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/join.h"
#include "draw/label.h"
#include "draw/words.h"

struct moment {
    int64_t t_ns;
    int story;
    size_t event;
    bool receiving; /* of a packet: its arrival */
};

/* A ladder in the making. */
struct making {
    struct ladder *ladder;
    const struct words *words;
    struct moment *moments;
    size_t moment_count;
    uint32_t *call_numbers; /* by index into ladder->calls: struct event_call's */
    int *packet_of
        [LADDER_STORIES_MAX]; /* by story and event: index into ladder->packets */
    int state_of[LADDER_STORIES_MAX][2]; /* by story and side: the state it is in */
    bool level[LADDER_STORIES_MAX];
};

/* Whether everything known of a story could be known at one place on the wire. */
static bool seen_from_one_place(const struct story *story)
{
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_CALL)
            return false;
        if (event->kind == EVENT_STATE && event->state.standing != STANDING_INFERRED)
            return false;
        if (event->kind == EVENT_PACKET && (event->packet.received_ns != UNSEEN_NS ||
                                            event->packet.fate != FATE_DELIVERED))
            return false;
    }
    return true;
}

/* The event a copy was made of, or `event` itself: the wire gives a copy its original's
 * number. */
static size_t original_of(const struct story *story, size_t event)
{
    const struct event_packet *packet = &story->events[event].packet;
    if (packet->fate != FATE_DUPLICATED)
        return event;
    for (size_t i = 0; i < event; i++)
        if (story->events[i].kind == EVENT_PACKET &&
            story->events[i].packet.number == packet->number &&
            story->events[i].packet.from == packet->from)
            return i;
    return event;
}

static int by_time(const void *a, const void *b)
{
    const struct moment *left = a, *right = b;
    if (left->t_ns != right->t_ns)
        return left->t_ns < right->t_ns ? -1 : 1;
    if (left->story != right->story)
        return left->story - right->story;
    if (left->event != right->event)
        return left->event < right->event ? -1 : 1;
    return left->receiving - right->receiving;
}

static void collect_story(struct making *making, int index)
{
    const struct story *story = making->ladder->stories[index];
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        struct moment moment = {.t_ns = event->t_ns, .story = index, .event = i};
        if (event->kind != EVENT_PACKET) {
            making->moments[making->moment_count++] = moment;
            continue;
        }
        moment.t_ns = event->packet.sent_ns;
        if (moment.t_ns != UNSEEN_NS && original_of(story, i) == i)
            making->moments[making->moment_count++] = moment;
        moment.t_ns = event->packet.received_ns;
        moment.receiving = true;
        if (moment.t_ns != UNSEEN_NS)
            making->moments[making->moment_count++] = moment;
    }
}

static const struct event *event_of(const struct making *making,
                                    const struct moment *moment)
{
    return &making->ladder->stories[moment->story]->events[moment->event];
}

/* The last row, where the moment is of the same story and near enough; or null. */
static struct ladder_row *same_moment(const struct making *making,
                                      const struct moment *moment)
{
    const struct ladder *ladder = making->ladder;
    if (ladder->row_count == 0)
        return NULL;
    struct ladder_row *row = &ladder->rows[ladder->row_count - 1];
    return row->story == moment->story && moment->t_ns - row->t_ns <= LADDER_MOMENT_NS
               ? row
               : NULL;
}

/* --- rows --- */

/* When the last of a row was seen: a run of packets has a length. */
static int64_t ended_ns(const struct ladder *ladder, const struct ladder_row *row)
{
    const struct event_run *run =
        row->packet == LADDER_NONE ? NULL : ladder->packets[row->packet].run;
    return run && run->last_ns > row->t_ns ? run->last_ns : row->t_ns;
}

static struct ladder_row *new_row(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    struct ladder_row *row = &ladder->rows[ladder->row_count];
    struct ladder_side nothing = {.state = LADDER_NONE, .call = LADDER_NONE};
    *row = (struct ladder_row){.story = moment->story,
                               .t_ns = moment->t_ns,
                               .packet = LADDER_NONE,
                               .side = {nothing, nothing}};
    if (ladder->row_count == 0)
        ladder->start_ns = moment->t_ns;
    else if (moment->t_ns - ended_ns(ladder, row - 1) > LADDER_BREAK_NS)
        row->silence_ns = moment->t_ns - ended_ns(ladder, row - 1);
    ladder->row_count++;
    return row;
}

static int index_of(const struct ladder *ladder, const struct ladder_row *row)
{
    return (int)(row - ladder->rows);
}

static int new_packet(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    const struct story *story = ladder->stories[moment->story];
    int index = (int)ladder->packet_count++;
    struct ladder_packet *packet = &ladder->packets[index];
    size_t original = original_of(story, moment->event);
    *packet = (struct ladder_packet){.story = moment->story,
                                     .packet = event_of(making, moment)->packet,
                                     .sent_row = LADDER_NONE,
                                     .received_row = LADDER_NONE,
                                     .level = making->level[moment->story],
                                     .copy = original != moment->event};
    if (packet->copy && making->packet_of[moment->story][original] != LADDER_NONE)
        packet->sent_row =
            ladder->packets[making->packet_of[moment->story][original]].sent_row;
    making->packet_of[moment->story][moment->event] = index;
    return index;
}

static void add_packet(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    enum place from = event_of(making, moment)->packet.from;
    int packet = making->packet_of[moment->story][moment->event];
    if (packet == LADDER_NONE)
        packet = new_packet(making, moment);
    struct ladder_row *row = same_moment(making, moment);
    if (!row || moment->receiving || !join_sending(ladder, row, from))
        row = new_row(making, moment);
    row->packet = packet;
    if (moment->receiving) {
        row->packet_received = true;
        ladder->packets[packet].received_row = index_of(ladder, row);
    } else {
        row->packet_sent = true;
        ladder->packets[packet].sent_row = index_of(ladder, row);
    }
}

/* The way that most of its payload went, or without any most of its packets. */
static enum place way_of(const struct event_run *run)
{
    uint64_t client = run->bytes[PLACE_CLIENT], server = run->bytes[PLACE_SERVER];
    if (client == server) {
        client = run->packets[PLACE_CLIENT];
        server = run->packets[PLACE_SERVER];
    }
    return server > client ? PLACE_SERVER : PLACE_CLIENT;
}

/* A run is one arrow, level. */
static void add_run(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    const struct event_run *run = &event_of(making, moment)->run;
    enum place from = way_of(run);
    struct ladder_row *row = new_row(making, moment);
    row->packet = (int)ladder->packet_count++;
    row->packet_sent = true;
    ladder->packets[row->packet] =
        (struct ladder_packet){.story = moment->story,
                               .packet = {.number = run->first,
                                          .from = from,
                                          .sent_ns = moment->t_ns,
                                          .received_ns = UNSEEN_NS},
                               .sent_row = index_of(ladder, row),
                               .received_row = LADDER_NONE,
                               .level = true,
                               .run = run};
}

/* A listener is one for all connections to its port: the first story tells of it. */
static bool listener_shown(const struct making *making, int story)
{
    const struct ladder *ladder = making->ladder;
    for (size_t i = 0; i < ladder->state_count; i++) {
        const struct ladder_state *state = &ladder->states[i];
        if (state->state == STATE_LISTEN && state->story != story &&
            endpoint_equal(&ladder->stories[state->story]->server,
                           &ladder->stories[story]->server))
            return true;
    }
    return false;
}

static void add_state(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    const struct event *event = event_of(making, moment);
    int *current = &making->state_of[moment->story][event->place];
    enum tcp_state before =
        *current == LADDER_NONE ? STATE_NONE : ladder->states[*current].state;
    if (event->state.state == before) /* seen again, nothing new */
        return;
    if (event->state.state == STATE_LISTEN && listener_shown(making, moment->story))
        return;
    struct ladder_row *row = same_moment(making, moment);
    if (!row || !join_state(ladder, row, event->place, event->state.state))
        row = new_row(making, moment);
    if (*current != LADDER_NONE)
        ladder->states[*current].to_row = index_of(ladder, row);
    *current = (int)ladder->state_count++;
    ladder->states[*current] = (struct ladder_state){.story = moment->story,
                                                     .side = event->place,
                                                     .state = event->state.state,
                                                     .standing = event->state.standing,
                                                     .from_row = index_of(ladder, row),
                                                     .to_row = LADDER_NONE};
    row->side[event->place].state = *current;
}

static int new_call(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    const struct event *event = event_of(making, moment);
    int index = (int)ladder->call_count++;
    making->call_numbers[index] = event->call.call;
    ladder->calls[index] = (struct ladder_call){.story = moment->story,
                                                .side = event->place,
                                                .name = event->call.name,
                                                .enter_row = LADDER_NONE,
                                                .return_row = LADDER_NONE};
    return index;
}

/* The call whose other half came before, or a new one whose entry was not seen. */
static int find_call(struct making *making, const struct moment *moment)
{
    const struct ladder *ladder = making->ladder;
    uint32_t number = event_of(making, moment)->call.call;
    for (size_t i = ladder->call_count; i-- > 0;)
        if (making->call_numbers[i] == number && ladder->calls[i].story == moment->story)
            return (int)i;
    return new_call(making, moment);
}

static void add_entry(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    enum place at = event_of(making, moment)->place;
    int call = new_call(making, moment);
    struct ladder_row *row = same_moment(making, moment);
    if (!row || !join_entry(row, at))
        row = new_row(making, moment);
    row->side[at].call = call;
    row->side[at].call_enters = true;
    ladder->calls[call].enter_row = index_of(ladder, row);
}

static void add_return(struct making *making, const struct moment *moment)
{
    struct ladder *ladder = making->ladder;
    const struct event *event = event_of(making, moment);
    int call = find_call(making, moment);
    struct ladder_row *row = same_moment(making, moment);
    if (!row || !join_return(ladder, row, event->place, call))
        row = new_row(making, moment);
    row->side[event->place].call = call;
    row->side[event->place].call_returns = true;
    ladder->calls[call].return_row = index_of(ladder, row);
    ladder->calls[call].result = event->call.result;
}

static void add_moment(struct making *making, const struct moment *moment)
{
    const struct event *event = event_of(making, moment);
    switch (event->kind) {
    case EVENT_PACKET: add_packet(making, moment); break;
    case EVENT_STATE: add_state(making, moment); break;
    case EVENT_RUN: add_run(making, moment); break;
    case EVENT_CALL:
        if (event->call.returns)
            add_return(making, moment);
        else
            add_entry(making, moment);
        break;
    }
}

/* --- memory --- */

/* Room for the most there can be: every moment a row, every event a packet, call or
 * state. */
static int reserve(struct making *making)
{
    struct ladder *ladder = making->ladder;
    size_t events = 0;
    for (size_t i = 0; i < ladder->story_count; i++) {
        size_t count = ladder->stories[i]->event_count;
        making->packet_of[i] = arena_alloc(&ladder->arena, count * sizeof(int));
        if (!making->packet_of[i])
            return ERROR_MEMORY;
        for (size_t k = 0; k < count; k++)
            making->packet_of[i][k] = LADDER_NONE;
        for (int side = 0; side < 2; side++)
            making->state_of[i][side] = LADDER_NONE;
        making->level[i] = seen_from_one_place(ladder->stories[i]);
        events += count;
    }
    struct arena *arena = &ladder->arena;
    making->moments = arena_alloc(arena, 2 * events * sizeof *making->moments);
    making->call_numbers = arena_alloc(arena, events * sizeof *making->call_numbers);
    ladder->rows = arena_alloc(arena, 2 * events * sizeof *ladder->rows);
    ladder->calls = arena_alloc(arena, events * sizeof *ladder->calls);
    ladder->states = arena_alloc(arena, events * sizeof *ladder->states);
    ladder->packets = arena_alloc(arena, events * sizeof *ladder->packets);
    return making->moments && making->call_numbers && ladder->rows && ladder->calls &&
                   ladder->states && ladder->packets
               ? 0
               : ERROR_MEMORY;
}

/* Takes what the buffer holds into the arena and empties the buffer; null without
 * memory. */
static const char *keep(struct arena *arena, struct buffer *buffer)
{
    const char *kept =
        buffer->failed ? NULL : arena_copy(arena, buffer_text(buffer), buffer->length);
    buffer_clear(buffer);
    return kept;
}

static int write_labels(struct making *making)
{
    struct ladder *ladder = making->ladder;
    struct buffer text;
    int code = 0;
    buffer_init(&text, 0);
    for (size_t i = 0; i < ladder->packet_count && !code; i++) {
        struct ladder_packet *packet = &ladder->packets[i];
        if (packet->run)
            label_run(&text, packet->run, packet->packet.from, making->words);
        else
            label_packet(&text, ladder->stories[packet->story], &packet->packet,
                         packet->copy, making->words);
        packet->label = keep(&ladder->arena, &text);
        if (packet->run)
            label_run(&text, packet->run, packet->packet.from, making->words);
        else
            label_name(&text, &packet->packet, packet->copy, making->words);
        packet->name = keep(&ladder->arena, &text);
        if (!packet->label || !packet->name)
            code = ERROR_MEMORY;
    }
    buffer_done(&text);
    return code;
}

int ladder_new(const struct story *const *stories, size_t story_count,
               const struct words *words, struct ladder **ret_ladder)
{
    if (story_count < 1 || story_count > LADDER_STORIES_MAX)
        return ERROR_ARGUMENT;
    struct ladder *ladder = calloc(1, sizeof *ladder);
    if (!ladder)
        return ERROR_MEMORY;
    arena_init(&ladder->arena, 0);
    ladder->story_count = story_count;

    struct making making = {.ladder = ladder, .words = words};
    ladder->stories =
        (void *)arena_copy(&ladder->arena, stories, story_count * sizeof(struct story *));
    int code = ladder->stories ? reserve(&making) : ERROR_MEMORY;
    if (code)
        goto failed;
    for (size_t i = 0; i < story_count; i++)
        collect_story(&making, (int)i);
    qsort(making.moments, making.moment_count, sizeof *making.moments, by_time);
    for (size_t i = 0; i < making.moment_count; i++)
        add_moment(&making, &making.moments[i]);
    code = write_labels(&making);
    if (code)
        goto failed;
    *ret_ladder = ladder;
    return 0;

failed:
    ladder_free(&ladder);
    return code;
}

void ladder_free(struct ladder **ladder)
{
    if (!*ladder)
        return;
    arena_done(&(*ladder)->arena);
    free(*ladder);
    *ladder = NULL;
}
