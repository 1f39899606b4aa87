/* The contract, fifth part: timers. */
#include "event/contract.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 20000 };
#define MS INT64_C(1000000)
#define HOUR (3600 * 1000 * MS)

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void a_timer_sets_its_event_once_and_never_early(void **state)
{
    static const int64_t due_ns[] = {0, 1, 100000, 3 * MS};
    wo_event *event = new_event(WO_AUTO_RESET);

    (void)state;
    for (size_t i = 0; i < sizeof(due_ns) / sizeof(due_ns[0]); i++) {
        int64_t began_ns = monotonic_ns();

        assert_int_equal(wo_timer_set(event, due_ns[i], 0), 0);
        await(event);
        assert_true(monotonic_ns() - began_ns >= due_ns[i]);
        assert_int_equal(wo_wait(&event, 1, WO_ANY, 2 * MS, NULL), -ETIMEDOUT);
    }
    wo_event_free(&event);
}

static void a_periodic_timer_sets_its_event_again_and_again(void **state)
{
    wo_event *event = new_event(WO_AUTO_RESET);
    int64_t began_ns = monotonic_ns();

    (void)state;
    assert_int_equal(wo_timer_set(event, 0, MS), 0);
    for (int i = 0; i < 5; i++)
        await(event);
    assert_true(monotonic_ns() - began_ns >= 4 * MS);
    wo_event_free(&event);
}

/* The thread is late by many periods; it finds one setting and no queue of them. */
static void missed_periods_are_one_setting(void **state)
{
    wo_event *event = new_event(WO_AUTO_RESET), *pause = new_event(WO_AUTO_RESET);
    int64_t began_ns;

    (void)state;
    wo_timer_set(event, 0, 20 * MS);
    began_ns = monotonic_ns();
    wo_timer_set(pause, 70 * MS, 0);
    await(pause);
    assert_true(is_set(event));
    if (monotonic_ns() - began_ns < 80 * MS) /* else the machine was held up */
        assert_false(is_set(event));
    wo_event_free(&event);
    wo_event_free(&pause);
}

static void setting_a_timer_replaces_the_one_before(void **state)
{
    wo_event *event = new_event(WO_AUTO_RESET);

    (void)state;
    wo_timer_set(event, MS, MS);
    wo_timer_set(event, HOUR, 0);
    assert_int_equal(wo_wait(&event, 1, WO_ANY, 3 * MS, NULL), -ETIMEDOUT);
    wo_timer_set(event, 0, 0);
    await(event);
    wo_event_free(&event);
}

static void cancelling_leaves_the_event_as_it_is(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET);

    (void)state;
    assert_int_equal(wo_timer_cancel(event), 0);
    wo_timer_set(event, MS, MS);
    await(event);
    assert_int_equal(wo_timer_cancel(event), 0);
    assert_true(is_set(event));
    wo_event_reset(event);
    assert_int_equal(wo_wait(&event, 1, WO_ANY, 3 * MS, NULL), -ETIMEDOUT);
    wo_timer_set(event, 0, 0);
    assert_int_equal(wo_timer_cancel(event), 0);
    assert_false(is_set(event));
    wo_event_free(&event);
}

static void what_cannot_be_timed_is_refused(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET), *copy = event;

    (void)state;
    assert_int_equal(wo_timer_set(NULL, 0, 0), -EINVAL);
    assert_int_equal(wo_timer_cancel(NULL), -EINVAL);
    assert_int_equal(wo_timer_set(event, -1, 0), -EINVAL);
    assert_int_equal(wo_timer_set(event, 0, -1), -EINVAL);
    assert_int_equal(wo_timer_set(event, INT64_MAX, INT64_MAX), 0);
    assert_false(is_set(event));
    wo_event_free(&event);
    assert_int_equal(wo_timer_set(copy, 0, 0), -EINVAL);
    assert_int_equal(wo_timer_cancel(copy), -EINVAL);
}

static void a_freed_event_has_no_timer_and_nor_has_the_next(void **state)
{
    wo_event *old = new_event(WO_MANUAL_RESET), *events[200];

    (void)state;
    wo_timer_set(old, 0, MS);
    wo_event_free(&old);
    for (size_t i = 0; i < 200; i++)
        events[i] = new_event(WO_MANUAL_RESET);
    assert_int_equal(wo_wait(events, 200, WO_ANY, 2 * MS, NULL), -ETIMEDOUT);
    for (size_t i = 0; i < 200; i++)
        wo_event_free(&events[i]);
}

static void timers_and_the_network_are_one_wait(void **state)
{
    struct pair pair = connect_pair();
    wo_event *events[3] = {new_event(WO_MANUAL_RESET), new_event(WO_AUTO_RESET),
                           new_event(WO_MANUAL_RESET)};
    size_t index;

    (void)state;
    wo_select(pair.near, events[0], WO_READ);
    wo_timer_set(events[1], MS, 0);
    assert_int_equal(wo_wait(events, 3, WO_ANY, LONG_NS, &index), 0);
    assert_int_equal(index, 1);
    send_plainly(pair.far, "x");
    assert_int_equal(wo_wait(events, 3, WO_ANY, LONG_NS, &index), 0);
    assert_int_equal(index, 0);
    wo_timer_set(events[1], MS, 0);
    wo_timer_set(events[2], 2 * MS, 0);
    assert_int_equal(wo_wait(events, 3, WO_ALL, LONG_NS, &index), 0);
    for (int i = 0; i < 3; i++)
        wo_event_free(&events[i]);
    close_pair(&pair);
}

