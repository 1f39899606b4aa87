/* Desks: what one thread does with its members in a turn, and what others leave for it. */
#include "text/desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "text/member.h"
#include "text/saying.h"

#define HEARTBEAT_NS (30 * NS_PER_S)
#define STALLED_NS (60 * NS_PER_S)
#define ENDING_NS (5 * NS_PER_S)
enum {
    BEHIND_BYTES = 16 << 20,
    MEMORY_BYTES = 512 << 20,
    SHORT_MEMORY_PART = 16 /* of behind_bytes, when the rooms together hold too much */
};

/* --- The service --- */

static void fill_defaults(struct text_options *options)
{
    if (!options->heartbeat_ns)
        options->heartbeat_ns = HEARTBEAT_NS;
    if (!options->stalled_ns)
        options->stalled_ns = STALLED_NS;
    if (!options->behind_bytes)
        options->behind_bytes = BEHIND_BYTES;
    if (!options->memory_bytes)
        options->memory_bytes = MEMORY_BYTES;
    if (!options->lines_room)
        options->lines_room = "lobby";
}

static void desk_init(struct desk *desk, struct text *text, unsigned index)
{
    desk->text = text;
    desk->index = index;
    pthread_mutex_init(&desk->lock, NULL);
    list_init(&desk->members);
    list_init(&desk->again);
    list_init(&desk->flushing);
    list_init(&desk->dirty);
    list_init(&desk->posted);
    list_init(&desk->told);
    for (int clock = 0; clock < DESK_CLOCKS; clock++)
        list_init(&desk->clocks[clock]);
}

int text_new(const struct text_options *options, struct text **ret_text,
             struct error *err)
{
    struct text *text = NULL;
    if (options->desks > 0 && options->desks <= TEXT_DESKS_MOST)
        text = calloc(1, sizeof *text + options->desks * sizeof text->desks[0]);
    if (!text)
        return error_set(err, ERROR_MEMORY, "starting the text service");
    text->options = *options;
    fill_defaults(&text->options);
    room_table_init(&text->rooms, options->keep, options->desks);
    people_init(&text->people);
    for (unsigned i = 0; i < options->desks; i++)
        desk_init(&text->desks[i], text, i);
    if (getrandom(text->client, sizeof text->client, 0) != sizeof text->client) {
        int system = errno;
        text_free(&text);
        return error_set_system(err, system, "starting the text service");
    }
    options->keep->listen(options->keep->owner, saying_kept, text);
    *ret_text = text;
    return 0;
}

static void take_posted(struct desk *desk);

void text_free(struct text **text_address)
{
    struct text *text = *text_address;
    if (!text)
        return;
    for (unsigned i = 0; i < text->options.desks; i++) {
        take_posted(&text->desks[i]); /* frees the last of its members */
        pthread_mutex_destroy(&text->desks[i].lock);
    }
    people_done(&text->people);
    room_table_done(&text->rooms);
    free(text);
    *text_address = NULL;
}

struct desk *text_desk(struct text *text, unsigned index)
{
    return &text->desks[index];
}

struct text_counts text_counts(struct text *text)
{
    struct text_counts sum = {.rooms = text->rooms.count,
                              .reel_bytes = atomic_load(&text->rooms.reel_bytes)};
    for (unsigned i = 0; i < text->options.desks; i++) {
        const struct desk *desk = &text->desks[i];
        sum.members += atomic_load(&desk->count);
        sum.said += atomic_load(&desk->said);
        sum.unkept += atomic_load(&desk->unkept);
        sum.acknowledged += atomic_load(&desk->acknowledged);
        sum.refused += atomic_load(&desk->refused);
        sum.delivered_bytes += atomic_load(&desk->delivered_bytes);
        sum.gaps += atomic_load(&desk->gaps);
        sum.slow_closed += atomic_load(&desk->slow_closed);
        sum.silent_closed += atomic_load(&desk->silent_closed);
    }
    return sum;
}

