/* What an event holds. */
#ifndef WOSHOU_EVENT_OBJECT_H
#define WOSHOU_EVENT_OBJECT_H

#include "event/poller.h"
#include "event/timer.h"

/* A line of the processor's cache. Of thousands of events few are in the cache: what a
 * report, a look through an array and a wait set touch is together in the first line. */
#define CACHE_LINE 64

struct wo_event {
    _Alignas(
        CACHE_LINE) _Atomic(struct poller *) home; /* changes under both pollers' locks */
    atomic_bool alive;                             /* changes under the home's lock */

    /* Under the home's lock. */
    bool auto_reset;
    bool set;
    bool in_set;         /* a member of the home's wait set */
    unsigned place;      /* where event_at finds it; stays */
    uint64_t birth;      /* when it was made, counted in events made */
    uint64_t set_moment; /* the home's when it last became set; 0: taken or never */
    uint64_t round;      /* the home's in which wo_set_wait last gave it */
    void *owner;         /* what wo_set_add was given */
    struct list_link
        ready; /* in the home's `ready`; in the store of events to use again */

    uint64_t mark; /* the last wait for all that counted it */
    struct list_link member;
    struct list selections; /* the sockets selected to it */
    struct timer timer;     /* sets it; among the home's `timers` while it runs */

    atomic_uint order; /* what a handler asked for while the lock was held: ORDER_... */
    wo_event *next_order; /* on the poller's list of orders */
};

/* An event's place is a short name for it: the event's there, or that of another one,
 * where there are more than a million; null for a place that nobody has. Needs no lock.
 */
enum { EVENT_PLACE_BITS = 20, EVENT_PLACE_MASK = (1 << EVENT_PLACE_BITS) - 1 };
const wo_event *event_at(unsigned place);

/* How many events were made so far: a later one has a greater birth. */
uint64_t event_births(void);
/* A number that no wait had before. */
uint64_t event_new_mark(void);

/* Locks the event's home and returns it. The event may be freed already: see `alive`. */
struct poller *event_lock(wo_event *event);
/* The same for the homes of two events, which may be one and the same. */
void event_lock_two(wo_event *first, wo_event *second);
void event_unlock_two(wo_event *first, wo_event *second);
/* Locks and unlocks two pollers, which may be one and the same. */
void poller_lock_two(struct poller *first, struct poller *second);
void poller_unlock_two(struct poller *first, struct poller *second);

/* These need the home's lock. */

/* Sets: whoever waits is woken, unless it is set already. */
void event_signal(wo_event *event);
void event_clear(wo_event *event);
/* The wait returns for it: resets an auto-reset event. */
void event_take(wo_event *event);
/* Whether a wait that began at `since` returns for it: it is set, or was set meanwhile
 * and reset before the waiting thread could look, as Windows wakes the waiters when an
 * event is set. */
bool event_signalled(const wo_event *event, uint64_t since);

/* Carries out the event's order, if it still lives on `poller`; else passes the order on.
 */
void event_carry_out(struct poller *poller, wo_event *event);

/* Moves the event and its sockets to another home, both locked. On failure (-ENOMEM,
 * -ENOSPC) it stays where it was. */
int event_move(wo_event *event, struct poller *home);
/* The same where it must succeed: a socket that cannot come along is selected no more. */
void event_move_or_end(wo_event *event, struct poller *home);

#endif
