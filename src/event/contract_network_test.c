/* The contract, second part: what is recorded of a socket, and when again. The selecting
 * and enumerating themselves are in contract_select_test.c. */
#include "event/contract.h"

#include <errno.h>

struct scene {
    struct pair pair;
    wo_event *event;
};

static int open_scene(void **state)
{
    static struct scene scene;

    scene.pair = connect_pair();
    scene.event = new_event(WO_MANUAL_RESET);
    *state = &scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;

    close_pair(&scene->pair);
    wo_event_free(&scene->event);
    return 0;
}

/* --- WO_READ --- */

static void data_is_recorded_once(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ);
    assert_false(is_set(scene->event));
    send_plainly(scene->pair.far, "hello");
    expect(scene->pair.near, scene->event, WO_READ);
    assert_false(is_set(scene->event));
    assert_int_equal(recorded(scene->pair.near, scene->event), 0);
}

static void new_data_is_recorded_again_without_a_recv(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ);
    send_plainly(scene->pair.far, "one");
    expect(scene->pair.near, scene->event, WO_READ);
    send_plainly(scene->pair.far, "two");
    expect(scene->pair.near, scene->event, WO_READ);
}

static void recv_records_data_again_where_some_remains(void **state)
{
    struct scene *scene = *state;
    char bytes[5];

    wo_select(scene->pair.near, scene->event, WO_READ);
    send_plainly(scene->pair.far, "0123456789ab");
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, 5, 0), 5);
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, 5, MSG_PEEK), 5);
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, 5, 0), 5);
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, 2, 0), 2);
    assert_false(is_set(scene->event));
    assert_int_equal(wo_recv(scene->pair.near, bytes, 5, 0), -EAGAIN);
}

static void after_a_recv_that_took_all_the_next_data_is_recorded(void **state)
{
    struct scene *scene = *state;
    char bytes[64];

    wo_select(scene->pair.near, scene->event, WO_READ);
    for (int i = 0; i < 3; i++) {
        send_plainly(scene->pair.far, "hello");
        expect(scene->pair.near, scene->event, WO_READ);
        assert_int_equal(wo_recv(scene->pair.near, bytes, sizeof(bytes), 0), 5);
        assert_false(is_set(scene->event));
    }
}

static void a_recv_that_faults_does_not_enable(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ);
    send_plainly(scene->pair.far, "hello");
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, NULL, 5, 0), -EFAULT);
    assert_false(is_set(scene->event));
    /* Nor does asking anew find what was told and is not enabled. */
    wo_select(scene->pair.near, scene->event, WO_CLOSE);
    wo_select(scene->pair.near, scene->event, WO_CLOSE | WO_READ);
    assert_false(is_set(scene->event));
}

static void every_datagram_is_recorded_until_the_last_is_received(void **state)
{
    struct scene *scene = *state;
    struct pair ends = connect_datagrams();
    char bytes[8];

    assert_int_equal(wo_select(ends.near, scene->event, WO_READ), 0);
    send_plainly(ends.far, "one");
    send_plainly(ends.far, "two");
    expect(ends.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(ends.near, bytes, sizeof(bytes), 0), 3);
    expect(ends.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(ends.near, bytes, sizeof(bytes), 0), 3);
    assert_false(is_set(scene->event));
    close_pair(&ends);
}

/* It has no bytes, and is there to be received all the same. */
static void an_empty_datagram_is_recorded_and_hides_none_behind_it(void **state)
{
    struct scene *scene = *state;
    struct pair ends = connect_datagrams();
    char bytes[8];

    wo_select(ends.near, scene->event, WO_READ);
    send_plainly(ends.far, "");
    send_plainly(ends.far, "behind");
    expect(ends.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(ends.near, bytes, sizeof(bytes), 0), 0);
    expect(ends.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(ends.near, bytes, sizeof(bytes), 0), 6);
    close_pair(&ends);
}

