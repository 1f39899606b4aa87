/* The contract, first part: events and waiting on them. */
#include "event/contract.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

/* --- Events --- */

static void a_new_event_is_not_set(void **state)
{
    wo_event *manual = new_event(WO_MANUAL_RESET), *automatic = new_event(WO_AUTO_RESET);

    (void)state;
    assert_false(is_set(manual));
    assert_false(is_set(automatic));
    wo_event_free(&manual);
    wo_event_free(&automatic);
    assert_null(manual);
    wo_event_free(&manual);
    wo_event_free(NULL);
}

static void a_manual_reset_event_stays_set_until_it_is_reset(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET);

    (void)state;
    assert_int_equal(wo_event_set(event), 0);
    assert_int_equal(wo_event_set(event), 0);
    assert_true(is_set(event));
    assert_true(is_set(event));
    assert_int_equal(wo_event_reset(event), 0);
    assert_false(is_set(event));
    assert_int_equal(wo_event_reset(event), 0);
    assert_false(is_set(event));
    wo_event_free(&event);
}

static void the_wait_that_returns_for_an_auto_reset_event_resets_it(void **state)
{
    wo_event *event = new_event(WO_AUTO_RESET);

    (void)state;
    wo_event_set(event);
    wo_event_set(event);
    assert_true(is_set(event));
    assert_false(is_set(event));
    wo_event_set(event);
    wo_event_reset(event);
    assert_false(is_set(event));
    wo_event_free(&event);
}

static void what_is_no_event_is_refused(void **state)
{
    wo_event *event = NULL, *freed, *copy;

    (void)state;
    assert_int_equal(wo_event_new((enum wo_reset)7, &event), -EINVAL);
    assert_null(event);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, NULL), -EINVAL);
    assert_int_equal(wo_event_set(NULL), -EINVAL);
    assert_int_equal(wo_event_reset(NULL), -EINVAL);
    freed = copy = new_event(WO_MANUAL_RESET);
    wo_event_free(&freed);
    assert_int_equal(wo_event_set(copy), -EINVAL);
    assert_int_equal(wo_event_reset(copy), -EINVAL);
    assert_int_equal(wo_wait(&copy, 1, WO_ANY, 0, NULL), -EINVAL);
}

/* --- Waiting --- */

static void a_wait_is_told_what_is_wrong_with_it(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET), *hole[2] = {event, NULL};
    size_t index = 77;

    (void)state;
    assert_int_equal(wo_wait(&event, 0, WO_ANY, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(NULL, 1, WO_ANY, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(hole, 2, WO_ANY, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(&event, 1, (enum wo_wait_mode)9, 0, &index), -EINVAL);
    assert_int_equal(wo_wait(&event, 1, WO_ANY, -2, &index), -EINVAL);
    assert_int_equal(wo_wait(&event, 1, WO_ANY, 0, &index), -ETIMEDOUT);
    assert_int_equal(index, 77);
    wo_event_free(&event);
}

static void of_several_set_events_the_lowest_index_wins(void **state)
{
    wo_event *events[100];
    size_t index;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        events[i] = new_event(WO_AUTO_RESET);
    wo_event_set(events[99]);
    wo_event_set(events[3]);
    wo_event_set(events[40]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wo_wait(events, 100, WO_ANY, 0, &index), 0);
        assert_int_equal(index, ((size_t[]){3, 40, 99})[i]);
    }
    assert_int_equal(wo_wait(events, 100, WO_ANY, 0, &index), -ETIMEDOUT);
    for (size_t i = 0; i < 100; i++)
        wo_event_free(&events[i]);
}

static void a_fair_wait_gives_every_set_event_its_turn(void **state)
{
    wo_event *events[4];
    size_t index = SIZE_MAX;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        events[i] = new_event(WO_MANUAL_RESET);
    wo_event_set(events[0]);
    wo_event_set(events[1]);
    wo_event_set(events[3]);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(wo_wait_next(events, 4, 0, &index), 0);
        assert_int_equal(index, ((size_t[]){0, 1, 3})[i % 3]);
    }
    wo_event_reset(events[0]);
    wo_event_reset(events[3]);
    for (index = 0; index < 4; index += 3) { /* behind 0, and round from 3 */
        assert_int_equal(wo_wait_next(events, 4, 0, &index), 0);
        assert_int_equal(index, 1);
    }
    wo_event_reset(events[1]);
    index = 2;
    assert_int_equal(wo_wait_next(events, 4, 0, &index), -ETIMEDOUT);
    assert_int_equal(index, 2);
    assert_int_equal(wo_wait_next(events, 4, 0, NULL), -EINVAL);
    assert_int_equal(wo_wait_next(events, 0, 0, &index), -EINVAL);
    assert_int_equal(wo_wait_next(NULL, 4, 0, &index), -EINVAL);
    assert_int_equal(wo_wait_next(events, 4, -2, &index), -EINVAL);
    for (size_t i = 0; i < 4; i++)
        wo_event_free(&events[i]);
}

