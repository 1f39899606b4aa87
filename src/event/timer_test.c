#include "event/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MANY = 3000 };

static struct timer timers[MANY];

/* A xorshift generator: the same numbers in every run. */
static unsigned next_number(void)
{
    static unsigned state = 2463534242u;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void timers_are_taken_in_the_order_of_their_times(void **state)
{
    struct timers heap = {0};
    int64_t last_ns = -1;
    int taken = 0;

    (void)state;
    for (int i = 0; i < MANY; i++)
        timer_start(&heap, &timers[i], next_number() % 1000, 0);
    for (int i = 0; i < MANY; i += 3)
        timer_stop(&heap, &timers[i]);
    for (int64_t due_ns; (due_ns = timers_due_ns(&heap)) >= 0; taken++) {
        assert_true(due_ns >= last_ns);
        assert_null(timers_take(&heap, due_ns - 1));
        assert_false(timer_runs(timers_take(&heap, due_ns)));
        last_ns = due_ns;
    }
    assert_int_equal(taken, MANY - MANY / 3);
}

static void any_timer_may_be_stopped_at_any_time(void **state)
{
    struct timers heap = {0};
    int running = 0;

    (void)state;
    for (int i = 0; i < MANY; i++)
        timer_init(&timers[i]);
    for (int step = 0; step < 20 * MANY; step++) {
        struct timer *timer = &timers[next_number() % MANY];

        running += timer_runs(timer) ? -1 : 1;
        if (timer_runs(timer))
            timer_stop(&heap, timer);
        else
            timer_start(&heap, timer, next_number() % 1000, 0);
        if (step % 16 == 0 && timers_take(&heap, 500))
            running--;
    }
    while (timers_take(&heap, 1000))
        running--;
    assert_int_equal(running, 0);
    assert_int_equal(timers_due_ns(&heap), -1);
}

static void a_period_keeps_its_grid_and_missed_times_are_one(void **state)
{
    struct timers heap = {0};
    struct timer timer;

    (void)state;
    timer_start(&heap, &timer, 1000, 100);
    assert_null(timers_take(&heap, 999));
    assert_ptr_equal(timers_take(&heap, 1000), &timer);
    assert_int_equal(timers_due_ns(&heap), 1100);
    assert_ptr_equal(timers_take(&heap, 1730), &timer);
    assert_int_equal(timers_due_ns(&heap), 1800);
    assert_null(timers_take(&heap, 1799));
}

static void a_time_beyond_all_clocks_is_the_last_one(void **state)
{
    struct timers heap = {0};
    struct timer timer;

    (void)state;
    timer_start(&heap, &timer, 5, INT64_MAX);
    assert_ptr_equal(timers_take(&heap, 6), &timer);
    assert_int_equal(timers_due_ns(&heap), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_are_taken_in_the_order_of_their_times),
        cmocka_unit_test(any_timer_may_be_stopped_at_any_time),
        cmocka_unit_test(a_period_keeps_its_grid_and_missed_times_are_one),
        cmocka_unit_test(a_time_beyond_all_clocks_is_the_last_one),
    };

    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
