/* A poller: one engine, the events that live on it, and the threads that wait for them.
 *
 * Every event lives on one poller, its home: that of the wait set it is in, or the
 * process's default poller. The sockets selected to an event are watched by its home's
 * engine.
 *
 * Guarantees:
 *  - A poller's lock protects its events, all they hold, and the selections of their
 * sockets. An event changes its home only under both pollers' locks. Two locks are taken
 * in the order of their addresses.
 *  - Of the threads that wait on a poller one leads: it sleeps in the engine and takes
 * the reports for all. The others sit on a futex. Whenever an event becomes set, all who
 * may sleep are woken and look again; whoever leaves while nobody leads wakes one to
 * lead.
 *  - Nothing here blocks a signal handler: it tries the lock, and where that is held it
 * leaves an order (set, reset) that the holder carries out before it lets go for good.
 *  - Pollers and events are never given back to the system, only used again, so that a
 * thread with an old pointer finds a lock and a flag there and never a hole. */
#ifndef WOSHOU_EVENT_POLLER_H
#define WOSHOU_EVENT_POLLER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "event/lock.h"
#include "event/timer.h"
#include "woshou/event.h"

struct engine;

struct poller {
    struct lock lock;
    _Atomic(wo_event *)
        orders; /* events with an order, newest first; pushed without the lock */

    /* Under the lock. */
    struct engine *engine;
    bool open;            /* false once its wait set is freed */
    bool led;             /* a thread leads */
    bool asleep;          /* it sleeps in the engine, or is on its way there */
    bool called;          /* it was woken already */
    unsigned looking;     /* threads inside poller_look */
    struct list seats;    /* of those who follow */
    struct list ready;    /* events of the wait set that are set, longest first */
    struct list events;   /* in the wait set; the default poller keeps none */
    struct timers timers; /* of its events */
    uint64_t moment;      /* counts events becoming set */
    uint64_t news;        /* counts poller_rouse: no wait ends but after one */
    uint64_t round;       /* counts wo_set_wait's looks at the engine */
    struct poller *next_spare;
};

/* A thread that waits. */
struct waiter {
    atomic_uint roused;
    int wake; /* an eventfd to be written, for one that sits with several pollers; or -1
               */
};

/* Its place with one poller. */
struct seat {
    struct list_link link;
    struct poller *poller;
    struct waiter *waiter;
    uint64_t since; /* the poller's moment at which the wait began */
    uint64_t news;  /* the poller's news at the last look at its events */
    bool leads;
};

/* The poller of events in no wait set, made on first use; null and an errno in `ret_code`
 * where that fails. Once made it stays. */
struct poller *poller_default(int *ret_code);

/* A poller for a wait set. Closing needs the lock, takes it away, and returns once the
 * last thread that still sleeps there has got up; no event may live on it any more. */
int poller_new(struct poller **ret_poller);
void poller_close(struct poller *poller);

/* Orders left by handlers are carried out on taking the lock and on releasing it. */
void poller_lock(struct poller *poller);
void poller_unlock(struct poller *poller);
bool poller_try_lock(struct poller *poller);
/* Leaves `event` on the list of those with orders; see event.c. */
void poller_leave_order(struct poller *poller, wo_event *event);

/* What follows needs the lock. */

/* Everyone who sleeps here looks again. */
void poller_rouse(struct poller *poller);

/* Whoever leads looks again, for a timer that is due earlier than all others. */
void poller_hurry(struct poller *poller);

/* The earlier of two deadlines: the caller's, and that of the first timer. Whoever leads
 * sleeps no longer. */
int64_t poller_deadline_ns(const struct poller *poller, int64_t deadline_ns);

/* Taking a seat, sleeping, getting up. `poller_sleep` does all three for a thread that
 * waits on one poller; it releases the lock meanwhile. `deadline_ns` is negative for
 * none. Returns 0 when it is worth looking again, or a negated errno. */
void poller_sit(struct seat *seat);
void poller_rise(struct seat *seat);
int poller_sleep(struct seat *seat, int64_t deadline_ns);
/* To be called by a thread that will not sit down again: lets another lead. */
void poller_leave(struct poller *poller);

/* Takes the reports there are, and the timers that are due, without waiting. Releases the lock meanwhile. 0 or
 * negative. */
int poller_look(struct poller *poller);

/* Nanoseconds that remain until `deadline_ns` (negative: for ever), at least 0. */
int64_t time_left_ns(int64_t deadline_ns);
/* The deadline of a timeout that begins now; negative for none. */
int64_t deadline_after_ns(int64_t timeout_ns);

#endif
