#include "event/poller.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/backend.h"
#include "event/object.h"
#include "event/selection.h"

enum { BATCH = 128 };

/* The process has one default poller, and a store of pollers to use again. */
static _Atomic(struct poller *) default_poller;
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static struct poller *store;

static struct poller *take_from_store(void)
{
    struct poller *poller;

    pthread_mutex_lock(&store_lock);
    poller = store;
    if (poller)
        store = poller->next_spare;
    pthread_mutex_unlock(&store_lock);
    return poller ? poller : calloc(1, sizeof(*poller));
}

static void put_into_store(struct poller *poller)
{
    pthread_mutex_lock(&store_lock);
    poller->next_spare = store;
    store = poller;
    pthread_mutex_unlock(&store_lock);
}

int poller_new(struct poller **ret_poller)
{
    struct poller *poller = take_from_store();
    struct engine *engine;
    int code;

    if (!poller)
        return -ENOMEM;
    code = engine_open(&engine);
    if (code < 0) {
        put_into_store(poller);
        return code;
    }
    /* A thread with an old pointer may hold the lock for a moment. */
    poller_lock(poller);
    poller->engine = engine;
    poller->open = true;
    list_init(&poller->seats);
    list_init(&poller->ready);
    list_init(&poller->events);
    poller_unlock(poller);
    *ret_poller = poller;
    return 0;
}

void poller_close(struct poller *poller)
{
    poller->open = false;
    while (poller->led || poller->looking > 0 || !list_empty(&poller->seats)) {
        poller_rouse(poller);
        poller_unlock(poller);
        sched_yield();
        poller_lock(poller);
    }
    poller->engine->backend->close(poller->engine);
    poller->engine = NULL;
    poller_unlock(poller);
    put_into_store(poller);
}

struct poller *poller_default(int *ret_code)
{
    static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
    struct poller *poller = atomic_load(&default_poller);
    int code = 0;

    if (poller)
        return poller;
    pthread_mutex_lock(&making);
    poller = atomic_load(&default_poller);
    if (!poller)
        code = poller_new(&poller);
    if (code == 0)
        atomic_store(&default_poller, poller);
    pthread_mutex_unlock(&making);
    if (code < 0)
        *ret_code = code;
    return code < 0 ? NULL : poller;
}

/* --- The lock, and orders --- */

static void carry_out_orders(struct poller *poller)
{
    wo_event *event;

    if (!atomic_load(&poller->orders))
        return;
    event = atomic_exchange(&poller->orders, NULL);
    while (event) {
        wo_event *next = event->next_order; /* before another order can overwrite it */

        event_carry_out(poller, event);
        event = next;
    }
}

void poller_lock(struct poller *poller)
{
    lock_take(&poller->lock);
    carry_out_orders(poller);
}

bool poller_try_lock(struct poller *poller)
{
    if (!lock_try(&poller->lock))
        return false;
    carry_out_orders(poller);
    return true;
}

/* An order left after the last look and before the release would be nobody's: look once
 * more. */
void poller_unlock(struct poller *poller)
{
    do {
        carry_out_orders(poller);
        lock_release(&poller->lock);
    } while (atomic_load(&poller->orders) && lock_try(&poller->lock));
}

void poller_leave_order(struct poller *poller, wo_event *event)
{
    wo_event *newest = atomic_load(&poller->orders);

    do
        event->next_order = newest;
    while (!atomic_compare_exchange_weak(&poller->orders, &newest, event));
    if (lock_try(&poller->lock))
        poller_unlock(poller);
}

/* --- Sleeping and waking --- */

static void rouse(struct waiter *waiter)
{
    uint64_t one = 1;
    ssize_t written;

    if (atomic_exchange(&waiter->roused, 1) != 0)
        return;
    if (waiter->wake < 0) {
        futex_wake(&waiter->roused, 1);
    } else {
        written = write(waiter->wake, &one, sizeof(one));
        (void)written; /* the first write to a new eventfd */
    }
}

static void wake_leader(struct poller *poller)
{
    if (!poller->asleep || poller->called)
        return;
    poller->called = true;
    poller->engine->backend->wake(poller->engine);
}