static void timers_follow_their_event_into_a_set_and_out(void **state)
{
    wo_event *event = new_event(WO_AUTO_RESET);
    wo_ready ready;
    wo_set *set;

    (void)state;
    assert_int_equal(wo_set_new(&set), 0);
    wo_timer_set(event, MS, 0);
    wo_set_add(set, event, NULL);
    assert_int_equal(wo_set_wait(set, &ready, 1, LONG_NS), 1);
    assert_ptr_equal(ready.event, event);
    wo_timer_set(event, MS, MS);
    wo_set_remove(set, event);
    assert_int_equal(wo_set_wait(set, &ready, 1, 2 * MS), -ETIMEDOUT);
    await(event);
    await(event);
    wo_set_add(set, event, NULL);
    wo_set_free(&set);
    await(event);
    wo_event_free(&event);
}

static void a_wait_across_sets_hears_its_timers(void **state)
{
    wo_event *events[2] = {new_event(WO_AUTO_RESET), new_event(WO_AUTO_RESET)};
    size_t index;
    wo_set *set;

    (void)state;
    assert_int_equal(wo_set_new(&set), 0);
    wo_set_add(set, events[1], NULL);
    for (size_t i = 0; i < 2; i++) {
        wo_timer_set(events[i], MS, 0);
        assert_int_equal(wo_wait(events, 2, WO_ANY, LONG_NS, &index), 0);
        assert_int_equal(index, i);
    }
    wo_set_free(&set);
    wo_event_free(&events[0]);
    wo_event_free(&events[1]);
}

/* The thread sleeps for ever when the timer is set; or until a later one. */
static void a_timer_set_while_a_thread_waits_wakes_it_in_time(void **state)
{
    wo_event *later = new_event(WO_MANUAL_RESET);
    struct waiting waiting = {.events = {new_event(WO_MANUAL_RESET)}, .count = 1};

    (void)state;
    start_waiting(&waiting);
    wo_timer_set(later, HOUR, 0);
    wo_timer_set(waiting.events[0], MS, 0);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    wo_event_free(&waiting.events[0]);
    wo_event_free(&later);
}

/* One thread sleeps in the kernel, for the timers of all; then another must. */
static void a_timer_comes_though_the_thread_that_kept_it_leaves(void **state)
{
    wo_event *never = new_event(WO_MANUAL_RESET), *timed = new_event(WO_MANUAL_RESET);
    struct waiting first = {.events = {never}, .count = 1, .timeout_ns = 10 * MS};
    struct waiting second = {.events = {timed}, .count = 1};

    (void)state;
    wo_timer_set(timed, 30 * MS, 0);
    start_waiting(&first);
    start_waiting(&second);
    finish_waiting(&first);
    finish_waiting(&second);
    assert_int_equal(first.result, -ETIMEDOUT);
    assert_int_equal(second.result, 0);
    wo_event_free(&never);
    wo_event_free(&timed);
}

static void tens_of_thousands_of_timers_come_in_their_order(void **state)
{
    static wo_event *events[MANY];
    static wo_ready ready[MANY];
    wo_set *set;
    int found = 0;

    (void)state;
    assert_int_equal(wo_set_new(&set), 0);
    for (int i = 0; i < MANY; i++) {
        events[i] = new_event(WO_AUTO_RESET);
        wo_set_add(set, events[i], &events[i]);
        assert_int_equal(wo_timer_set(events[i], MS + i * 100, 0), 0);
    }
    for (int i = 0; i < MANY; i += 2)
        wo_timer_cancel(events[i]);
    while (found < MANY / 2) {
        int count = wo_set_wait(set, ready, MANY, LONG_NS);

        assert_true(count > 0);
        for (int i = 0; i < count; i++, found++)
            assert_ptr_equal(ready[i].owner, &events[2 * found + 1]);
    }
    for (int i = 0; i < MANY; i++)
        wo_event_free(&events[i]);
    wo_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest rules[] = {
        cmocka_unit_test(a_timer_sets_its_event_once_and_never_early),
        cmocka_unit_test(a_periodic_timer_sets_its_event_again_and_again),
        cmocka_unit_test(missed_periods_are_one_setting),
        cmocka_unit_test(setting_a_timer_replaces_the_one_before),
        cmocka_unit_test(cancelling_leaves_the_event_as_it_is),
        cmocka_unit_test(what_cannot_be_timed_is_refused),
        cmocka_unit_test(a_freed_event_has_no_timer_and_nor_has_the_next),
        cmocka_unit_test(timers_and_the_network_are_one_wait),
        cmocka_unit_test(timers_follow_their_event_into_a_set_and_out),
        cmocka_unit_test(a_wait_across_sets_hears_its_timers),
        cmocka_unit_test(a_timer_set_while_a_thread_waits_wakes_it_in_time),
        cmocka_unit_test(a_timer_comes_though_the_thread_that_kept_it_leaves),
        cmocka_unit_test(tens_of_thousands_of_timers_come_in_their_order),
    };

    return cmocka_run_group_tests_name("timers", rules, NULL, NULL);
}