/* --- What others post --- */

/* The lock is held on entry, not on return. */
static void rouse(struct desk *desk)
{
    bool wake = !desk->woken;
    desk->woken = true;
    /* Under the lock: the desk closes its event under it. */
    if (wake && desk->wake)
        wo_event_set(desk->wake);
    pthread_mutex_unlock(&desk->lock);
}

void desk_post_said(struct desk *desk, struct said *first, struct said *last)
{
    pthread_mutex_lock(&desk->lock);
    if (desk->said_last)
        desk->said_last->next = first;
    else
        desk->said_first = first;
    desk->said_last = last;
    rouse(desk);
}

void desk_post_asked(struct desk *desk, struct asked *asked)
{
    pthread_mutex_lock(&desk->lock);
    asked->next = desk->asked;
    desk->asked = asked;
    rouse(desk);
}

void desk_post_letter(struct desk *desk, struct letter *letter)
{
    pthread_mutex_lock(&desk->lock);
    letter->next = NULL;
    if (desk->letters_last)
        desk->letters_last->next = letter;
    else
        desk->letters = letter;
    desk->letters_last = letter;
    rouse(desk);
}

void desk_post_seat(struct desk *desk, struct seat *seat)
{
    pthread_mutex_lock(&desk->lock);
    if (!list_linked(&seat->posted))
        list_append(&desk->posted, &seat->posted);
    rouse(desk);
}

static void mark_dirty(struct desk *desk, struct seat *seat)
{
    if (!list_linked(&seat->dirty))
        list_append(&desk->dirty, &seat->dirty);
}

void desk_room_said(struct desk *desk, struct room *room)
{
    const struct text *text = desk->text;
    mark_dirty(desk, &room->seats[desk->index]);
    if (text->options.desks > 1 && !list_linked(&room->seats[desk->index].told))
        list_append(&desk->told, &room->seats[desk->index].told);
}

/* Other desks learn of this turn's rooms once, however much was said. */
static void tell_desks(struct desk *desk)
{
    struct text *text = desk->text;
    for (struct list_link *link; (link = list_first(&desk->told));) {
        struct room *room = list_member(link, struct seat, told)->room;
        list_remove(link);
        for (unsigned i = 0; i < text->options.desks; i++)
            if (i != desk->index && atomic_load(&room->seats[i].listeners))
                desk_post_seat(&text->desks[i], &room->seats[i]);
    }
}

static void take_posted(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    struct said *said = desk->said_first;
    struct asked *asked = desk->asked;
    struct letter *letter = desk->letters;
    desk->said_first = desk->said_last = NULL;
    desk->asked = NULL;
    desk->letters = desk->letters_last = NULL;
    desk->woken = false;
    for (struct list_link *link; (link = list_first(&desk->posted));) {
        list_remove(link);
        mark_dirty(desk, list_member(link, struct seat, posted));
    }
    pthread_mutex_unlock(&desk->lock);
    for (struct said *next; said; said = next) {
        next = said->next;
        saying_answer(said);
    }
    for (struct asked *next; asked; asked = next) {
        next = asked->next;
        saying_tell_past(asked);
    }
    for (struct letter *next; letter; letter = next) {
        next = letter->next;
        saying_deliver(letter);
    }
}

/* --- Members --- */

/* For who does not say how he wants to be called. */
static int guest_name(const struct desk *desk, char ret_name[TEXT_NAME_BYTES])
{
    return snprintf(ret_name, TEXT_NAME_BYTES, "guest-%u",
                    atomic_load(&desk->text->last_sender) + 1);
}

