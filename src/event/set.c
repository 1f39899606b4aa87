/* Wait sets. A set is a poller, and the list of its events that are set. */
#include <errno.h>
#include <stdlib.h>

#include "event/object.h"

/* A pointer to a set is one to its poller; freed ones are used again as pollers are. */
static struct poller *poller_of(wo_set *set)
{
    return (struct poller *)(void *)set;
}

int wo_set_new(wo_set **ret_set)
{
    struct poller *poller;
    int code;

    if (!ret_set)
        return -EINVAL;
    code = poller_new(&poller);
    if (code == 0)
        *ret_set = (wo_set *)(void *)poller;
    return code;
}

/* Both homes locked. Where the default poller cannot watch a socket, its selection ends.
 */
static void put_out(wo_event *event, struct poller *home)
{
    list_remove(&event->member);
    event->in_set = false;
    event->owner = NULL;
    event_move_or_end(event, home);
}

void wo_set_free(wo_set **set)
{
    struct poller *poller, *home;
    struct list_link *link;
    int code;

    if (!set || !*set)
        return;
    poller = poller_of(*set);
    *set = NULL;
    home = poller_default(&code); /* there is one, or there are no events */
    if (home)
        poller_lock_two(poller, home);
    else
        poller_lock(poller);
    if (!poller->open) {
        poller_unlock_two(poller, home ? home : poller);
        return;
    }
    while ((link = list_first(&poller->events)) != NULL)
        put_out(list_member(link, wo_event, member), home);
    if (home)
        poller_unlock(home);
    poller_close(poller);
}

int wo_set_add(wo_set *set, wo_event *event, void *owner)
{
    struct poller *poller = poller_of(set), *home;
    int code = -EINVAL;

    if (!set || !event || !atomic_load(&event->alive))
        return -EINVAL;
    for (;;) {
        home = atomic_load(&event->home);
        poller_lock_two(home, poller);
        if (atomic_load(&event->home) == home)
            break;
        poller_unlock_two(home, poller);
    }
    if (!atomic_load(&event->alive) || !poller->open)
        goto out;
    code = event->in_set ? -EEXIST : event_move(event, poller);
    if (code < 0)
        goto out;
    event->in_set = true;
    event->owner = owner;
    event->round = poller->round;
    list_append(&poller->events, &event->member);
    if (event->set)
        list_append(&poller->ready, &event->ready);
out:
    poller_unlock_two(home, poller);
    return code;
}

int wo_set_remove(wo_set *set, wo_event *event)
{
    struct poller *poller = poller_of(set), *home;
    int code;

    if (!set || !event)
        return -EINVAL;
    home = poller_default(&code);
    if (!home)
        return code;
    poller_lock_two(poller, home);
    code = -ENOENT;
    if (atomic_load(&event->home) == poller && event->in_set) {
        put_out(event, home);
        code = 0;
    }
    poller_unlock_two(poller, home);
    return code;
}

/* --- Waiting; the lock is held --- */

/* Gives events in the order in which they became set, each at most once; those that stay
 * set go to the end of the line. */
static int give(struct poller *poller, wo_ready *ret_ready, size_t capacity)
{
    struct list_link *link, *last = poller->ready.head.previous, *given = NULL;
    size_t count = 0;

    while (count < capacity && given != last &&
           (link = list_first(&poller->ready)) != NULL) {
        wo_event *event = list_member(link, wo_event, ready);

        given = link;
        ret_ready[count++] = (wo_ready){.event = event, .owner = event->owner};
        event->round = poller->round;
        event_take(event);
        if (event->set) {
            list_remove(link);
            list_append(&poller->ready, link);
        }
    }
    return (int)count;
}

/* Whether the first in line was given since the last look at the engine: all others have
 * had their turn, and the engine's may have new ones. */
static bool had_turn(const struct poller *poller)
{
    struct list_link *first = list_first(&poller->ready);

    return first && list_member(first, wo_event, ready)->round == poller->round;
}

static int look_again(struct poller *poller)
{
    poller->round++;
    return poller_look(poller);
}

static int wait_ready(struct poller *poller, int64_t timeout_ns)
{
    struct waiter waiter = {.wake = -1};
    struct seat seat = {.poller = poller, .waiter = &waiter};
    int64_t deadline_ns = deadline_after_ns(timeout_ns);
    bool looked = false;
    int code;

    poller->round++;
    while (list_empty(&poller->ready)) {
        if (!poller->open)
            return -ECANCELED;
        if (looked && time_left_ns(deadline_ns) == 0)
            return -ETIMEDOUT;
        code = poller_sleep(&seat, deadline_ns);
        if (code < 0)
            return code;
        looked = true;
    }
    return 0;
}

int wo_set_wait(wo_set *set, wo_ready *ret_ready, size_t capacity, int64_t timeout_ns)
{
    struct poller *poller = poller_of(set);
    int code = 0;

    if (!set || !ret_ready || capacity == 0 || timeout_ns < WO_FOREVER)
        return -EINVAL;
    if (capacity > INT32_MAX)
        capacity = INT32_MAX;
    poller_lock(poller);
    if (!poller->open)
        code = -EINVAL;
    else if (list_empty(&poller->ready))
        code = wait_ready(poller, timeout_ns);
    else if (had_turn(poller))
        code = look_again(poller);
    if (code == 0)
        code = give(poller, ret_ready, capacity);
    poller_leave(poller);
    poller_unlock(poller);
    return code;
}
