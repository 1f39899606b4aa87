/* The rooms of the history by name, with their last numbers. Private to history/. */
#ifndef WOSHOU_HISTORY_ROOMS_H
#define WOSHOU_HISTORY_ROOMS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "text/keep.h"

struct error;
struct store;

struct keep_room {
    struct keep_room *next; /* in its place of the table */
    int64_t id;
    _Atomic uint64_t committed; /* its last number that is committed */
    /* The writer's alone from here on: */
    bool stored;            /* the database has it */
    uint64_t last;          /* given within the transaction */
    int64_t last_ns;        /* and when */
    uint64_t indexed;       /* up to here in the index of words */
    struct list_link dirty; /* among those with something to index */
    struct list_link touched;
    size_t name_length;
    char name[];
};

enum { ROOMS_MOST = 1 << 16, ROOMS_PLACES = 1 << 12 };

struct rooms {
    pthread_mutex_t lock; /* of the table; rooms stay where they are */
    struct keep_room *places[ROOMS_PLACES];
    int64_t last_id;
    size_t count;
};

void rooms_init(struct rooms *rooms);
void rooms_done(struct rooms *rooms);
/* Those of the database; each that has something to index is put into `dirty`. */
int rooms_load(struct rooms *rooms, struct store *store, struct list *dirty,
               struct error *err);
/* The room of that name, made in memory where there is none. From any thread. */
int rooms_open(struct rooms *rooms, const char *name, size_t length,
               struct keep_room **ret_room);

#endif