int desk_adopt(struct desk *desk, struct channel *channel, const char *name,
               const uint8_t client[KEEP_CLIENT_BYTES], uint32_t token)
{
    struct member *member;
    char guest[TEXT_NAME_BYTES];
    size_t length = strlen(name);
    bool valid = length == 0 || text_name_valid(name, length);
    wo_set_remove(desk->set, channel->event); /* it may be in with another owner */
    if (length == 0 || !valid) {
        length = (size_t)guest_name(desk, guest);
        name = guest;
    }
    int code = member_new(desk, &member_frames, channel, name, length, client, &member);
    if (code)
        return code;
    member->token = token;
    if (!valid)
        member_end(
            member, FRAME_ERROR_NAME,
            "a name is 1 to 64 bytes of visible characters, no space at either end");
    else if (desk->draining)
        member_end(member, FRAME_ERROR_DRAINING, "the server is going down");
    else
        list_append(&desk->again, &member->again); /* what it received already */
    return 0;
}

int desk_adopt_lines(struct desk *desk, int fd, wo_event *event,
                     const struct endpoint *peer)
{
    struct channel channel;
    uint8_t client[KEEP_CLIENT_BYTES];
    char name[TEXT_NAME_BYTES];
    struct member *member;
    int code = channel_adopt(&channel, fd, event, peer, NULL);
    if (code)
        return code;
    /* Random: nobody who speaks lines says anything twice. */
    if (getrandom(client, sizeof client, 0) != sizeof client) {
        code = -errno;
        channel_close(&channel);
        return code;
    }
    int length = guest_name(desk, name);
    code =
        member_new(desk, &member_lines, &channel, name, (size_t)length, client, &member);
    if (code)
        return code;
    if (lines_start(member))
        member_drop(member);
    else if (desk->draining)
        member_end(member, FRAME_ERROR_DRAINING, "the server is going down");
    return 0;
}

/* --- A turn --- */

/* What was posted is taken in desk_turn. */
static void desk_woken(struct task *task)
{
    (void)task;
}

int desk_open(struct desk *desk, wo_set *set, struct channel_scratch *scratch)
{
    desk->set = set;
    desk->scratch = scratch;
    desk->now_ns = clock_monotonic_ns();
    desk->task.ready = desk_woken;
    int code = wo_event_new(WO_AUTO_RESET, &desk->wake);
    if (!code)
        code = wo_set_add(set, desk->wake, &desk->task);
    if (code)
        wo_event_free(&desk->wake);
    return code;
}

void desk_close(struct desk *desk)
{
    saying_hand_over(desk);
    list_for_each_safe (link, &desk->members)
        member_drop(list_member(link, struct member, in_desk));
    pthread_mutex_lock(&desk->lock);
    wo_event_free(&desk->wake);
    pthread_mutex_unlock(&desk->lock);
}

void desk_begin(struct desk *desk, int64_t now_ns)
{
    desk->now_ns = now_ns;
}

/* Reads on where more may be there than one had its turn for. */
static void read_again(struct desk *desk)
{
    struct list now;
    list_init(&now);
    for (struct list_link *link; (link = list_first(&desk->again));) {
        list_remove(link);
        list_append(&now, link);
    }
    for (struct list_link *link; (link = list_first(&now));) {
        list_remove(link);
        member_receive(list_member(link, struct member, again));
    }
}

/* Sends what a room said to this desk's places in it. */
static void show_seat(struct desk *desk, struct seat *seat)
{
    const struct text *text = desk->text;
    size_t behind = text->options.behind_bytes;
    if (atomic_load_explicit(&text->rooms.reel_bytes, memory_order_relaxed) >
        text->options.memory_bytes)
        behind /= SHORT_MEMORY_PART;
    uint64_t end = atomic_load_explicit(&seat->room->reel.end, memory_order_relaxed);
    list_for_each_safe (link, &seat->places) {
        struct place *place = list_member(link, struct place, in_seat);
        struct member *member = place->member;
        if (!member->blocked)
            member_flush(member);
        else if (end - cursor_position(&place->cursor) > behind)
            member_skip(member, place);
    }
}