static void a_busy_low_index_does_not_starve_the_network(void **state)
{
    struct pair pair = connect_pair();
    wo_event *events[2] = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)};
    size_t index = 1;

    (void)state;
    wo_select(pair.near, events[1], WO_READ);
    wo_event_set(events[0]);
    assert_int_equal(wo_wait_next(events, 2, 0, &index), 0);
    assert_int_equal(index, 0);
    send_plainly(pair.far, "x");
    assert_int_equal(wo_wait_next(events, 2, 0, &index), 0);
    assert_int_equal(index, 1);
    close_pair(&pair);
    wo_event_free(&events[0]);
    wo_event_free(&events[1]);
}

static void the_lowest_index_wins_also_when_only_the_kernel_knows_of_it(void **state)
{
    struct pair pair = connect_pair();
    wo_event *events[2] = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)};
    size_t index;

    (void)state;
    wo_select(pair.near, events[0], WO_WRITE);
    wo_event_set(events[1]);
    assert_int_equal(wo_wait(events, 2, WO_ANY, 0, &index), 0);
    assert_int_equal(index, 0);
    close_pair(&pair);
    wo_event_free(&events[0]);
    wo_event_free(&events[1]);
}

static void waiting_for_all_takes_nothing_until_all_are_set_and_then_all(void **state)
{
    wo_event *events[3] = {new_event(WO_AUTO_RESET), new_event(WO_MANUAL_RESET),
                           new_event(WO_AUTO_RESET)};
    size_t index = 9;

    (void)state;
    wo_event_set(events[0]);
    wo_event_set(events[1]);
    assert_int_equal(wo_wait(events, 3, WO_ALL, 1000, &index), -ETIMEDOUT);
    assert_true(is_set(events[0]));
    wo_event_set(events[0]);
    wo_event_set(events[2]);
    assert_int_equal(wo_wait(events, 3, WO_ALL, 0, &index), 0);
    assert_int_equal(index, 0);
    assert_false(is_set(events[0]));
    assert_true(is_set(events[1]));
    assert_false(is_set(events[2]));
    for (size_t i = 0; i < 3; i++)
        wo_event_free(&events[i]);
}

static void waiting_for_all_refuses_an_event_twice(void **state)
{
    wo_event *one = new_event(WO_MANUAL_RESET), *other = new_event(WO_MANUAL_RESET);
    wo_event *twice[3] = {one, other, one};

    (void)state;
    wo_event_set(one);
    wo_event_set(other);
    assert_int_equal(wo_wait(twice, 3, WO_ALL, 0, NULL), -EINVAL);
    assert_int_equal(wo_wait(twice, 3, WO_ANY, 0, NULL), 0);
    wo_event_free(&one);
    wo_event_free(&other);
}

