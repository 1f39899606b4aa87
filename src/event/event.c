/* Event objects: made, freed, set and reset. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "event/object.h"
#include "event/selection.h"

enum { CHUNK = 64, CHUNKS = (1 << EVENT_PLACE_BITS) / CHUNK };
enum { ORDER_SET = 1, ORDER_RESET = 2, ORDER_SET_AND_RESET = 3 };

/* Events come from chunks of CHUNK that stay for good, the first CHUNKS of them where a
 * place leads to. Used ones wait in line, so that a freed event's memory stays a freed
 * event for as long as may be. */
static _Atomic(wo_event *) chunks[CHUNKS];
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t chunk_count;
static struct list store;
static atomic_uint_fast64_t births;
static atomic_uint_fast64_t marks;

uint64_t event_births(void)
{
    return atomic_load(&births);
}

uint64_t event_new_mark(void)
{
    return atomic_fetch_add(&marks, 1) + 1;
}

const wo_event *event_at(unsigned place)
{
    const wo_event *chunk = atomic_load(&chunks[place / CHUNK]);

    return chunk ? &chunk[place % CHUNK] : NULL;
}

static int fill_store(void)
{
    wo_event *chunk = aligned_alloc(CACHE_LINE, CHUNK * sizeof(*chunk));

    if (!chunk)
        return -ENOMEM;
    memset(chunk, 0, CHUNK * sizeof(*chunk));
    for (size_t i = 0; i < CHUNK; i++) {
        chunk[i].place = (chunk_count * CHUNK + i) & EVENT_PLACE_MASK;
        list_append(&store, &chunk[i].ready);
    }
    if (chunk_count < CHUNKS)
        atomic_store(&chunks[chunk_count], chunk);
    chunk_count++;
    return 0;
}

static wo_event *take_from_store(int *ret_code)
{
    struct list_link *spare = NULL;

    pthread_mutex_lock(&store_lock);
    if (chunk_count == 0)
        list_init(&store);
    if (!list_empty(&store) || (*ret_code = fill_store()) == 0)
        spare = list_first(&store);
    if (spare)
        list_remove(spare);
    pthread_mutex_unlock(&store_lock);
    return spare ? list_member(spare, wo_event, ready) : NULL;
}

int wo_event_new(enum wo_reset reset, wo_event **ret_event)
{
    struct poller *home, *before;
    wo_event *event;
    int code = 0;

    if (!ret_event || (reset != WO_MANUAL_RESET && reset != WO_AUTO_RESET))
        return -EINVAL;
    home = poller_default(&code);
    if (!home)
        return code;
    event = take_from_store(&code);
    if (!event)
        return code;
    /* A thread that holds on to the event's former life looks at `alive` under the lock of
     * the home it had then. */
    before = atomic_load(&event->home);
    if (!before)
        before = home;
    poller_lock_two(before, home);
    atomic_store(&event->home, home);
    event->auto_reset = reset == WO_AUTO_RESET;
    event->set = event->in_set = false;
    event->birth = atomic_fetch_add(&births, 1) + 1;
    event->set_moment = 0;
    list_init(&event->selections);
    timer_init(&event->timer);
    atomic_store(&event->alive, true);
    poller_unlock_two(before, home);
    *ret_event = event;
    return 0;
}

void wo_event_free(wo_event **event)
{
    wo_event *freed = event ? *event : NULL;
    struct poller *home;

    if (!freed)
        return;
    *event = NULL;
    home = event_lock(freed);
    if (!atomic_load(&freed->alive)) {
        poller_unlock(home);
        return;
    }
    event_clear(freed);
    timer_stop(&home->timers, &freed->timer);
    selection_end_all(freed);
    if (freed->in_set)
        list_remove(&freed->member);
    freed->in_set = false;
    atomic_store(&freed->alive, false);
    poller_rouse(home);
    poller_unlock(home);
    pthread_mutex_lock(&store_lock);
    list_append(&store, &freed->ready);
    pthread_mutex_unlock(&store_lock);
}

/* --- Locking --- */

void poller_lock_two(struct poller *first, struct poller *second)
{
    poller_lock(first < second ? first : second);
    if (first != second)
        poller_lock(first < second ? second : first);
}

void poller_unlock_two(struct poller *first, struct poller *second)
{
    if (first != second)
        poller_unlock(second);
    poller_unlock(first);
}

struct poller *event_lock(wo_event *event)
{
    for (;;) {
        struct poller *home = atomic_load(&event->home);

        poller_lock(home);
        if (atomic_load(&event->home) == home)
            return home;
        poller_unlock(home);
    }
}

