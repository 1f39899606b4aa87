/* A member's life, and its places in rooms. */
#include "text/member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/desk.h"

/* --- Life --- */

int member_new(struct desk *desk, const struct member_kind *kind, struct channel *channel,
               const char *name, size_t name_length,
               const uint8_t client[KEEP_CLIENT_BYTES], struct member **ret_member)
{
    /* Who speaks lines may take a longer name later. */
    size_t name_bytes = kind == &member_lines ? TEXT_NAME_BYTES : name_length;
    struct member *member = calloc(1, sizeof *member + name_bytes + 1);
    if (!member) {
        channel_close(channel);
        return -ENOMEM;
    }
    member->task.ready = member_ready;
    member->kind = kind;
    member->desk = desk;
    member->channel = *channel;
    member->channel.body_limit = FRAME_BODY_BYTES;
    member->clock = DESK_CLOCKS;
    member->sender = atomic_fetch_add(&desk->text->last_sender, 1) + 1;
    memcpy(member->client, client, KEEP_CLIENT_BYTES);
    memcpy(member->name, name, name_length);
    member->name_length = (uint8_t)name_length;
    buffer_init(&member->own, 0);
    int code = wo_set_add(desk->set, member->channel.event, &member->task);
    if (code) {
        channel_close(&member->channel);
        free(member);
        return code;
    }
    list_append(&desk->members, &member->in_desk);
    desk_count(&desk->count, 1);
    people_add(&desk->text->people, member);
    member_clock(member, DESK_HEARD);
    *ret_member = member;
    return 0;
}

void member_rename(struct member *member, const char *name, size_t length)
{
    people_remove(&member->desk->text->people, member);
    /* Other threads read it under these, in lists of members. */
    for (struct place *place = member->places; place; place = place->next)
        pthread_mutex_lock(&place->room->lock);
    memcpy(member->name, name, length);
    member->name[length] = 0;
    member->name_length = (uint8_t)length;
    for (struct place *place = member->places; place; place = place->next)
        pthread_mutex_unlock(&place->room->lock);
    people_add(&member->desk->text->people, member);
}

static void leave_all(struct member *member)
{
    while (member->places)
        member_leave(member, member->places);
}

void member_drop(struct member *member)
{
    if (member->state == MEMBER_GONE)
        return;
    struct desk *desk = member->desk;
    people_remove(&desk->text->people, member);
    member->held = NULL;
    leave_all(member);
    member->state = MEMBER_GONE;
    member_clock(member, DESK_CLOCKS);
    list_remove(&member->again);
    list_remove(&member->flushing);
    channel_close(&member->channel);
    buffer_done(&member->own);
    lines_free(&member->lines);
    desk_count(&desk->count, UINT64_MAX); /* one less */
    if (atomic_load(&member->pins) == 0) {
        list_remove(&member->in_desk);
        free(member);
    }
}

void member_unpin(struct member *member)
{
    if (atomic_fetch_sub(&member->pins, 1) != 1 || member->state != MEMBER_GONE)
        return;
    list_remove(&member->in_desk);
    free(member);
}

void member_clock(struct member *member, unsigned clock)
{
    list_remove(&member->clock_link);
    member->clock = (uint8_t)clock;
    if (clock == DESK_CLOCKS)
        return;
    member->clock_ns = member->desk->now_ns;
    list_append(&member->desk->clocks[clock], &member->clock_link);
}

/* --- Its own bytes --- */

size_t member_own_bytes(const struct member *member)
{
    return member->own.length - member->own_begin;
}

struct buffer *member_reply(struct member *member)
{
    if (!list_linked(&member->flushing))
        list_append(&member->desk->flushing, &member->flushing);
    return &member->own;
}

/* The rest of a frame that was begun out of a reel comes first among its own bytes. */
static int take_over_held(struct member *member)
{
    const uint8_t *rest;
    if (!member->held)
        return 0;
    size_t length = cursor_frame_rest(&member->held->cursor, &rest);
    struct buffer own;
    buffer_init(&own, 0);
    buffer_append(&own, rest, length);
    buffer_append(&own, member->own.bytes + member->own_begin, member_own_bytes(member));
    if (own.failed) {
        buffer_done(&own);
        return -ENOMEM;
    }
    cursor_advance(&member->held->cursor, length);
    buffer_done(&member->own);
    member->own = own;
    member->own_begin = 0;
    member->held = NULL;
    return 0;
}

/* Nothing of its rooms comes any more; false where it had to be dropped. */
static bool stop_showing(struct member *member)
{
    if (take_over_held(member)) {
        member_drop(member);
        return false;
    }
    leave_all(member);
    return true;
}