static void a_recv_of_nothing_leaves_the_data_and_records_it_again(void **state)
{
    struct scene *scene = *state;
    char byte;

    wo_select(scene->pair.near, scene->event, WO_READ);
    send_plainly(scene->pair.far, "x");
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, &byte, 0, 0), 0);
    expect(scene->pair.near, scene->event, WO_READ);
}

enum { BYTES = 3000 };

static void *send_byte_by_byte(void *argument)
{
    const struct scene *scene = argument;

    for (int i = 0; i < BYTES; i++)
        send(scene->pair.far, "x", 1, MSG_NOSIGNAL);
    return NULL;
}

/* Whatever of enumerating, receiving and the data's arrival comes first. */
static void no_data_is_lost_that_comes_while_earlier_is_received(void **state)
{
    struct scene *scene = *state;
    char bytes[2];
    pthread_t thread;
    int received = 0;

    wo_select(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(pthread_create(&thread, NULL, send_byte_by_byte, scene), 0);
    while (received < BYTES) {
        ssize_t length;

        await(scene->event);
        recorded(scene->pair.near, scene->event);
        length = wo_recv(scene->pair.near, bytes, sizeof(bytes), 0);
        assert_true(length > 0 || length == -EAGAIN);
        received += length > 0 ? (int)length : 0;
    }
    pthread_join(thread, NULL);
}

/* --- WO_WRITE --- */

static void a_datagram_socket_may_write_at_once(void **state)
{
    struct scene *scene = *state;
    struct pair ends = connect_datagrams();

    wo_select(ends.near, scene->event, WO_WRITE | WO_READ);
    expect(ends.near, scene->event, WO_WRITE);
    assert_false(is_set(scene->event));
    close_pair(&ends);
}

static void a_connected_socket_may_write_once(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_WRITE);
    expect(scene->pair.near, scene->event, WO_WRITE);
    assert_false(is_set(scene->event));
    assert_int_equal(wo_send(scene->pair.near, "x", 1, 0), 1);
    assert_false(is_set(scene->event));
}

static void fill(int fd)
{
    static const char bytes[65536];
    ssize_t sent;

    do
        sent = wo_send(fd, bytes, sizeof(bytes), 0);
    while (sent > 0);
    assert_int_equal(sent, -EAGAIN);
}

static void after_eagain_room_is_recorded_again(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_WRITE);
    expect(scene->pair.near, scene->event, WO_WRITE);
    for (int i = 0; i < 2; i++) {
        fill(scene->pair.near);
        assert_false(is_set(scene->event));
        while (!is_set(scene->event))
            drain(scene->pair.far);
        expect(scene->pair.near, scene->event, WO_WRITE);
    }
}

static void a_successful_send_leaves_the_record(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_WRITE);
    await(scene->event);
    assert_int_equal(wo_send(scene->pair.near, "x", 1, 0), 1);
    expect(scene->pair.near, scene->event, WO_WRITE);
}

/* Room to send is no data: told data is not told again for it. */
static void room_does_not_bring_old_data_back(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ | WO_WRITE);
    send_plainly(scene->pair.far, "hello");
    expect(scene->pair.near, scene->event, WO_READ | WO_WRITE);
    fill(scene->pair.near);
    while (!is_set(scene->event))
        drain(scene->pair.far);
    expect(scene->pair.near, scene->event, WO_WRITE);
}

/* --- WO_OOB --- */

static void urgent_data_is_recorded_and_enabled_by_its_recv(void **state)
{
    struct scene *scene = *state;
    char byte;

    wo_select(scene->pair.near, scene->event, WO_OOB | WO_READ);
    for (int i = 0; i < 2; i++) {
        send_urgently(scene->pair.far, '!');
        expect(scene->pair.near, scene->event, WO_OOB);
        assert_int_equal(wo_recv(scene->pair.near, &byte, 1, MSG_OOB), 1);
        assert_false(is_set(scene->event));
    }
}