static int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void a_timeout_is_never_early(void **state)
{
    static const int64_t timeouts_ns[] = {1, 1000, 300000, 1700000, 12345678};
    wo_event *event = new_event(WO_MANUAL_RESET);

    (void)state;
    for (size_t i = 0; i < sizeof(timeouts_ns) / sizeof(timeouts_ns[0]); i++) {
        int64_t began_ns = monotonic_ns();

        assert_int_equal(wo_wait(&event, 1, WO_ANY, timeouts_ns[i], NULL), -ETIMEDOUT);
        assert_true(monotonic_ns() - began_ns >= timeouts_ns[i]);
    }
    wo_event_free(&event);
}

/* --- Several threads --- */

static void setting_wakes_a_thread_that_waits(void **state)
{
    struct waiting waiting = {
        .events = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)}, .count = 2};

    (void)state;
    start_waiting(&waiting);
    wo_event_set(waiting.events[1]);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    assert_int_equal(waiting.index, 1);
    wo_event_free(&waiting.events[0]);
    wo_event_free(&waiting.events[1]);
}

static void an_auto_reset_event_wakes_exactly_one_of_two_threads(void **state)
{
    wo_event *event = new_event(WO_AUTO_RESET);
    struct waiting first = {.events = {event}, .count = 1}, second = first;

    (void)state;
    start_waiting(&first);
    start_waiting(&second);
    wo_event_set(event);
    /* Had one set woken both, the second would stay set. */
    while (is_set(event))
        wo_event_set(event);
    wo_event_set(event);
    finish_waiting(&first);
    finish_waiting(&second);
    assert_int_equal(first.result, 0);
    assert_int_equal(second.result, 0);
    assert_false(is_set(event));
    wo_event_free(&event);
}

static void a_manual_reset_event_wakes_all_threads_even_if_reset_at_once(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET);
    struct waiting first = {.events = {event}, .count = 1}, second = first;

    (void)state;
    start_waiting(&first);
    start_waiting(&second);
    wo_event_set(event);
    wo_event_reset(event);
    finish_waiting(&first);
    finish_waiting(&second);
    assert_int_equal(first.result, 0);
    assert_int_equal(second.result, 0);
    assert_false(is_set(event));
    wo_event_free(&event);
}

/* One thread sleeps in the kernel for all; when its time is over, another must take its place. */
static void when_one_thread_leaves_the_others_still_hear_of_the_network(void **state)
{
    struct pair pair = connect_pair();
    wo_event *never = new_event(WO_MANUAL_RESET), *readable = new_event(WO_MANUAL_RESET);
    struct waiting first = {.events = {never}, .count = 1, .timeout_ns = 50000000};
    struct waiting second = {.events = {readable}, .count = 1};

    (void)state;
    wo_select(pair.near, readable, WO_READ);
    start_waiting(&first);
    start_waiting(&second);
    finish_waiting(&first);
    assert_int_equal(first.result, -ETIMEDOUT);
    send_plainly(pair.far, "x");
    finish_waiting(&second);
    assert_int_equal(second.result, 0);
    close_pair(&pair);
    wo_event_free(&never);
    wo_event_free(&readable);
}

static void freeing_an_event_cancels_the_waits_on_it(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET), *kept = new_event(WO_MANUAL_RESET);
    struct waiting first = {.events = {kept, event}, .count = 2}, second = first;

    (void)state;
    second.mode = WO_ALL;
    start_waiting(&first);
    start_waiting(&second);
    wo_event_free(&event);
    finish_waiting(&first);
    finish_waiting(&second);
    assert_int_equal(first.result, -ECANCELED);
    assert_int_equal(second.result, -ECANCELED);
    wo_event_free(&kept);
}

static void closing_a_socket_leaves_the_waits_on_its_event_waiting(void **state)
{
    struct pair pair = connect_pair();
    wo_event *event = new_event(WO_MANUAL_RESET);
    struct waiting waiting = {.events = {event}, .count = 1};

    (void)state;
    wo_select(pair.near, event, WO_READ | WO_CLOSE);
    start_waiting(&waiting);
    close_pair(&pair);
    assert_false(is_set(event));
    wo_event_set(event);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    wo_event_free(&event);
}

/* --- Signal handlers --- */

static wo_event *set_by_handler;