void poller_hurry(struct poller *poller)
{
    wake_leader(poller);
}

void poller_rouse(struct poller *poller)
{
    poller->news++;
    wake_leader(poller);
    list_for_each (link, &poller->seats)
        rouse(list_member(link, struct seat, link)->waiter);
}

void poller_leave(struct poller *poller)
{
    struct list_link *first = list_first(&poller->seats);

    if (!poller->led && first)
        rouse(list_member(first, struct seat, link)->waiter);
}

void poller_sit(struct seat *seat)
{
    struct poller *poller = seat->poller;

    seat->leads = !poller->led;
    if (seat->leads) {
        poller->led = poller->asleep = true;
        poller->called = false;
    } else {
        list_append(&poller->seats, &seat->link);
    }
}

void poller_rise(struct seat *seat)
{
    if (seat->leads)
        seat->poller->led = seat->poller->asleep = false;
    else
        list_remove(&seat->link);
    seat->leads = false;
}

/* Of thousands of sockets few are in the processor's cache; all of a batch are fetched
 * together, and before the lock is taken. */
static int wait_reports(struct engine *engine, struct report *ret_reports,
                        int64_t timeout_ns)
{
    int count = engine->backend->wait(engine, ret_reports, BATCH, timeout_ns);

    for (int i = 0; i < count; i++)
        selection_prefetch(ret_reports[i].token);
    return count;
}

static void take_reports(struct poller *poller, const struct report *reports, int count)
{
    for (int i = 0; i < count; i++) {
        if (reports[i].token != WAKE_TOKEN) {
            selection_report(poller, reports[i].token, reports[i].conditions);
        } else if (poller->asleep) {
            /* We are not the leader and took the wake that was meant for it. */
            poller->engine->backend->wake(poller->engine);
        }
    }
}

static void take_timers(struct poller *poller)
{
    struct timer *timer;
    int64_t now_ns;

    if (timers_due_ns(&poller->timers) < 0)
        return;
    now_ns = clock_monotonic_ns();
    while ((timer = timers_take(&poller->timers, now_ns)) != NULL)
        event_signal(list_member(timer, wo_event, timer));
}

int64_t poller_deadline_ns(const struct poller *poller, int64_t deadline_ns)
{
    int64_t due_ns = timers_due_ns(&poller->timers);

    return due_ns >= 0 && (deadline_ns < 0 || due_ns < deadline_ns) ? due_ns
                                                                    : deadline_ns;
}

int poller_sleep(struct seat *seat, int64_t deadline_ns)
{
    struct poller *poller = seat->poller;
    FILLED_BY_CALL struct report reports[BATCH];
    int count = 0;

    if (poller->led && time_left_ns(deadline_ns) == 0)
        return poller_look(poller);
    poller_sit(seat);
    if (seat->leads)
        deadline_ns = poller_deadline_ns(poller, deadline_ns);
    else
        atomic_store(&seat->waiter->roused, 0);
    poller_unlock(poller);
    if (seat->leads)
        count = wait_reports(poller->engine, reports, time_left_ns(deadline_ns));
    else
        futex_sleep(&seat->waiter->roused, 0, deadline_ns);
    poller_lock(poller);
    poller_rise(seat);
    take_reports(poller, reports, count);
    take_timers(poller);
    return count < 0 ? count : 0;
}

int poller_look(struct poller *poller)
{
    struct engine *engine = poller->engine;
    FILLED_BY_CALL struct report reports[BATCH];
    int count;

    poller->looking++;
    poller_unlock(poller);
    count = wait_reports(engine, reports, 0);
    poller_lock(poller);
    poller->looking--;
    take_reports(poller, reports, count);
    take_timers(poller);
    return count < 0 ? count : 0;
}

int64_t deadline_after_ns(int64_t timeout_ns)
{
    int64_t now_ns;

    if (timeout_ns < 0)
        return -1;
    now_ns = clock_monotonic_ns();
    return timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + timeout_ns;
}

int64_t time_left_ns(int64_t deadline_ns)
{
    int64_t left_ns;

    if (deadline_ns < 0)
        return -1;
    left_ns = deadline_ns - clock_monotonic_ns();
    return left_ns > 0 ? left_ns : 0;
}
