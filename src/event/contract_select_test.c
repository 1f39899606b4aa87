/* The contract, third part: selecting, selecting again, enumerating, inheriting, closing.
 */
#include "event/contract.h"

#include <errno.h>

struct scene {
    struct pair pair;
    wo_event *event, *other;
};

static int open_scene(void **state)
{
    static struct scene scene;

    scene.pair = connect_pair();
    scene.event = new_event(WO_MANUAL_RESET);
    scene.other = new_event(WO_MANUAL_RESET);
    *state = &scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;

    close_pair(&scene->pair);
    wo_event_free(&scene->event);
    wo_event_free(&scene->other);
    return 0;
}

/* --- Selecting --- */

static void selecting_makes_the_socket_non_blocking(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(wo_select(scene->pair.near, scene->event, WO_READ), 0);
    assert_true(never_blocks(scene->pair.near));
}

static void what_was_recorded_and_not_enumerated_signals_the_new_event(void **state)
{
    struct scene *scene = *state;
    char bytes[8];

    wo_select(scene->pair.near, scene->event, WO_READ);
    send_plainly(scene->pair.far, "x");
    await(scene->event);
    assert_int_equal(wo_select(scene->pair.near, scene->other, WO_READ), 0);
    expect(scene->pair.near, scene->other, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, sizeof(bytes), 0), 1);
    send_plainly(scene->pair.far, "y");
    expect(scene->pair.near, scene->other, WO_READ);
}

static void what_was_enumerated_is_not_reported_again_by_selecting(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.far, scene->event, WO_READ | WO_WRITE | WO_CONNECT);
    send_plainly(scene->pair.near, "x");
    expect(scene->pair.far, scene->event, WO_READ | WO_WRITE | WO_CONNECT);
    wo_select(scene->pair.far, scene->event, WO_READ | WO_WRITE | WO_CONNECT);
    assert_false(is_set(scene->event));
    wo_select(scene->pair.far, scene->other, WO_READ | WO_WRITE | WO_CONNECT);
    assert_false(is_set(scene->event));
    assert_false(is_set(scene->other));
}

static void a_narrower_mask_drops_the_record_and_leaves_the_event(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ | WO_WRITE);
    await(scene->event);
    wo_select(scene->pair.near, scene->event, WO_READ);
    assert_true(is_set(scene->event));
    assert_int_equal(recorded(scene->pair.near, scene->event), 0);
    assert_false(is_set(scene->event));
}

static void what_a_narrower_mask_hides_is_not_cleared(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.far, scene->event, WO_CONNECT | WO_WRITE | WO_CLOSE);
    end_plainly(scene->pair.near);
    await(scene->event);
    wo_select(scene->pair.far, scene->other, WO_READ);
    assert_false(is_set(scene->other));
    assert_int_equal(recorded(scene->pair.far, scene->other), 0);
    wo_select(scene->pair.far, scene->other, WO_CONNECT | WO_WRITE | WO_CLOSE);
    expect(scene->pair.far, scene->other, WO_CONNECT | WO_WRITE | WO_CLOSE);
    wo_select(scene->pair.far, scene->other, WO_READ);
    wo_select(scene->pair.far, scene->other, WO_CONNECT | WO_WRITE | WO_CLOSE);
    assert_false(is_set(scene->other));
}

static void a_wider_mask_finds_what_is_there_already(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_WRITE);
    send_plainly(scene->pair.far, "x");
    expect(scene->pair.near, scene->event, WO_WRITE);
    assert_false(is_set(scene->event));
    wo_select(scene->pair.near, scene->event, WO_WRITE | WO_READ);
    expect(scene->pair.near, scene->event, WO_READ);
}

static void no_event_with_a_mask_is_an_error_and_changes_nothing(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_select(scene->pair.near, NULL, WO_WRITE), -EINVAL);
    send_plainly(scene->pair.far, "x");
    expect(scene->pair.near, scene->event, WO_READ);
}

static void a_mask_of_nothing_ends_the_selection(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_select(scene->pair.near, scene->other, 0), 0);
    send_plainly(scene->pair.far, "x");
    assert_false(is_set(scene->event));
    assert_false(is_set(scene->other));
    expect_unselected(scene->pair.near, scene->event);
    assert_int_equal(wo_select(scene->pair.near, NULL, 0), 0);
    wo_select(scene->pair.near, scene->other, WO_READ);
    expect(scene->pair.near, scene->other, WO_READ);
}

static void a_mask_of_nothing_makes_the_socket_non_blocking_too(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(wo_select(scene->pair.near, NULL, 0), 0);
    assert_true(never_blocks(scene->pair.near));
}