static void flush(struct desk *desk)
{
    for (struct list_link *link; (link = list_first(&desk->dirty));) {
        list_remove(link);
        show_seat(desk, list_member(link, struct seat, dirty));
    }
    struct list now;
    list_init(&now);
    for (struct list_link *link; (link = list_first(&desk->flushing));) {
        list_remove(link);
        list_append(&now, link);
    }
    for (struct list_link *link; (link = list_first(&now));) {
        struct member *member = list_member(link, struct member, flushing);
        list_remove(link);
        if (member->blocked && member_own_bytes(member) > MEMBER_OWN_MOST) {
            desk_count(&desk->slow_closed, 1);
            member_drop(member);
        } else {
            member_flush(member);
        }
    }
}

/* --- Time --- */

static int64_t patience_ns(const struct desk *desk, int clock)
{
    switch ((enum desk_clock)clock) {
    case DESK_HEARD: return desk->text->options.heartbeat_ns;
    case DESK_PINGED: return 2 * desk->text->options.heartbeat_ns;
    case DESK_BLOCKED: return desk->text->options.stalled_ns;
    case DESK_ENDING: return ENDING_NS;
    case DESK_CLOCKS: break;
    }
    return INT64_MAX;
}

static void ping(struct member *member)
{
    struct buffer *own = member_reply(member);
    frame_end(own, frame_begin(own, FRAME_PING, 0, 0));
    member_clock(member, DESK_PINGED);
}

static void on_time(struct desk *desk, struct member *member)
{
    switch ((enum desk_clock)member->clock) {
    case DESK_HEARD:
        if (member->kind->silent)
            member_clock(member, DESK_HEARD);
        else
            ping(member);
        break;
    case DESK_PINGED:
        desk_count(&desk->silent_closed, 1);
        member_end(member, FRAME_ERROR_TIMEOUT, "nothing was heard for too long");
        break;
    case DESK_BLOCKED:
        desk_count(&desk->slow_closed, 1);
        member_end(member, FRAME_ERROR_SLOW_READER, "nothing was read for too long");
        break;
    case DESK_ENDING: member_drop(member); break;
    case DESK_CLOCKS: break;
    }
}

/* Whose time is over; returns when the next one's is. */
static int64_t look_at_clocks(struct desk *desk)
{
    int64_t next_ns = INT64_MAX;
    for (int clock = 0; clock < DESK_CLOCKS; clock++) {
        int64_t patience = patience_ns(desk, clock);
        for (struct list_link *link; (link = list_first(&desk->clocks[clock]));) {
            struct member *member = list_member(link, struct member, clock_link);
            int64_t over_ns = member->clock_ns + patience;
            if (over_ns > desk->now_ns) {
                next_ns = over_ns < next_ns ? over_ns : next_ns;
                break;
            }
            on_time(desk, member);
        }
    }
    return next_ns;
}

int64_t desk_turn(struct desk *desk)
{
    take_posted(desk);
    read_again(desk);
    saying_hand_over(desk);
    tell_desks(desk);
    int64_t next_ns = look_at_clocks(desk);
    flush(desk);
    bool more = !list_empty(&desk->again) || !list_empty(&desk->flushing) ||
                !list_empty(&desk->dirty);
    return more ? desk->now_ns : next_ns;
}

void desk_drain(struct desk *desk)
{
    desk->draining = true;
    list_for_each_safe (link, &desk->members)
        member_end(list_member(link, struct member, in_desk), FRAME_ERROR_DRAINING,
                   "the server is going down");
}

bool desk_review(struct desk *desk, bool (*stays)(void *owner, uint32_t token),
                 void *owner)
{
    bool any = false;
    list_for_each_safe (link, &desk->members) {
        struct member *member = list_member(link, struct member, in_desk);
        if (!member->token)
            continue;
        any = true;
        if (member->state == MEMBER_OPEN && !stays(owner, member->token))
            member_end(member, FRAME_ERROR_TOKEN_WRONG,
                       "the token was revoked, or has expired");
    }
    return any;
}

bool desk_is_empty(const struct desk *desk)
{
    return list_empty(&desk->members);
}
