#include "event/lock.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Whoever finds the lock held marks it as waited for before it sleeps; a thread that
 * wakes cannot know whether others still sleep, so it takes the lock marked. */
void lock_contend(struct lock *lock)
{
    while (atomic_exchange(&lock->word, 2) != 0)
        futex_sleep(&lock->word, 2, -1);
}

void lock_hand_over(struct lock *lock)
{
    futex_wake(&lock->word, 1);
}

void futex_sleep(atomic_uint *word, unsigned value, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                             .tv_nsec = (long)(deadline_ns % NS_PER_S)};

    /* FUTEX_WAIT_BITSET takes an absolute time on the monotonic clock; FUTEX_WAIT a
     * relative one. */
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
            deadline_ns < 0 ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(atomic_uint *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}