static void set_it(int number)
{
    (void)number;
    wo_event_set(set_by_handler);
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(number, &action, NULL);
}

static void a_signal_handler_may_set_an_event(void **state)
{
    struct waiting waiting = {.events = {new_event(WO_MANUAL_RESET)}, .count = 1};

    (void)state;
    set_by_handler = waiting.events[0];
    handle(SIGUSR1, set_it);
    start_waiting(&waiting);
    pthread_kill(waiting.thread, SIGUSR1);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    wo_event_free(&waiting.events[0]);
}

static void do_nothing(int number)
{
    (void)number;
}

static void a_signal_alone_does_not_end_a_wait(void **state)
{
    struct waiting waiting = {
        .events = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)}, .count = 2};

    (void)state;
    handle(SIGUSR1, do_nothing);
    start_waiting(&waiting);
    pthread_kill(waiting.thread, SIGUSR1);
    wo_event_set(waiting.events[1]);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    assert_int_equal(waiting.index, 1);
    wo_event_free(&waiting.events[0]);
    wo_event_free(&waiting.events[1]);
}

static atomic_int rings;

static void ring(int number)
{
    (void)number;
    atomic_fetch_add(&rings, 1);
    wo_event_set(set_by_handler);
}

/* A timer's signal finds the thread anywhere in the library, its locks held or not. Every
 * setting must arrive: after each wait the next one ends only by another. */
static void a_handler_may_interrupt_the_library_anywhere(void **state)
{
    struct itimerval often = {.it_interval = {.tv_usec = 50},
                              .it_value = {.tv_usec = 50}};
    struct itimerval never = {0};
    wo_event *event = new_event(WO_AUTO_RESET), *other = new_event(WO_MANUAL_RESET);

    (void)state;
    set_by_handler = event;
    handle(SIGALRM, ring);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 300; i++) {
        int before = atomic_load(&rings);

        while (atomic_load(&rings) < before + 2) {
            wo_event_set(other);
            wo_event_reset(other);
        }
        assert_int_equal(wo_wait(&event, 1, WO_ANY, LONG_NS, NULL), 0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    wo_event_free(&event);
    wo_event_free(&other);
}

int main(void)
{
    const struct CMUnitTest rules[] = {
        cmocka_unit_test(a_new_event_is_not_set),
        cmocka_unit_test(a_manual_reset_event_stays_set_until_it_is_reset),
        cmocka_unit_test(the_wait_that_returns_for_an_auto_reset_event_resets_it),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(a_wait_is_told_what_is_wrong_with_it),
        cmocka_unit_test(of_several_set_events_the_lowest_index_wins),
        cmocka_unit_test(a_fair_wait_gives_every_set_event_its_turn),
        cmocka_unit_test(a_busy_low_index_does_not_starve_the_network),
        cmocka_unit_test(the_lowest_index_wins_also_when_only_the_kernel_knows_of_it),
        cmocka_unit_test(waiting_for_all_takes_nothing_until_all_are_set_and_then_all),
        cmocka_unit_test(waiting_for_all_refuses_an_event_twice),
        cmocka_unit_test(a_timeout_is_never_early),
        cmocka_unit_test(setting_wakes_a_thread_that_waits),
        cmocka_unit_test(an_auto_reset_event_wakes_exactly_one_of_two_threads),
        cmocka_unit_test(a_manual_reset_event_wakes_all_threads_even_if_reset_at_once),
        cmocka_unit_test(when_one_thread_leaves_the_others_still_hear_of_the_network),
        cmocka_unit_test(freeing_an_event_cancels_the_waits_on_it),
        cmocka_unit_test(closing_a_socket_leaves_the_waits_on_its_event_waiting),
        cmocka_unit_test(a_signal_handler_may_set_an_event),
        cmocka_unit_test(a_signal_alone_does_not_end_a_wait),
        cmocka_unit_test(a_handler_may_interrupt_the_library_anywhere),
    };

    return cmocka_run_group_tests_name("events and waits", rules, NULL, NULL);
}