static void data_behind_urgent_data_is_not_lost(void **state)
{
    struct scene *scene = *state;
    char bytes[64];

    wo_select(scene->pair.near, scene->event, WO_OOB | WO_READ);
    send_plainly(scene->pair.far, "before");
    send_urgently(scene->pair.far, '!');
    send_plainly(scene->pair.far, "after");
    expect(scene->pair.near, scene->event, WO_OOB | WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, sizeof(bytes), 0), 6);
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, sizeof(bytes), 0), 5);
}

static void urgent_data_inline_is_data(void **state)
{
    struct scene *scene = *state;

    receive_urgent_data_inline(scene->pair.near);
    wo_select(scene->pair.near, scene->event, WO_OOB | WO_READ);
    send_urgently(scene->pair.far, '!');
    expect(scene->pair.near, scene->event, WO_READ);
}

/* --- WO_ACCEPT --- */

static void a_connection_is_recorded_and_a_second_again(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int first, second;

    wo_select(listener.fd, scene->event, WO_ACCEPT);
    assert_false(is_set(scene->event));
    first = connect_plainly(&listener);
    expect(listener.fd, scene->event, WO_ACCEPT);
    assert_false(is_set(scene->event));
    second = connect_plainly(&listener);
    expect(listener.fd, scene->event, WO_ACCEPT);
    close_plainly(first);
    close_plainly(second);
    wo_close(listener.fd);
}

static void selecting_finds_a_connection_that_waits(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int client = connect_plainly(&listener);

    wo_select(listener.fd, scene->event, WO_ACCEPT);
    expect(listener.fd, scene->event, WO_ACCEPT);
    assert_false(is_set(scene->event));
    close_plainly(client);
    wo_close(listener.fd);
}

static void accept_records_again_while_a_connection_waits(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int clients[3], accepted[3];

    wo_select(listener.fd, scene->event, WO_ACCEPT);
    for (int i = 0; i < 3; i++)
        clients[i] = connect_plainly(&listener);
    for (int i = 0; i < 3; i++) {
        expect(listener.fd, scene->event, WO_ACCEPT);
        accepted[i] = wo_accept(listener.fd, NULL, NULL);
        assert_true(accepted[i] >= 0);
    }
    assert_false(is_set(scene->event));
    assert_int_equal(wo_accept(listener.fd, NULL, NULL), -EAGAIN);
    for (int i = 0; i < 3; i++) {
        wo_close(accepted[i]);
        close_plainly(clients[i]);
    }
    wo_close(listener.fd);
}

static void a_socket_that_listens_only_after_selecting_records_too(void **state)
{
    struct scene *scene = *state;
    struct listener late;
    int client;

    late.fd = bound_socket(&late.address);
    wo_select(late.fd, scene->event, WO_ACCEPT | WO_READ | WO_CLOSE | WO_CONNECT);
    assert_false(is_set(scene->event));
    assert_int_equal(listen(late.fd, 10), 0);
    client = connect_plainly(&late);
    expect(late.fd, scene->event, WO_ACCEPT);
    close_plainly(client);
    wo_close(late.fd);
}

/* --- WO_CONNECT --- */

static void a_connection_made_is_recorded_with_room_to_write(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int fd = new_socket();
    wo_network_events network;
    int code;

    assert_int_equal(wo_select(fd, scene->event, ALL_OF_IT), 0);
    assert_false(is_set(scene->event));
    code = wo_connect(fd, (struct sockaddr *)&listener.address, sizeof(listener.address));
    assert_true(code == 0 || code == -EINPROGRESS);
    network = expect(fd, scene->event, WO_CONNECT | WO_WRITE);
    assert_int_equal(network.errors[4], 0);
    assert_false(is_set(scene->event));
    wo_close(fd);
    close_plainly(listener.fd);
}