static void one_event_may_serve_many_sockets(void **state)
{
    struct scene *scene = *state;
    struct pair second = connect_pair();

    wo_select(scene->pair.near, scene->event, WO_READ);
    wo_select(second.near, scene->event, WO_READ);
    send_plainly(second.far, "x");
    await(scene->event);
    assert_int_equal(recorded(scene->pair.near, NULL), 0);
    assert_int_equal(recorded(second.near, scene->event), WO_READ);
    assert_false(is_set(scene->event));
    close_pair(&second);
}

/* --- Enumerating --- */

static void enumerating_leaves_the_slots_of_other_events_untouched(void **state)
{
    struct scene *scene = *state;
    wo_network_events network = {.errors = {11, 12, 13, 14, 15, 16}};

    wo_select(scene->pair.far, scene->event, ALL_OF_IT);
    send_plainly(scene->pair.near, "x");
    await(scene->event);
    assert_int_equal(wo_enumerate(scene->pair.far, scene->event, &network), 0);
    assert_int_equal(network.events, WO_READ | WO_WRITE | WO_CONNECT);
    assert_int_equal(network.errors[0], 0);
    assert_int_equal(network.errors[1], 0);
    assert_int_equal(network.errors[2], 13);
    assert_int_equal(network.errors[3], 14);
    assert_int_equal(network.errors[4], 0);
    assert_int_equal(network.errors[5], 16);
}

static void enumerating_resets_the_event_it_is_given_and_no_other(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_WRITE);
    await(scene->event);
    wo_event_set(scene->other);
    assert_int_equal(recorded(scene->pair.near, NULL), WO_WRITE);
    assert_true(is_set(scene->event));
    assert_int_equal(recorded(scene->pair.near, scene->other), 0);
    assert_true(is_set(scene->event));
    assert_false(is_set(scene->other));
}

static void enumerating_without_a_wait_sees_what_there_is(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_WRITE);
    assert_int_equal(recorded(scene->pair.near, scene->event), WO_WRITE);
    assert_int_equal(recorded(scene->pair.near, scene->event), 0);
}

/* --- Accepting, closing, freeing --- */

static void an_accepted_socket_inherits_event_and_mask(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int client, accepted;

    wo_select(listener.fd, scene->event, ALL_OF_IT);
    client = connect_plainly(&listener);
    expect(listener.fd, scene->event, WO_ACCEPT);
    accepted = wo_accept(listener.fd, NULL, NULL);
    assert_true(never_blocks(accepted));
    expect(accepted, scene->event, WO_WRITE);
    send_plainly(client, "x");
    expect(accepted, scene->event, WO_READ);
    wo_close(accepted);
    close_plainly(client);
    wo_close(listener.fd);
}

static void an_accepted_socket_selected_to_its_own_event_may_write(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int client, accepted;

    wo_select(listener.fd, scene->event, WO_ACCEPT);
    client = connect_plainly(&listener);
    expect(listener.fd, scene->event, WO_ACCEPT);
    send_plainly(client, "x");
    accepted = wo_accept(listener.fd, NULL, NULL);
    assert_false(is_set(scene->event));
    wo_select(accepted, scene->other, ALL_OF_IT);
    expect(accepted, scene->other, WO_WRITE | WO_READ);
    assert_false(is_set(scene->event));
    wo_close(accepted);
    close_plainly(client);
    wo_close(listener.fd);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest rules[] = {
        RULE(selecting_makes_the_socket_non_blocking),
        RULE(what_was_recorded_and_not_enumerated_signals_the_new_event),
        RULE(what_was_enumerated_is_not_reported_again_by_selecting),
        RULE(a_narrower_mask_drops_the_record_and_leaves_the_event),
        RULE(what_a_narrower_mask_hides_is_not_cleared),
        RULE(a_wider_mask_finds_what_is_there_already),
        RULE(no_event_with_a_mask_is_an_error_and_changes_nothing),
        RULE(a_mask_of_nothing_ends_the_selection),
        RULE(a_mask_of_nothing_makes_the_socket_non_blocking_too),
        RULE(one_event_may_serve_many_sockets),
        RULE(enumerating_leaves_the_slots_of_other_events_untouched),
        RULE(enumerating_resets_the_event_it_is_given_and_no_other),
        RULE(enumerating_without_a_wait_sees_what_there_is),
        RULE(an_accepted_socket_inherits_event_and_mask),
        RULE(an_accepted_socket_selected_to_its_own_event_may_write),
    };

    return cmocka_run_group_tests_name("selecting and enumerating", rules, NULL, NULL);
}
