/* Time is passed in: whatever decides by time takes a `struct clock` or a `now_ns`, so
 * that a test owns the clock. All times are nanoseconds of the monotonic clock
 * (CLOCK_MONOTONIC) unless a name says otherwise. */
#ifndef WOSHOU_BASE_CLOCK_H
#define WOSHOU_BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

struct clock {
    int64_t (*now_ns)(void *owner);
    void *owner;
};

static inline int64_t clock_now_ns(const struct clock *clock)
{
    return clock->now_ns(clock->owner);
}

/* The system's monotonic clock; safe from any thread and from a signal handler. */
int64_t clock_monotonic_ns(void);
extern const struct clock clock_monotonic;

/* A wall-clock stamp (CLOCK_REALTIME, as the kernel stamps packets) on the monotonic
 * scale, by the two clocks' distance at this moment: exact but for a wall clock set in
 * between. */
int64_t clock_monotonic_from_realtime_ns(int64_t realtime_ns);

#endif
