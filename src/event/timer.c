#include "event/timer.h"

#include <stddef.h>

void timer_init(struct timer *timer)
{
    *timer = (struct timer){.due_ns = -1};
}

bool timer_runs(const struct timer *timer)
{
    return timer->due_ns >= 0;
}

/* --- The heap: each timer is due no later than its children --- */

/* Two heaps, either of them perhaps null, whose tops are nobody's children. */
static struct timer *merge(struct timer *one, struct timer *other)
{
    struct timer *top, *below;

    if (!one || !other)
        return one ? one : other;
    top = other->due_ns < one->due_ns ? other : one;
    below = top == one ? other : one;
    below->back = top;
    below->next = top->child;
    if (top->child)
        top->child->back = below;
    top->child = below;
    return top;
}

static struct timer *cut_first(struct timer **list)
{
    struct timer *first = *list;

    if (!first)
        return NULL;
    *list = first->next;
    first->next = first->back = NULL;
    return first;
}

/* A list of children becomes one heap: in pairs from the left, then the pairs from the
 * right, which is what keeps the cost logarithmic. */
static struct timer *merge_children(struct timer *children)
{
    struct timer *pairs = NULL, *heap = NULL;

    while (children) {
        struct timer *one = cut_first(&children);
        struct timer *pair = merge(one, cut_first(&children));

        pair->next = pairs;
        pairs = pair;
    }
    while (pairs)
        heap = merge(heap, cut_first(&pairs));
    return heap;
}

static void unlink_from_siblings(struct timer *timer)
{
    if (timer->back->child == timer)
        timer->back->child = timer->next;
    else
        timer->back->next = timer->next;
    if (timer->next)
        timer->next->back = timer->back;
}

/* --- Timers --- */

void timer_start(struct timers *timers, struct timer *timer, int64_t due_ns,
                 int64_t period_ns)
{
    *timer = (struct timer){.due_ns = due_ns, .period_ns = period_ns};
    timers->first = merge(timers->first, timer);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    struct timer *below;

    if (!timer_runs(timer))
        return;
    below = merge_children(timer->child);
    if (timers->first == timer) {
        timers->first = below;
    } else {
        unlink_from_siblings(timer);
        timers->first = merge(timers->first, below);
    }
    timer_init(timer);
}

int64_t timers_due_ns(const struct timers *timers)
{
    return timers->first ? timers->first->due_ns : -1;
}

static int64_t next_time_ns(int64_t due_ns, int64_t period_ns, int64_t now_ns)
{
    int64_t late_ns = (now_ns - due_ns) % period_ns;

    return now_ns - late_ns > INT64_MAX - period_ns ? INT64_MAX
                                                    : now_ns - late_ns + period_ns;
}

struct timer *timers_take(struct timers *timers, int64_t now_ns)
{
    struct timer *timer = timers->first;
    struct timer was;

    if (!timer || timer->due_ns > now_ns)
        return NULL;
    was = *timer;
    timer_stop(timers, timer);
    if (was.period_ns > 0)
        timer_start(timers, timer, next_time_ns(was.due_ns, was.period_ns, now_ns),
                    was.period_ns);
    return timer;
}
