/* Messages and questions on their way to the keeper and back. */
#include "text/saying.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "text/desk.h"

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* --- To the keeper --- */

static struct said *said_new(struct room *room, uint8_t kind, const char *name,
                             size_t name_length, const char *text, size_t length)
{
    struct said *said = malloc(sizeof *said + name_length + length);
    if (!said)
        return NULL;
    memcpy(said->bytes, name, name_length);
    memcpy(said->bytes + name_length, text, length);
    said->next = NULL;
    said->member = NULL;
    said->room = room;
    said->sender = 0;
    said->message = (struct keep_message){.room = room->kept,
                                          .kind = kind,
                                          .name = said->bytes,
                                          .name_length = (uint16_t)name_length,
                                          .text = said->bytes + name_length,
                                          .text_length = (uint32_t)length};
    return said;
}

/* Messages of a whole turn go to the keeper together, so that its lock is taken once. */
static void hold_back(struct desk *desk, struct said *said)
{
    if (desk->to_keep_last)
        desk->to_keep_last->next = &said->message;
    else
        desk->to_keep = &said->message;
    desk->to_keep_last = &said->message;
    atomic_fetch_add(&desk->text->at_keeper, 1);
}

void saying_hand_over(struct desk *desk)
{
    const struct keep *keep = desk->text->options.keep;
    if (desk->to_keep)
        keep->store(keep->owner, desk->to_keep, desk->to_keep_last);
    desk->to_keep = desk->to_keep_last = NULL;
}

int member_say(struct member *member, struct room *room, uint64_t number, uint8_t kind,
               const char *text, size_t length)
{
    struct said *said =
        said_new(room, kind, member->name, member->name_length, text, length);
    if (!said)
        return -ENOMEM;
    said->member = member;
    said->sender = member->sender;
    said->message.number = number;
    memcpy(said->message.client, member->client, KEEP_CLIENT_BYTES);
    atomic_fetch_add_explicit(&member->pins, 1, memory_order_relaxed);
    member->outstanding++;
    member->outstanding_bytes += (uint32_t)length;
    desk_count(&member->desk->said, 1);
    hold_back(member->desk, said);
    return 0;
}

int text_announce(struct text *text, const char *room_name, uint8_t kind,
                  const char *name, const char *sentence, size_t length)
{
    struct room *room;
    if (!text_name_valid(room_name, strlen(room_name)) ||
        !text_name_valid(name, strlen(name)) || length > TEXT_BYTES)
        return ERROR_ARGUMENT;
    int code = room_open(&text->rooms, room_name, strlen(room_name), &room);
    if (code)
        return code;
    struct said *said = said_new(room, kind, name, strlen(name), sentence, length);
    if (!said)
        return ERROR_MEMORY;
    said->message.number = atomic_fetch_add(&text->announced, 1) + 1;
    memcpy(said->message.client, text->client, KEEP_CLIENT_BYTES);
    atomic_fetch_add(&text->at_keeper, 1);
    text->options.keep->store(text->options.keep->owner, &said->message, &said->message);
    return 0;
}

int member_say_unkept(struct member *member, struct room *room, uint8_t kind,
                      const char *text, size_t length)
{
    const struct text_message message = {.unkept = true,
                                         .room = room->number,
                                         .sender = member->sender,
                                         .time_ns = wall_ns(),
                                         .kind = kind,
                                         .name = member->name,
                                         .name_length = member->name_length,
                                         .text = text,
                                         .text_length = (uint16_t)length};
    pthread_mutex_lock(&room->lock);
    bool heard = room->listeners > 0;
    int code = heard ? room_append(room, &message) : 0;
    pthread_mutex_unlock(&room->lock);
    desk_count(&member->desk->unkept, 1);
    if (heard && !code)
        desk_room_said(member->desk, room);
    return code ? -ENOMEM : 0;
}

unsigned member_tell(struct member *member, const char *name, size_t name_length,
                     const char *text, size_t length, int64_t *ret_time_ns)
{
    int64_t now_ns = wall_ns();
    unsigned told = 0;
    struct buffer direct;
    buffer_init(&direct, 0);
    size_t begin = frame_begin(&direct, TEXT_DIRECT, 0, 0);
    frame_put_u64(&direct, (uint64_t)now_ns);
    frame_put_text(&direct, member->name, member->name_length);
    frame_put_text(&direct, text, length);
    if (frame_end(&direct, begin) == 0)
        told = people_tell(&member->desk->text->people, name, name_length, direct.bytes,
                           direct.length);
    buffer_done(&direct);
    if (ret_time_ns)
        *ret_time_ns = now_ns;
    return told;
}

/* --- Back from the keeper; by its thread --- */

static void append(struct room *room, const struct said *said)
{
    const struct keep_message *kept = &said->message;
    const struct text_message message = {.room = room->number,
                                         .sender = said->sender,
                                         .seq = kept->seq,
                                         .time_ns = kept->time_ns,
                                         .kind = kept->kind,
                                         .name = kept->name,
                                         .name_length = kept->name_length,
                                         .text = kept->text,
                                         .text_length = (uint16_t)kept->text_length};
    room->last = kept->seq;
    /* Without memory its readers see that a number is missing, and ask for it. */
    if (room->listeners)
        room_append(room, &message);
}

