/* The contract, fourth part: wait sets, and waits across them. */
#include "event/contract.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MANY = 5000, MANY_PAIRS = 400 };

static wo_set *new_set(void)
{
    wo_set *set = NULL;

    assert_int_equal(wo_set_new(&set), 0);
    return set;
}

/* The one event that is ready, and no other; null where none is. */
static wo_event *only_ready(wo_set *set)
{
    wo_ready ready[4];
    int count = wo_set_wait(set, ready, 4, 0);

    if (count == -ETIMEDOUT)
        return NULL;
    assert_int_equal(count, 1);
    return ready[0].event;
}

static void a_set_gives_what_is_set_with_its_owner(void **state)
{
    wo_set *set = new_set();
    wo_event *events[2] = {new_event(WO_MANUAL_RESET), new_event(WO_MANUAL_RESET)};
    wo_ready ready[4];
    int owner;

    (void)state;
    wo_event_set(events[1]);
    assert_int_equal(wo_set_add(set, events[0], NULL), 0);
    assert_int_equal(wo_set_add(set, events[1], &owner), 0);
    assert_int_equal(wo_set_wait(set, ready, 4, LONG_NS), 1);
    assert_ptr_equal(ready[0].event, events[1]);
    assert_ptr_equal(ready[0].owner, &owner);
    wo_event_reset(events[1]);
    assert_int_equal(wo_set_wait(set, ready, 4, 0), -ETIMEDOUT);
    assert_int_equal(wo_set_wait(set, ready, 4, 1000), -ETIMEDOUT);
    wo_set_free(&set);
    assert_null(set);
    wo_set_free(&set);
    wo_set_free(NULL);
    wo_event_free(&events[0]);
    wo_event_free(&events[1]);
}

static void events_come_in_the_order_in_which_they_became_set(void **state)
{
    wo_set *set = new_set();
    wo_event *events[3];
    wo_ready ready[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        events[i] = new_event(WO_AUTO_RESET);
        wo_set_add(set, events[i], NULL);
    }
    wo_event_set(events[2]);
    wo_event_set(events[0]);
    wo_event_set(events[1]);
    assert_int_equal(wo_set_wait(set, ready, 2, 0), 2);
    assert_ptr_equal(ready[0].event, events[2]);
    assert_ptr_equal(ready[1].event, events[0]);
    assert_int_equal(wo_set_wait(set, ready, 4, 0), 1);
    assert_ptr_equal(ready[0].event, events[1]);
    assert_false(is_set(events[2]));
    wo_set_free(&set);
    for (int i = 0; i < 3; i++)
        wo_event_free(&events[i]);
}

static void events_that_stay_set_take_turns(void **state)
{
    wo_set *set = new_set();
    wo_event *events[3];
    wo_ready ready[4];

    (void)state;
    for (int i = 0; i < 3; i++) {
        events[i] = new_event(WO_MANUAL_RESET);
        wo_set_add(set, events[i], NULL);
        wo_event_set(events[i]);
    }
    for (int turn = 0; turn < 7; turn++) {
        assert_int_equal(wo_set_wait(set, ready, 1, 0), 1);
        assert_ptr_equal(ready[0].event, events[turn % 3]);
    }
    assert_int_equal(wo_set_wait(set, ready, 4, 0), 3);
    wo_set_free(&set);
    for (int i = 0; i < 3; i++)
        wo_event_free(&events[i]);
}

static void an_event_that_stays_set_does_not_starve_the_network(void **state)
{
    wo_set *set = new_set();
    wo_event *busy = new_event(WO_MANUAL_RESET), *readable = new_event(WO_MANUAL_RESET);
    struct pair pair = connect_pair();
    wo_ready ready;
    int calls = 0;

    (void)state;
    wo_set_add(set, busy, NULL);
    wo_set_add(set, readable, NULL);
    wo_select(pair.near, readable, WO_READ);
    wo_event_set(busy);
    assert_int_equal(wo_set_wait(set, &ready, 1, 0), 1);
    send_plainly(pair.far, "x");
    do
        assert_int_equal(wo_set_wait(set, &ready, 1, 0), 1);
    while (ready.event == busy && ++calls < 1000);
    assert_ptr_equal(ready.event, readable);
    close_pair(&pair);
    wo_set_free(&set);
    wo_event_free(&busy);
    wo_event_free(&readable);
}

