/* Timers, and the heap of those that run on one poller: a pairing heap whose links stand
 * inside the timers, so that starting one never allocates and cannot fail. Starting costs
 * a comparison, stopping and taking the due ones the logarithm of how many run, amortized.
 *
 * Nothing here looks at a clock. Times are nanoseconds on the monotonic one. */
#ifndef WOSHOU_EVENT_TIMER_H
#define WOSHOU_EVENT_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer {
    int64_t due_ns;    /* negative: it does not run */
    int64_t period_ns; /* 0: it runs once */
    struct timer *child, *next;
    struct timer *back; /* the one in front, or the parent of the first child */
};

struct timers {
    struct timer *first; /* the earliest; null for none */
};

void timer_init(struct timer *timer);
bool timer_runs(const struct timer *timer);
/* Starts a timer that does not run. */
void timer_start(struct timers *timers, struct timer *timer, int64_t due_ns,
                 int64_t period_ns);
/* Stops it, if it runs; `timers` are those it was started with. */
void timer_stop(struct timers *timers, struct timer *timer);

/* When the earliest is due; negative for none. */
int64_t timers_due_ns(const struct timers *timers);
/* Takes one timer that is due at `now_ns`; null for none. A periodic one runs on, to the
 * first of its times after `now_ns`: those it missed are one. */
struct timer *timers_take(struct timers *timers, int64_t now_ns);

#endif
