/* The reader: one thread that answers questions about the past. Private to history/. */
#ifndef WOSHOU_HISTORY_READER_H
#define WOSHOU_HISTORY_READER_H

#include <pthread.h>
#include <stdbool.h>

#include "history/store.h"

struct writer;

struct reader {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct keep_query *first, *last;
    bool stop;
    struct writer *writer; /* whose index is waited for */
    struct store store;    /* the thread's alone */
};

/* Takes the store, whatever comes of it. */
int reader_start(struct reader *reader, struct writer *writer, struct store *store,
                 struct error *err);
/* Questions that wait are answered ERROR_INTERRUPTED. Stop the writer first: the reader may wait
 * for its index. */
void reader_stop(struct reader *reader);
/* From any thread. */
void reader_ask(struct reader *reader, struct keep_query *query);

#endif