static void an_event_is_in_one_set_at_most(void **state)
{
    wo_set *set = new_set(), *other = new_set();
    wo_event *event = new_event(WO_MANUAL_RESET), *freed, *copy;
    wo_ready ready;

    (void)state;
    assert_int_equal(wo_set_add(set, event, NULL), 0);
    assert_int_equal(wo_set_add(set, event, NULL), -EEXIST);
    assert_int_equal(wo_set_add(other, event, NULL), -EEXIST);
    assert_int_equal(wo_set_remove(other, event), -ENOENT);
    wo_event_set(event);
    assert_int_equal(wo_set_remove(set, event), 0);
    assert_int_equal(wo_set_remove(set, event), -ENOENT);
    assert_null(only_ready(set));
    assert_int_equal(wo_set_add(other, event, NULL), 0);
    assert_ptr_equal(only_ready(other), event);
    assert_int_equal(wo_set_add(NULL, event, NULL), -EINVAL);
    assert_int_equal(wo_set_add(set, NULL, NULL), -EINVAL);
    assert_int_equal(wo_set_remove(NULL, event), -EINVAL);
    assert_int_equal(wo_set_wait(NULL, &ready, 1, 0), -EINVAL);
    assert_int_equal(wo_set_wait(set, NULL, 1, 0), -EINVAL);
    assert_int_equal(wo_set_wait(set, &ready, 0, 0), -EINVAL);
    assert_int_equal(wo_set_wait(set, &ready, 1, -2), -EINVAL);
    assert_int_equal(wo_set_new(NULL), -EINVAL);
    freed = copy = new_event(WO_MANUAL_RESET);
    wo_event_free(&freed);
    assert_int_equal(wo_set_add(set, copy, NULL), -EINVAL);
    assert_int_equal(wo_set_remove(set, copy), -ENOENT);
    wo_set_free(&set);
    wo_set_free(&other);
    wo_event_free(&event);
}

static void the_events_of_a_freed_set_live_on(void **state)
{
    wo_set *set = new_set();
    wo_event *event = new_event(WO_MANUAL_RESET);
    struct pair pair = connect_pair();

    (void)state;
    wo_set_add(set, event, NULL);
    wo_select(pair.near, event, WO_READ);
    wo_set_free(&set);
    assert_false(is_set(event));
    send_plainly(pair.far, "x");
    expect(pair.near, event, WO_READ);
    set = new_set();
    assert_int_equal(wo_set_add(set, event, NULL), 0);
    wo_event_free(&event);
    assert_null(only_ready(set));
    wo_set_free(&set);
    close_pair(&pair);
}

static void sockets_follow_their_event_into_a_set_and_out(void **state)
{
    wo_set *set = new_set();
    wo_event *event = new_event(WO_MANUAL_RESET);
    struct pair pair = connect_pair();

    (void)state;
    wo_select(pair.near, event, WO_READ);
    for (int round = 0; round < 3; round++) {
        wo_set_add(set, event, NULL);
        send_plainly(pair.far, "x");
        assert_ptr_equal(only_ready(set), event);
        assert_int_equal(recorded(pair.near, event), WO_READ);
        assert_null(only_ready(set));
        wo_set_remove(set, event);
        send_plainly(pair.far, "x");
        expect(pair.near, event, WO_READ);
    }
    wo_set_free(&set);
    close_pair(&pair);
    wo_event_free(&event);
}

static void one_ready_of_thousands_of_events_is_found(void **state)
{
    static wo_event *events[MANY];
    wo_set *set = new_set();

    (void)state;
    for (int i = 0; i < MANY; i++) {
        events[i] = new_event(WO_AUTO_RESET);
        assert_int_equal(wo_set_add(set, events[i], NULL), 0);
    }
    for (int i = 0; i < MANY; i += 97) {
        wo_event_set(events[i]);
        assert_ptr_equal(only_ready(set), events[i]);
    }
    assert_null(only_ready(set));
    for (int i = 0; i < MANY; i++)
        wo_event_free(&events[i]);
    wo_set_free(&set);
}