static void a_refused_connect_is_recorded_with_its_error(void **state)
{
    struct scene *scene = *state;
    struct sockaddr_in nobody = nobodys_address();
    int fd = new_socket();
    int code;

    wo_select(fd, scene->event, ALL_OF_IT);
    for (int again = 0; again < 2; again++) {
        code = wo_connect(fd, (struct sockaddr *)&nobody, sizeof(nobody));
        assert_int_equal(code, -EINPROGRESS);
        assert_int_equal(expect(fd, scene->event, WO_CONNECT).errors[4], ECONNREFUSED);
        assert_false(is_set(scene->event));
    }
    wo_close(fd);
}

static void selecting_after_the_connection_was_made_records_it(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.far, scene->event, WO_CONNECT);
    expect(scene->pair.far, scene->event, WO_CONNECT);
    wo_select(scene->pair.far, scene->event, WO_CONNECT | WO_READ);
    assert_false(is_set(scene->event));
}

/* --- WO_CLOSE --- */

static void a_closure_is_recorded_once_and_is_no_data(void **state)
{
    struct scene *scene = *state;
    char byte;

    wo_select(scene->pair.near, scene->event, WO_READ | WO_CLOSE);
    end_plainly(scene->pair.far);
    assert_int_equal(expect(scene->pair.near, scene->event, WO_CLOSE).errors[5], 0);
    assert_int_equal(wo_recv(scene->pair.near, &byte, 1, 0), 0);
    assert_false(is_set(scene->event));
}

static void a_closure_is_recorded_at_once_with_data_unread(void **state)
{
    struct scene *scene = *state;
    char bytes[3];

    wo_select(scene->pair.near, scene->event, WO_READ | WO_CLOSE);
    send_plainly(scene->pair.far, "hello");
    expect(scene->pair.near, scene->event, WO_READ);
    end_plainly(scene->pair.far);
    expect(scene->pair.near, scene->event, WO_CLOSE);
    assert_int_equal(wo_recv(scene->pair.near, bytes, 3, 0), 3);
    expect(scene->pair.near, scene->event, WO_READ);
    assert_int_equal(wo_recv(scene->pair.near, bytes, 3, 0), 2);
    assert_int_equal(wo_recv(scene->pair.near, bytes, 3, 0), 0);
    assert_false(is_set(scene->event));
}

static void data_and_closure_together_are_both_recorded(void **state)
{
    struct scene *scene = *state;

    send_plainly(scene->pair.far, "hello");
    end_plainly(scene->pair.far);
    wo_select(scene->pair.near, scene->event, WO_READ | WO_CLOSE);
    expect(scene->pair.near, scene->event, WO_READ | WO_CLOSE);
}

static void a_reset_closes_with_econnaborted_while_recv_says_econnreset(void **state)
{
    struct scene *scene = *state;
    char byte;

    wo_select(scene->pair.near, scene->event, WO_READ | WO_CLOSE);
    reset_plainly(scene->pair.far);
    scene->pair.far = -1;
    assert_int_equal(expect(scene->pair.near, scene->event, WO_CLOSE).errors[5],
                     ECONNABORTED);
    assert_int_equal(wo_recv(scene->pair.near, &byte, 1, 0), -ECONNRESET);
    assert_false(is_set(scene->event));
}

static void a_reset_that_recv_finds_first_is_recorded_as_one(void **state)
{
    struct scene *scene = *state;
    ssize_t received;
    char byte;

    wo_select(scene->pair.near, scene->event, WO_CLOSE);
    reset_plainly(scene->pair.far);
    scene->pair.far = -1;
    do
        received = wo_recv(scene->pair.near, &byte, 1, 0);
    while (received == -EAGAIN);
    assert_int_equal(received, -ECONNRESET);
    assert_int_equal(expect(scene->pair.near, scene->event, WO_CLOSE).errors[5],
                     ECONNABORTED);
}