void event_lock_two(wo_event *first, wo_event *second)
{
    for (;;) {
        struct poller *homes[2] = {atomic_load(&first->home), atomic_load(&second->home)};

        poller_lock_two(homes[0], homes[1]);
        if (atomic_load(&first->home) == homes[0] &&
            atomic_load(&second->home) == homes[1])
            return;
        poller_unlock_two(homes[0], homes[1]);
    }
}

void event_unlock_two(wo_event *first, wo_event *second)
{
    poller_unlock_two(atomic_load(&first->home), atomic_load(&second->home));
}

/* --- Set and not set --- */

void event_signal(wo_event *event)
{
    struct poller *home = atomic_load(&event->home);

    if (event->set)
        return;
    event->set = true;
    event->set_moment = ++home->moment;
    if (event->in_set)
        list_append(&home->ready, &event->ready);
    poller_rouse(home);
}

void event_clear(wo_event *event)
{
    event->set = false;
    list_remove(&event->ready);
}

void event_take(wo_event *event)
{
    if (!event->auto_reset)
        return;
    event_clear(event);
    event->set_moment = 0;
}

bool event_signalled(const wo_event *event, uint64_t since)
{
    return event->set || event->set_moment > since;
}

static void obey(wo_event *event, unsigned order)
{
    if (!atomic_load(&event->alive))
        return;
    if (order & ORDER_SET)
        event_signal(event);
    if (order & ORDER_RESET)
        event_clear(event);
}

/* Adds to the order that waits already, the later one last; leaves the event on its
 * home's list where none waits. */
static void leave_order(wo_event *event, unsigned order)
{
    unsigned waiting = atomic_load(&event->order);
    unsigned both;

    do
        both =
            order == ORDER_RESET && (waiting & ORDER_SET) ? ORDER_SET_AND_RESET : order;
    while (!atomic_compare_exchange_weak(&event->order, &waiting, both));
    if (!waiting)
        poller_leave_order(atomic_load(&event->home), event);
}

void event_carry_out(struct poller *poller, wo_event *event)
{
    unsigned order = atomic_exchange(&event->order, 0);

    if (atomic_load(&event->home) == poller)
        obey(event, order);
    else
        leave_order(event, order);
}

/* From a signal handler too: errno stays, and the lock is tried, not taken. */
static int give_order(wo_event *event, unsigned order)
{
    int saved = errno;
    struct poller *home;

    if (!event || !atomic_load(&event->alive))
        return -EINVAL;
    home = atomic_load(&event->home);
    if (poller_try_lock(home)) {
        if (atomic_load(&event->home) == home)
            obey(event, order);
        else
            leave_order(event, order);
        poller_unlock(home);
    } else {
        leave_order(event, order);
    }
    errno = saved;
    return 0;
}

int wo_event_set(wo_event *event)
{
    return give_order(event, ORDER_SET);
}

int wo_event_reset(wo_event *event)
{
    return give_order(event, ORDER_RESET);
}

/* --- Timers --- */

int wo_timer_set(wo_event *event, int64_t due_ns, int64_t period_ns)
{
    struct poller *home;
    int code = -EINVAL;

    if (!event || !atomic_load(&event->alive) || due_ns < 0 || period_ns < 0)
        return -EINVAL;
    home = event_lock(event);
    if (!atomic_load(&event->alive))
        goto out;
    timer_stop(&home->timers, &event->timer);
    timer_start(&home->timers, &event->timer, deadline_after_ns(due_ns), period_ns);
    if (home->timers.first == &event->timer)
        poller_hurry(home);
    code = 0;
out:
    poller_unlock(home);
    return code;
}

int wo_timer_cancel(wo_event *event)
{
    struct poller *home;
    int code = -EINVAL;

    if (!event || !atomic_load(&event->alive))
        return -EINVAL;
    home = event_lock(event);
    if (atomic_load(&event->alive)) {
        timer_stop(&home->timers, &event->timer);
        code = 0;
    }
    poller_unlock(home);
    return code;
}

/* --- Moving --- */

static void move_timer(wo_event *event, struct poller *from, struct poller *to)
{
    struct timer was = event->timer;

    if (!timer_runs(&was))
        return;
    timer_stop(&from->timers, &event->timer);
    timer_start(&to->timers, &event->timer, was.due_ns, was.period_ns);
}

int event_move(wo_event *event, struct poller *home)
{
    struct poller *old = atomic_load(&event->home);
    int code = selection_move_all(event, old->engine, home->engine);

    if (code < 0)
        return code;
    list_remove(&event->ready);
    move_timer(event, old, home);
    atomic_store(&event->home, home);
    event->set_moment = 0;
    /* Threads that wait for it with the old home must look where it went, and the new
     * home's must see it. */
    poller_rouse(old);
    poller_rouse(home);
    return 0;
}

void event_move_or_end(wo_event *event, struct poller *home)
{
    if (event_move(event, home) == 0)
        return;
    selection_end_all(event);
    event_move(event, home);
}
