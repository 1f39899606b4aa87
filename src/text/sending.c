/* How a member's bytes leave: its own first, then its rooms' reels.
 *
 * What holds always: while a place is `held`, the network has a part of a frame of its reel, and
 * nothing else is sent until the cursor is at `held_until`, which is between two frames. */
#include <errno.h>

#include "text/desk.h"
#include "text/member.h"

/* `length` bytes; how many were taken, or a negated errno but -EAGAIN, which is 0 here. */
static ssize_t send_some(struct member *member, const void *bytes, size_t length)
{
    ssize_t taken = channel_write(&member->channel, bytes, length);
    if (taken == -EAGAIN)
        taken = 0;
    if (taken < 0)
        return taken;
    desk_count(&member->desk->delivered_bytes, (uint64_t)taken);
    if ((size_t)taken < length) {
        member->blocked = true;
        if (member->state == MEMBER_OPEN && member->clock != DESK_BLOCKED)
            member_clock(member, DESK_BLOCKED);
    }
    return taken;
}

/* 1: all is sent; 0: blocked; negative: over. */
static int send_own(struct member *member)
{
    size_t length = member_own_bytes(member);
    if (member->own.failed)
        return -ENOMEM;
    if (length == 0)
        return 1;
    ssize_t taken = send_some(member, member->own.bytes + member->own_begin, length);
    if (taken < 0)
        return (int)taken;
    member->own_begin += (size_t)taken;
    if (member->own_begin < member->own.length)
        return 0;
    /* Who is idle owns no memory. */
    buffer_done(&member->own);
    buffer_init(&member->own, 0);
    member->own_begin = 0;
    return 1;
}

/* What the cursor sees, at most `most` bytes in all: as send_own; `budget` is taken from. */
static int send_reel(struct member *member, struct place *place, size_t *budget)
{
    const uint8_t *bytes;
    for (size_t length; (length = cursor_look(&place->cursor, &bytes)) > 0;) {
        if (member->held) {
            uint64_t left = member->held_until - cursor_position(&place->cursor);
            length = left < length ? (size_t)left : length;
        } else if (*budget == 0) {
            member->flush_again = true;
            return 1;
        }
        ssize_t taken = send_some(member, bytes, length);
        if (taken < 0)
            return (int)taken;
        if (!member->held && (size_t)taken < length) {
            member->held = place;
            member->held_until = cursor_position(&place->cursor) + length;
        }
        cursor_advance(&place->cursor, (size_t)taken);
        if ((size_t)taken < length)
            return 0;
        *budget -= *budget < length ? *budget : length;
        if (member->held) {
            member->held = NULL;
            return 1;
        }
    }
    return 1;
}

int member_show_reels(struct member *member)
{
    size_t budget = MEMBER_FLUSH_BYTES;
    for (struct place *place = member->places; place; place = place->next) {
        int code = place->cursor.segment ? send_reel(member, place, &budget) : 1;
        if (code != 1)
            return code;
    }
    return 1;
}

static int send_all(struct member *member)
{
    size_t budget = MEMBER_FLUSH_BYTES;
    int code = member->held ? send_reel(member, member->held, &budget) : 1;
    if (code == 1)
        code = send_own(member);
    if (code == 1)
        code = member->kind->show(member);
    /* Lines put what their rooms say among their own. */
    if (code == 1)
        code = send_own(member);
    return code;
}

void member_flush(struct member *member)
{
    if (member->blocked || member->state == MEMBER_GONE)
        return;
    member->flush_again = false;
    int code = member->state == MEMBER_DRAINING ? 1 : send_all(member);
    if (code < 0) {
        member_drop(member);
        return;
    }
    if (code == 1 && member->flush_again) {
        member_reply(member);
        return;
    }
    /* Who finished is answered before the connection is. */
    if (code == 1 && member->state == MEMBER_FINISHING && !member->outstanding &&
        !member->asking) {
        member->state = MEMBER_DRAINING;
        if (channel_finish(&member->channel) < 0)
            member_drop(member);
        else if (!list_linked(&member->again))
            list_append(&member->desk->again,
                        &member->again); /* the peer may have finished */
    }
}

/* --- Receiving, as far as it is the same for all --- */

bool member_may_read(struct member *member)
{
    member->paused = member->outstanding >= TEXT_OUTSTANDING ||
                     member->outstanding_bytes >= MEMBER_OUTSTANDING_BYTES ||
                     member->asking >= MEMBER_ASKING_MOST ||
                     member_own_bytes(member) >= MEMBER_OWN_PAUSE;
    return !member->paused;
}

void member_ready(struct task *task)
{
    struct member *member = (struct member *)task;
    unsigned events = 0;
    channel_enumerate(&member->channel, &events);
    if (events & WO_WRITE && member->blocked) {
        member->blocked = false;
        if (member->clock == DESK_BLOCKED)
            member_clock(member, DESK_HEARD);
        member_reply(member);
    }
    member_receive(member); /* what failed is said there */
}

void member_receive(struct member *member)
{
    struct desk *desk = member->desk;
    int code = 0;
    if (member->state == MEMBER_OPEN) {
        code = member_may_read(member) ? member->kind->receive(member) : 0;
        if (member->heard && member->clock != DESK_BLOCKED &&
            member->state == MEMBER_OPEN)
            member_clock(member, DESK_HEARD);
        member->heard = false;
    } else if (member->state == MEMBER_FINISHING || member->state == MEMBER_DRAINING) {
        code = channel_drain(&member->channel, desk->scratch);
        if (code == 1)
            code = -ESHUTDOWN;
    }
    if (code == -ESHUTDOWN && member->state == MEMBER_OPEN)
        member_finish(member); /* it may still read its answers */
    else if (code < 0)
        member_drop(member);
    else if (code == 1 && member->state == MEMBER_OPEN && !list_linked(&member->again))
        list_append(&desk->again, &member->again);
}
