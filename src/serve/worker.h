/* A worker: one thread with a wait set, for the connections it was handed. Private to serve/.
 *
 * A connection is a guest at the door first. When it has said that it wants to talk, it goes to
 * the worker's desk of the text service and stays; one that is for files goes to whoever serves
 * those. */
#ifndef WOSHOU_SERVE_WORKER_H
#define WOSHOU_SERVE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/list.h"
#include "net/channel.h"
#include "net/task.h"
#include "serve/server.h"
#include "woshou/event.h"

struct desk;
struct door;
struct error;
struct token_store;

enum arrival_kind { ARRIVAL_FRAMES, ARRIVAL_LINES };

struct worker {
    pthread_t thread;
    struct task task; /* of `wake` */
    wo_event *wake;
    wo_set *set;
    struct channel_scratch scratch;
    struct desk *desk;
    struct door *door;
    struct token_store *tokens;
    struct server_files files;
    struct list guests;
    int64_t now_ns, drain_by_ns; /* 0: it does not drain */
    int64_t
        review_ns; /* when to look whether tokens are still good; INT64_MAX: nobody has one */
    pthread_mutex_t lock; /* of what is handed over: */
    struct arrival *first, *last;
    bool stop;
    int64_t stop_by_ns;
    _Atomic uint64_t refused; /* at the door */
};

/* -ENOMEM and others. */
int worker_start(struct worker *worker, struct desk *desk, struct door *door,
                 struct token_store *tokens, const struct server_files *files);
/* Drains until `by_ns` at most, and ends. From another thread; worker_join waits for it. */
void worker_stop(struct worker *worker, int64_t by_ns);
void worker_join(struct worker *worker);

/* Hands over an accepted socket and an event, whatever comes of it. From another thread. */
void worker_hand(struct worker *worker, enum arrival_kind kind, int fd, wo_event *event,
                 const struct endpoint *peer);

#endif
