/* The contract, first part: events and waiting on them. */
#include "event/contract.h"

#include <errno.h>

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

/* --- Waiting --- */

static void of_several_set_events_the_lowest_index_wins(void **state)
{
    wo_event *events[60];
    size_t index;

    (void)state;
    for (size_t i = 0; i < 60; i++)
        events[i] = new_event(WO_AUTO_RESET);
    wo_event_set(events[59]);
    wo_event_set(events[3]);
    wo_event_set(events[40]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(wo_wait(events, 60, WO_ANY, 0, &index), 0);
        assert_int_equal(index, ((size_t[]){3, 40, 59})[i]);
    }
    assert_int_equal(wo_wait(events, 60, WO_ANY, 0, &index), -ETIMEDOUT);
    for (size_t i = 0; i < 60; i++)
        wo_event_free(&events[i]);
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

enum { ROUNDS = 300 };

/* Two threads that each wait for both of two events, named in opposite order. */
struct taker {
    wo_event *both[2], *taken, *stop, *gone;
    int result;
};

static void *take_pairs(void *argument)
{
    struct taker *taker = argument;

    do {
        taker->result = wo_wait(taker->both, 2, WO_ALL, LONG_NS, NULL);
        wo_event_set(taker->taken);
    } while (taker->result == 0 && !is_set(taker->stop));
    wo_event_set(taker->gone);
    return NULL;
}

static void waiting_for_all_takes_all_at_once_or_nothing(void **state)
{
    wo_event *one = new_event(WO_AUTO_RESET), *other = new_event(WO_AUTO_RESET);
    wo_event *taken = new_event(WO_AUTO_RESET), *stop = new_event(WO_MANUAL_RESET);
    wo_event *gone[2] = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)};
    struct taker takers[2] = {
        {.both = {one, other}, .taken = taken, .stop = stop, .gone = gone[0]},
        {.both = {other, one}, .taken = taken, .stop = stop, .gone = gone[1]}};
    pthread_t threads[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, take_pairs, &takers[i]);
    /* Were each thread left with one half, nobody would ever say that it took a pair. */
    for (int i = 0; i < ROUNDS; i++) {
        wo_event_set(one);
        wo_event_set(other);
        await(taken);
        assert_false(is_set(one) || is_set(other));
    }
    wo_event_set(stop);
    while (wo_wait(gone, 2, WO_ALL, 0, NULL) != 0) {
        wo_event_set(one);
        wo_event_set(other);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(takers[i].result, 0);
        wo_event_free(&gone[i]);
    }
    wo_event_free(&one);
    wo_event_free(&other);
    wo_event_free(&taken);
    wo_event_free(&stop);
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

int main(void)
{
    const struct CMUnitTest rules[] = {
        cmocka_unit_test(a_new_event_is_not_set),
        cmocka_unit_test(a_manual_reset_event_stays_set_until_it_is_reset),
        cmocka_unit_test(the_wait_that_returns_for_an_auto_reset_event_resets_it),
        cmocka_unit_test(of_several_set_events_the_lowest_index_wins),
        cmocka_unit_test(the_lowest_index_wins_also_when_only_the_kernel_knows_of_it),
        cmocka_unit_test(waiting_for_all_takes_nothing_until_all_are_set_and_then_all),
        cmocka_unit_test(waiting_for_all_refuses_an_event_twice),
        cmocka_unit_test(setting_wakes_a_thread_that_waits),
        cmocka_unit_test(an_auto_reset_event_wakes_exactly_one_of_two_threads),
        cmocka_unit_test(a_manual_reset_event_wakes_all_threads_even_if_reset_at_once),
        cmocka_unit_test(when_one_thread_leaves_the_others_still_hear_of_the_network),
        cmocka_unit_test(waiting_for_all_takes_all_at_once_or_nothing),
        cmocka_unit_test(closing_a_socket_leaves_the_waits_on_its_event_waiting),
    };

    return cmocka_run_group_tests_name("events and waits", rules, NULL, NULL);
}
