/* The writer: one thread that commits what waits, and otherwise indexes. Private to history/. */
#ifndef WOSHOU_HISTORY_WRITER_H
#define WOSHOU_HISTORY_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "history/clients.h"
#include "history/history.h"
#include "history/store.h"

struct rooms;

struct writer {
    struct history_options options;
    void (*kept)(void *listener, struct keep_message *first);
    void *listener;
    pthread_t thread;
    pthread_mutex_t lock;              /* of the rest up to `store` */
    pthread_cond_t work;               /* something waits, or `stop` */
    pthread_cond_t indexed;            /* the index has grown */
    struct keep_message *first, *last; /* taken, in order */
    size_t queued;                     /* how many those are */
    int64_t first_ns; /* when the first of them came, or could be taken */
    bool sleeping, stop;
    size_t wake_at;     /* sleeping: how many wake it */
    unsigned hurried;   /* how many wait for the index */
    bool index_stuck;   /* the last try to let it grow failed */
    struct store store; /* the thread's alone from here on, once it runs */
    struct clients clients;
    struct list dirty; /* rooms with something to index; under `lock` */
    bool broken;       /* the database is damaged: nothing is kept any more */
    bool told_full;
    int log_pages; /* of the write-ahead log */
    unsigned turn;
    size_t expected;      /* messages of the last commit */
    int64_t committed_ns; /* when it ended */
    int64_t gather_ns;    /* how long the next may wait for more */
    _Atomic uint64_t stored, repeated, failed, commits, indexed_count, waiting;
};

/* Takes the store, whatever comes of it. */
int writer_start(struct writer *writer, const struct history_options *options,
                 struct store *store, struct error *err);
/* Commits what waits, and ends. */
void writer_stop(struct writer *writer);

/* From any thread. */
void writer_take(struct writer *writer, struct keep_message *first,
                 struct keep_message *last);
/* Waits until everything of the room that is committed now is indexed; ERROR_INTERRUPTED where
 * the writer ends before, ERROR_SYSTEM where the index cannot grow. */
int writer_wait_indexed(struct writer *writer, const struct keep_room *room);

#endif