static void every_ready_one_of_hundreds_of_sockets_is_found(void **state)
{
    static struct pair pairs[MANY_PAIRS];
    static wo_event *events[MANY_PAIRS];
    struct rlimit limit;
    wo_set *set = new_set();
    wo_ready ready[7];
    int found = 0;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * MANY_PAIRS + 64) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    for (int i = 0; i < MANY_PAIRS; i++) {
        pairs[i] = connect_pair();
        events[i] = new_event(WO_MANUAL_RESET);
        wo_set_add(set, events[i], &pairs[i]);
        assert_int_equal(wo_select(pairs[i].near, events[i], WO_READ), 0);
    }
    assert_null(only_ready(set));
    for (int i = 0; i < MANY_PAIRS; i++)
        send_plainly(pairs[i].far, "x");
    while (found < MANY_PAIRS) {
        int count = wo_set_wait(set, ready, 7, LONG_NS);

        assert_true(count > 0);
        for (int i = 0; i < count; i++)
            assert_int_equal(
                recorded(((struct pair *)ready[i].owner)->near, ready[i].event), WO_READ);
        found += count;
    }
    assert_null(only_ready(set));
    for (int i = 0; i < MANY_PAIRS; i++) {
        close_pair(&pairs[i]);
        wo_event_free(&events[i]);
    }
    wo_set_free(&set);
}

/* --- While a thread waits --- */

static void adding_a_set_event_wakes_the_wait(void **state)
{
    wo_event *event = new_event(WO_MANUAL_RESET), *late = new_event(WO_MANUAL_RESET);
    struct waiting waiting = {.set = new_set()};

    (void)state;
    wo_set_add(waiting.set, event, NULL);
    wo_event_set(late);
    start_waiting(&waiting);
    wo_set_add(waiting.set, late, NULL);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 1);
    assert_ptr_equal(waiting.ready[0].event, late);
    wo_set_free(&waiting.set);
    wo_event_free(&event);
    wo_event_free(&late);
}

static void a_removed_event_does_not_end_the_wait(void **state)
{
    wo_event *kept = new_event(WO_MANUAL_RESET), *removed = new_event(WO_MANUAL_RESET);
    struct pair pair = connect_pair();
    struct waiting waiting = {.set = new_set()};

    (void)state;
    wo_set_add(waiting.set, kept, NULL);
    wo_set_add(waiting.set, removed, NULL);
    wo_select(pair.near, removed, WO_READ);
    start_waiting(&waiting);
    wo_set_remove(waiting.set, removed);
    send_plainly(pair.far, "x");
    await(removed);
    wo_event_set(kept);
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 1);
    assert_ptr_equal(waiting.ready[0].event, kept);
    wo_set_free(&waiting.set);
    close_pair(&pair);
    wo_event_free(&kept);
    wo_event_free(&removed);
}

static void freeing_a_set_cancels_the_waits_on_it(void **state)
{
    wo_event *event = new_event(WO_AUTO_RESET);
    struct waiting first = {.set = new_set()}, second = {.set = first.set};
    wo_set *freed = first.set;

    (void)state;
    wo_set_add(freed, event, NULL);
    start_waiting(&first);
    start_waiting(&second);
    wo_set_free(&freed);
    finish_waiting(&first);
    finish_waiting(&second);
    assert_int_equal(first.result, -ECANCELED);
    assert_int_equal(second.result, -ECANCELED);
    assert_int_equal(wo_event_set(event), 0);
    assert_true(is_set(event));
    wo_event_free(&event);
}

static void two_threads_on_one_set_share_its_auto_reset_events(void **state)
{
    wo_event *events[2] = {new_event(WO_AUTO_RESET), new_event(WO_AUTO_RESET)};
    struct waiting first = {.set = new_set()}, second = {.set = first.set};

    (void)state;
    wo_set_add(first.set, events[0], NULL);
    wo_set_add(first.set, events[1], NULL);
    start_waiting(&first);
    start_waiting(&second);
    wo_event_set(events[0]);
    while (is_set(events[0]))
        wo_event_set(events[0]);
    wo_event_set(events[1]);
    finish_waiting(&first);
    finish_waiting(&second);
    assert_int_equal(first.result, 1);
    assert_int_equal(second.result, 1);
    assert_ptr_not_equal(first.ready[0].event, second.ready[0].event);
    wo_set_free(&first.set);
    wo_event_free(&events[0]);
    wo_event_free(&events[1]);
}

/* --- Waits on arrays whose events are in sets --- */