/* Those of one room that stand one behind the other; the first of another. */
static struct said *append_run(struct text *text, struct said *first)
{
    struct room *room = first->room;
    struct said *said = first;
    pthread_mutex_lock(&room->lock);
    for (; said && said->room == room; said = (struct said *)said->message.next)
        if (said->message.result == KEEP_STORED)
            append(room, said);
    pthread_mutex_unlock(&room->lock);
    for (unsigned i = 0; i < text->options.desks; i++)
        if (atomic_load(&room->seats[i].listeners))
            desk_post_seat(&text->desks[i], &room->seats[i]);
    return said;
}

struct chain {
    struct said *first, *last;
};

static void add(struct chain *chain, struct said *said)
{
    said->next = NULL;
    if (chain->last)
        chain->last->next = said;
    else
        chain->first = said;
    chain->last = said;
}

void saying_kept(void *listener, struct keep_message *first)
{
    struct text *text = listener;
    struct chain chains[TEXT_DESKS_MOST] = {0};
    uint64_t count = 0;
    for (struct said *said = (struct said *)first; said;)
        said = append_run(text, said);
    /* All are sorted before any is posted: its desk may free it from then on. */
    for (struct said *said = (struct said *)first, *next; said; said = next, count++) {
        next = (struct said *)said->message.next;
        if (said->member)
            add(&chains[said->member->desk->index], said);
        else
            free(said); /* the server's own */
    }
    for (unsigned i = 0; i < text->options.desks; i++)
        if (chains[i].first)
            desk_post_said(&text->desks[i], chains[i].first, chains[i].last);
    atomic_fetch_sub(&text->at_keeper, count);
}

/* --- At the desk --- */

static void read_on(struct member *member)
{
    if (member->state == MEMBER_OPEN && member->paused && member_may_read(member) &&
        !list_linked(&member->again))
        list_append(&member->desk->again, &member->again);
}

void saying_answer(struct said *said)
{
    struct member *member = said->member;
    member->outstanding--;
    member->outstanding_bytes -= said->message.text_length;
    if (member->state == MEMBER_OPEN || member->state == MEMBER_FINISHING)
        member->kind->answer(member, said);
    read_on(member);
    member_unpin(member);
    free(said);
}

void saying_deliver(struct letter *letter)
{
    struct member *member = letter->member;
    if (member->state == MEMBER_OPEN && member_own_bytes(member) < MEMBER_OWN_PAUSE)
        member->kind->direct(member, letter);
    member_unpin(member);
    free(letter);
}

/* --- Questions --- */

enum { ANSWER_BYTES = 256 << 10 };

static bool take_row(struct keep_query *query, const struct keep_row *row)
{
    struct asked *asked = (struct asked *)query;
    const struct text_message message = {.past = true,
                                         .room = (uint32_t)asked->request,
                                         .seq = row->seq,
                                         .time_ns = row->time_ns,
                                         .kind = row->kind,
                                         .name = row->name,
                                         .name_length = row->name_length,
                                         .text = row->text,
                                         .text_length = (uint16_t)row->text_length};
    size_t length = text_message_bytes(&message);
    if (asked->answer.length >= ANSWER_BYTES || buffer_reserve(&asked->answer, length))
        return false;
    text_message_encode(&message, (uint8_t *)asked->answer.bytes + asked->answer.length);
    asked->answer.length += length;
    return true;
}

static void finish_query(struct keep_query *query, int code, uint64_t next)
{
    struct asked *asked = (struct asked *)query;
    asked->code = code;
    asked->next_seq = next;
    struct text *text = asked->member->desk->text;
    desk_post_asked(asked->member->desk, asked);
    atomic_fetch_sub(&text->at_keeper, 1);
}

int member_ask(struct member *member, struct room *room, uint64_t request,
               const struct keep_query *wanted, const char *search, size_t search_length)
{
    const struct keep *keep = member->desk->text->options.keep;
    struct asked *asked = calloc(1, sizeof *asked + search_length + 1);
    if (!asked)
        return -ENOMEM;
    asked->query = *wanted;
    asked->query.room = room->kept;
    asked->query.row = take_row;
    asked->query.done = finish_query;
    if (search) {
        memcpy(asked->search, search, search_length);
        asked->query.search = asked->search;
    }
    asked->member = member;
    asked->room = room;
    asked->request = request;
    buffer_init(&asked->answer, 0);
    atomic_fetch_add(&member->pins, 1);
    atomic_fetch_add(&member->desk->text->at_keeper, 1);
    member->asking++;
    keep->ask(keep->owner, &asked->query);
    return 0;
}

void saying_tell_past(struct asked *asked)
{
    struct member *member = asked->member;
    member->asking--;
    if (member->state == MEMBER_OPEN || member->state == MEMBER_FINISHING)
        member->kind->past(member, asked);
    read_on(member);
    member_unpin(member);
    buffer_done(&asked->answer);
    free(asked);
}
