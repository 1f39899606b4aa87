/* Rooms and places. A room is one for all desks; each desk keeps its own members' places in it,
 * and looks at no other's. Private to text/.
 *
 * What is under a room's lock: writing its reel, `last`, `members`. What is a desk's alone: its
 * seat's `places` and `dirty`. */
#ifndef WOSHOU_TEXT_ROOM_H
#define WOSHOU_TEXT_ROOM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "text/keep.h"
#include "text/protocol.h"
#include "text/reel.h"

struct member;

/* A member's place in a room. */
struct place {
    struct place *next; /* among the member's places */
    struct member *member;
    struct room *room;
    struct cursor cursor; /* of no reel: a speaker's, to whom nothing comes */
    struct list_link in_seat;
    struct list_link in_room;
    uint64_t last; /* the room's last number when it came; what follows is in the reel */
};

/* What a desk has of a room. */
struct seat {
    struct room *room;
    struct list places;
    _Atomic uint32_t listeners; /* places with a cursor */
    struct list_link dirty;     /* the reel has something that was not sent yet */
    struct list_link told;   /* other desks are to learn of it at the end of the turn */
    struct list_link posted; /* the same, told by another thread; under the desk's lock */
};

struct room {
    struct room *next; /* in its place of the table */
    pthread_mutex_t lock;
    struct reel reel;
    uint64_t last; /* the highest number in the reel */
    struct list members;
    uint32_t count;     /* of members */
    uint32_t listeners; /* of them, to whom messages come */
    uint32_t number;
    struct keep_room *kept;
    size_t name_length;
    char name[TEXT_NAME_BYTES + 1];
    struct seat seats[]; /* one a desk */
};

enum { ROOM_PLACES = 1 << 10 };

struct room_table {
    pthread_mutex_t lock;
    struct room *places[ROOM_PLACES];
    uint32_t count;
    unsigned desks;
    const struct keep *keep;
    _Atomic size_t reel_bytes; /* of all rooms' reels */
};

void room_table_init(struct room_table *table, const struct keep *keep, unsigned desks);
void room_table_done(struct room_table *table);
/* The room of that valid name, made where there is none; it lives as long as the table.
 * ERROR_MEMORY or ERROR_LIMIT. */
int room_open(struct room_table *table, const char *name, size_t length,
              struct room **ret_room);

/* Writes a message into the reel; the lock is held. ERROR_MEMORY. */
int room_append(struct room *room, const struct text_message *message);
/* The same of any frame. */
int room_append_bytes(struct room *room, const void *frame, size_t length);

#endif