/* The kernel tells of the reset when it is asked how the connect went; recv must tell it too. */
static void a_connection_reset_before_anyone_looked_was_made_and_closed(void **state)
{
    struct scene *scene = *state;
    struct listener listener = listen_somewhere();
    int fd = new_socket();
    wo_network_events network;
    char byte;

    wo_select(fd, scene->event, ALL_OF_IT);
    wo_connect(fd, (struct sockaddr *)&listener.address, sizeof(listener.address));
    reset_plainly(accept_plainly(&listener));
    network = expect(fd, scene->event, WO_CONNECT | WO_WRITE | WO_CLOSE);
    assert_int_equal(network.errors[4], 0);
    assert_int_equal(network.errors[5], ECONNABORTED);
    assert_int_equal(wo_recv(fd, &byte, 1, 0), -ECONNRESET);
    wo_close(fd);
    close_plainly(listener.fd);
}

static void ones_own_end_is_no_closure_and_with_the_peers_no_reset(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_READ | WO_CLOSE);
    end_plainly(scene->pair.near);
    assert_false(is_set(scene->event));
    end_plainly(scene->pair.far);
    assert_int_equal(expect(scene->pair.near, scene->event, WO_CLOSE).errors[5], 0);
}

static void a_half_closed_connection_may_still_write(void **state)
{
    struct scene *scene = *state;

    wo_select(scene->pair.near, scene->event, WO_WRITE | WO_CLOSE);
    end_plainly(scene->pair.far);
    expect(scene->pair.near, scene->event, WO_WRITE | WO_CLOSE);
    fill(scene->pair.near);
    while (!is_set(scene->event))
        drain(scene->pair.far);
    expect(scene->pair.near, scene->event, WO_WRITE);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest rules[] = {
        RULE(data_is_recorded_once),
        RULE(new_data_is_recorded_again_without_a_recv),
        RULE(recv_records_data_again_where_some_remains),
        RULE(after_a_recv_that_took_all_the_next_data_is_recorded),
        RULE(a_recv_that_faults_does_not_enable),
        RULE(every_datagram_is_recorded_until_the_last_is_received),
        RULE(an_empty_datagram_is_recorded_and_hides_none_behind_it),
        RULE(a_recv_of_nothing_leaves_the_data_and_records_it_again),
        RULE(no_data_is_lost_that_comes_while_earlier_is_received),
        RULE(a_datagram_socket_may_write_at_once),
        RULE(a_connected_socket_may_write_once),
        RULE(after_eagain_room_is_recorded_again),
        RULE(a_successful_send_leaves_the_record),
        RULE(room_does_not_bring_old_data_back),
        RULE(urgent_data_is_recorded_and_enabled_by_its_recv),
        RULE(data_behind_urgent_data_is_not_lost),
        RULE(urgent_data_inline_is_data),
        RULE(a_connection_is_recorded_and_a_second_again),
        RULE(selecting_finds_a_connection_that_waits),
        RULE(accept_records_again_while_a_connection_waits),
        RULE(a_socket_that_listens_only_after_selecting_records_too),
        RULE(a_connection_made_is_recorded_with_room_to_write),
        RULE(a_refused_connect_is_recorded_with_its_error),
        RULE(selecting_after_the_connection_was_made_records_it),
        RULE(a_closure_is_recorded_once_and_is_no_data),
        RULE(a_closure_is_recorded_at_once_with_data_unread),
        RULE(data_and_closure_together_are_both_recorded),
        RULE(a_reset_closes_with_econnaborted_while_recv_says_econnreset),
        RULE(a_reset_that_recv_finds_first_is_recorded_as_one),
        RULE(a_connection_reset_before_anyone_looked_was_made_and_closed),
        RULE(ones_own_end_is_no_closure_and_with_the_peers_no_reset),
        RULE(a_half_closed_connection_may_still_write),
    };

    return cmocka_run_group_tests_name("network events", rules, NULL, NULL);
}
