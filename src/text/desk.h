/* A desk: one thread's part of the text service. Private to text/. */
#ifndef WOSHOU_TEXT_DESK_H
#define WOSHOU_TEXT_DESK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "net/task.h"
#include "text/people.h"
#include "text/room.h"
#include "text/text.h"

struct asked;
struct letter;
struct said;

/* Lists by how long each of its members has been in it, so that the first is the first whose time
 * is over. A member is in one, or in none. */
enum desk_clock {
    DESK_HEARD,   /* a frame came; a ping is sent when its time is over */
    DESK_PINGED,  /* closed when its time is over */
    DESK_BLOCKED, /* takes nothing; closed when its time is over */
    DESK_ENDING,  /* closed in any case when its time is over */
    DESK_CLOCKS
};

struct desk {
    struct task task; /* of `wake` */
    struct text *text;
    unsigned index;
    wo_set *set;
    struct channel_scratch *scratch;
    wo_event *wake; /* set when something was posted */
    struct list members, again, flushing, dirty;
    struct list told; /* seats of rooms that other desks are to learn of */
    struct list clocks[DESK_CLOCKS];
    int64_t now_ns;                              /* of the turn */
    struct keep_message *to_keep, *to_keep_last; /* said in this turn */
    bool draining;
    pthread_mutex_t lock; /* of what others post: */
    struct said *said_first, *said_last;
    struct asked *asked;
    struct letter *letters, *letters_last;
    struct list posted; /* seats whose rooms said something */
    bool woken;
    /* Written by the desk's thread alone. */
    _Atomic uint64_t count, said, unkept, acknowledged, refused, delivered_bytes, gaps,
        slow_closed, silent_closed;
};

struct text {
    struct text_options options;
    struct room_table rooms;
    struct people people;
    _Atomic uint32_t last_sender;
    _Atomic uint64_t announced;        /* the server's own messages: numbers given */
    _Atomic uint64_t at_keeper;        /* messages and questions that are not back */
    uint8_t client[KEEP_CLIENT_BYTES]; /* the server's own, of this run */
    struct desk desks[];
};

/* Adds without the cost of an atomic sum: one thread writes. */
static inline void desk_count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_store_explicit(counter,
                          atomic_load_explicit(counter, memory_order_relaxed) + more,
                          memory_order_relaxed);
}

/* From any thread: */
void desk_post_said(struct desk *desk, struct said *first, struct said *last);
void desk_post_asked(struct desk *desk, struct asked *asked);
void desk_post_letter(struct desk *desk, struct letter *letter);
void desk_post_seat(struct desk *desk, struct seat *seat);

/* The room said something, by this desk's thread: all desks with listeners learn of it. */
void desk_room_said(struct desk *desk, struct room *room);

#endif