void member_finish(struct member *member)
{
    if (member->state != MEMBER_OPEN || !stop_showing(member))
        return;
    member->state = MEMBER_FINISHING;
    member_clock(member, DESK_ENDING);
    member_reply(member); /* so that it is flushed */
}

void member_end(struct member *member, unsigned code, const char *sentence)
{
    if (member->state != MEMBER_OPEN || !stop_showing(member))
        return;
    member->kind->farewell(member, code, sentence);
    member_finish(member);
}

/* --- Places --- */

struct place *member_place(const struct member *member, uint32_t room)
{
    struct place *place = member->places;
    while (place && place->room->number != room)
        place = place->next;
    return place;
}

/* Tells a small room who came or went; its lock is held. */
static void tell_presence(struct room *room, const struct member *member,
                          enum text_presence what)
{
    struct buffer frame;
    if (room->count > TEXT_PRESENCE_MOST || !room->listeners)
        return;
    buffer_init(&frame, 0);
    size_t begin = frame_begin(&frame, TEXT_PRESENCE, FRAME_OPTIONAL, 0);
    frame_put_u32(&frame, room->number);
    frame_put_u8(&frame, (uint8_t)what);
    frame_put_u32(&frame, room->count);
    frame_put_text(&frame, member->name, member->name_length);
    if (frame_end(&frame, begin) == 0)
        room_append_bytes(room, frame.bytes, frame.length);
    buffer_done(&frame);
}

static unsigned count_places(const struct member *member)
{
    unsigned count = 0;
    for (const struct place *place = member->places; place; place = place->next)
        count++;
    return count;
}

int member_enter(struct member *member, struct room *room, bool speaker,
                 struct place **ret_place)
{
    if (member_place(member, room->number))
        return -EEXIST;
    if (count_places(member) >= TEXT_ROOMS)
        return -ENOSPC;
    struct place *place = calloc(1, sizeof *place);
    if (!place)
        return -ENOMEM;
    struct seat *seat = &room->seats[member->desk->index];
    place->member = member;
    place->room = room;
    pthread_mutex_lock(&room->lock);
    room->count++;
    if (!speaker)
        tell_presence(room, member, TEXT_CAME); /* to the others */
    int code = speaker ? 0 : cursor_begin(&place->cursor, &room->reel);
    if (code) {
        room->count--;
    } else {
        place->last = room->last;
        room->listeners += !speaker;
        list_append(&room->members, &place->in_room);
    }
    pthread_mutex_unlock(&room->lock);
    if (code) {
        free(place);
        return code;
    }
    place->next = member->places;
    member->places = place;
    if (!speaker) {
        list_append(&seat->places, &place->in_seat);
        atomic_fetch_add(&seat->listeners, 1);
        desk_room_said(member->desk, room);
    }
    *ret_place = place;
    return 0;
}

void member_leave(struct member *member, struct place *place)
{
    struct room *room = place->room;
    struct place **at = &member->places;
    bool speaker = !place->cursor.segment;
    while (*at != place)
        at = &(*at)->next;
    *at = place->next;
    if (member->held == place)
        member->held = NULL;
    if (!speaker) {
        list_remove(&place->in_seat);
        atomic_fetch_sub(&room->seats[member->desk->index].listeners, 1);
    }
    pthread_mutex_lock(&room->lock);
    cursor_end(&place->cursor);
    list_remove(&place->in_room);
    room->count--;
    room->listeners -= !speaker;
    if (!speaker)
        tell_presence(room, member, TEXT_WENT);
    if (!room->listeners)
        reel_rest(&room->reel);
    pthread_mutex_unlock(&room->lock);
    if (!speaker)
        desk_room_said(member->desk, room);
    free(place);
}

int member_release(struct member *member, struct place *place)
{
    int code = member->held == place ? take_over_held(member) : 0;
    if (!code)
        member_leave(member, place);
    return code;
}

void member_skip(struct member *member, struct place *place)
{
    struct room *room = place->room;
    struct cursor end;
    if (member->held == place && take_over_held(member)) {
        member_drop(member);
        return;
    }
    pthread_mutex_lock(&room->lock);
    int code = cursor_begin(&end, &room->reel);
    uint64_t next = room->last + 1;
    pthread_mutex_unlock(&room->lock);
    if (code) {
        member_drop(member);
        return;
    }
    cursor_end(&place->cursor);
    place->cursor = end;
    member->kind->gap(member, room, next);
    desk_count(&member->desk->gaps, 1);
}