static void one_wait_covers_events_of_several_sets_and_of_none(void **state)
{
    wo_set *sets[2] = {new_set(), new_set()};
    struct pair pairs[3];
    size_t index;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        wo_event *events[3];

        for (size_t j = 0; j < 3; j++) {
            pairs[j] = connect_pair();
            events[j] = new_event(WO_MANUAL_RESET);
            wo_select(pairs[j].near, events[j], WO_READ);
            if (j < 2)
                wo_set_add(sets[j], events[j], NULL);
        }
        assert_int_equal(wo_wait(events, 3, WO_ANY, 1000, &index), -ETIMEDOUT);
        send_plainly(pairs[i].far, "x");
        assert_int_equal(wo_wait(events, 3, WO_ANY, LONG_NS, &index), 0);
        assert_int_equal(index, i);
        for (size_t j = 0; j < 3; j++)
            if (j != i)
                send_plainly(pairs[j].far, "x");
        assert_int_equal(wo_wait(events, 3, WO_ALL, LONG_NS, &index), 0);
        for (size_t j = 0; j < 3; j++) {
            close_pair(&pairs[j]);
            wo_event_free(&events[j]);
        }
    }
    wo_set_free(&sets[0]);
    wo_set_free(&sets[1]);
}

static void a_wait_across_sets_is_woken_while_others_lead(void **state)
{
    wo_set *set = new_set();
    wo_event *in_set = new_event(WO_MANUAL_RESET), *in_none = new_event(WO_MANUAL_RESET);
    wo_event *stop = new_event(WO_MANUAL_RESET);
    struct pair pair = connect_pair();
    struct waiting leader = {.set = set}, bystander = {.events = {stop}, .count = 1};
    struct waiting across = {.events = {in_none, in_set}, .count = 2, .mode = WO_ALL};

    (void)state;
    wo_set_add(set, in_set, NULL);
    wo_select(pair.near, in_none, WO_READ);
    start_waiting(&leader);
    start_waiting(&bystander);
    start_waiting(&across);
    wo_event_set(in_set);
    send_plainly(pair.far, "x");
    finish_waiting(&across);
    finish_waiting(&leader);
    assert_int_equal(across.result, 0);
    assert_int_equal(leader.result, 1);
    wo_event_set(stop);
    finish_waiting(&bystander);
    close_pair(&pair);
    wo_set_free(&set);
    wo_event_free(&in_set);
    wo_event_free(&in_none);
    wo_event_free(&stop);
}

static void an_event_that_moves_takes_its_waits_along(void **state)
{
    wo_set *set = new_set();
    wo_event *event = new_event(WO_MANUAL_RESET);
    struct pair pair = connect_pair();
    struct waiting waiting = {.events = {event}, .count = 1};

    (void)state;
    wo_select(pair.near, event, WO_READ);
    start_waiting(&waiting);
    wo_set_add(set, event, NULL);
    send_plainly(pair.far, "x");
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    assert_int_equal(recorded(pair.near, event), WO_READ);
    waiting.result = -1;
    start_waiting(&waiting);
    wo_set_free(&set);
    send_plainly(pair.far, "x");
    finish_waiting(&waiting);
    assert_int_equal(waiting.result, 0);
    close_pair(&pair);
    wo_event_free(&event);
}

int main(void)
{
    const struct CMUnitTest rules[] = {
        cmocka_unit_test(a_set_gives_what_is_set_with_its_owner),
        cmocka_unit_test(events_come_in_the_order_in_which_they_became_set),
        cmocka_unit_test(events_that_stay_set_take_turns),
        cmocka_unit_test(an_event_that_stays_set_does_not_starve_the_network),
        cmocka_unit_test(an_event_is_in_one_set_at_most),
        cmocka_unit_test(the_events_of_a_freed_set_live_on),
        cmocka_unit_test(sockets_follow_their_event_into_a_set_and_out),
        cmocka_unit_test(one_ready_of_thousands_of_events_is_found),
        cmocka_unit_test(every_ready_one_of_hundreds_of_sockets_is_found),
        cmocka_unit_test(adding_a_set_event_wakes_the_wait),
        cmocka_unit_test(a_removed_event_does_not_end_the_wait),
        cmocka_unit_test(freeing_a_set_cancels_the_waits_on_it),
        cmocka_unit_test(two_threads_on_one_set_share_its_auto_reset_events),
        cmocka_unit_test(one_wait_covers_events_of_several_sets_and_of_none),
        cmocka_unit_test(a_wait_across_sets_is_woken_while_others_lead),
        cmocka_unit_test(an_event_that_moves_takes_its_waits_along),
    };

    return cmocka_run_group_tests_name("wait sets", rules, NULL, NULL);
}
