/* A lock of one word on a futex. It exists beside pthread's because a signal handler must
 * be able to try it: lock_try is a single atomic operation, safe in a handler, whoever
 * holds the lock. */
#ifndef WOSHOU_EVENT_LOCK_H
#define WOSHOU_EVENT_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock {
    atomic_uint word; /* 0: free, 1: held, 2: held and perhaps waited for */
};

/* The slow halves of the two below. */
void lock_contend(struct lock *lock);
void lock_hand_over(struct lock *lock);

static inline bool lock_try(struct lock *lock)
{
    unsigned expected = 0;

    return atomic_compare_exchange_strong(&lock->word, &expected, 1);
}

static inline void lock_take(struct lock *lock)
{
    if (!lock_try(lock))
        lock_contend(lock);
}

static inline void lock_release(struct lock *lock)
{
    if (atomic_exchange(&lock->word, 0) == 2)
        lock_hand_over(lock);
}

/* Sleeps while `*word` is `value`, until `deadline_ns` on the monotonic clock (-1: no
 * deadline). May return early for no reason. */
void futex_sleep(atomic_uint *word, unsigned value, int64_t deadline_ns);
/* Wakes the threads that sleep on the word, at most `count`. Safe in a signal handler. */
void futex_wake(atomic_uint *word, int count);

#endif
