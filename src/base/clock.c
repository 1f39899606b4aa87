#include "base/clock.h"

#include <time.h>

static int64_t read_clock_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_monotonic_ns(void)
{
    return read_clock_ns(CLOCK_MONOTONIC);
}

static int64_t monotonic_now_ns(void *owner)
{
    (void)owner;
    return clock_monotonic_ns();
}

const struct clock clock_monotonic = {.now_ns = monotonic_now_ns};

int64_t clock_monotonic_from_realtime_ns(int64_t realtime_ns)
{
    /* The wall clock is read between two readings of the other; of several tries the one
     * with the least time in between tells their distance best (a thread may be put to
     * sleep there). */
    int64_t best_gap = INT64_MAX, distance = 0;
    for (int i = 0; i < 3; i++) {
        int64_t before = clock_monotonic_ns();
        int64_t realtime = read_clock_ns(CLOCK_REALTIME);
        int64_t gap = clock_monotonic_ns() - before;
        if (gap < best_gap) {
            best_gap = gap;
            distance = before + gap / 2 - realtime;
        }
    }
    return realtime_ns + distance;
}
