#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "net/stream.h"

static struct address loopback(uint16_t port)
{
    const struct endpoint endpoint = endpoint_ipv4(127, 0, 0, 1, port);
    return address_from_endpoint(&endpoint);
}

static struct listener listen_anywhere(void)
{
    struct listener listener;
    const struct address anywhere = loopback(0);
    assert_int_equal(listener_open(&listener, &anywhere, 0, NULL, NULL), 0);
    return listener;
}

static struct stream connect_to(const struct listener *listener)
{
    struct stream stream;
    const struct address there = address_from_endpoint(&listener->local);
    assert_int_equal(stream_connect(&stream, &there, NULL, WO_FOREVER, NULL, NULL), 0);
    return stream;
}

/* Waits until the listener is told of a connection. */
static void await_connection(struct listener *listener)
{
    wo_network_events network = {0};
    assert_int_equal(wo_wait(&listener->event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    assert_int_equal(wo_enumerate(listener->fd, listener->event, &network), 0);
    assert_int_equal(network.events, WO_ACCEPT);
}

static void it_knows_the_port_that_the_system_chose(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere();
    struct stream client = connect_to(&listener);
    assert_int_equal(listener.local.family, 4);
    assert_int_not_equal(listener.local.port, 0);
    assert_true(endpoint_equal(&client.peer, &listener.local));
    stream_close(&client);
    listener_close(&listener);
}

static void each_accept_takes_one_connection_and_asks_for_the_next(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere();
    struct stream clients[2] = {connect_to(&listener), connect_to(&listener)};
    for (int i = 0; i < 2; i++) {
        struct endpoint peer;
        await_connection(&listener);
        int fd = listener_accept(&listener, &peer);
        assert_true(fd >= 0);
        assert_true(endpoint_equal(&peer, &clients[i].local));
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        assert_int_equal(wo_close(fd), 0);
    }
    for (int i = 0; i < 2; i++)
        stream_close(&clients[i]);
    listener_close(&listener);
}

static void where_nobody_has_come_accepting_does_not_block(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere();
    struct endpoint peer;
    assert_int_equal(listener_accept(&listener, &peer), -EAGAIN);
    listener_close(&listener);
}

static void a_port_in_use_is_refused_in_a_sentence(void **state)
{
    (void)state;
    struct listener first = listen_anywhere(), second;
    const struct address taken = address_from_endpoint(&first.local);
    char spelled[ENDPOINT_TEXT], begins[128];
    struct error err = {0};
    assert_int_equal(listener_open(&second, &taken, 0, NULL, &err), ERROR_IN_USE);
    snprintf(begins, sizeof begins,
             "cannot listen on %s: ", endpoint_format(&first.local, spelled));
    assert_ptr_equal(strstr(err.sentence, begins), err.sentence);
    listener_close(&first);
}

static void a_port_in_time_wait_is_listened_on_again(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere();
    struct stream client = connect_to(&listener);
    struct endpoint peer;
    const struct address again = address_from_endpoint(&listener.local);
    await_connection(&listener);
    int fd = listener_accept(&listener, &peer);
    assert_true(fd >= 0);
    assert_int_equal(wo_close(fd), 0); /* the server's end closes first, and waits */
    stream_close(&client);
    listener_close(&listener);
    assert_int_equal(listener_open(&listener, &again, 0, NULL, NULL), 0);
    listener_close(&listener);
}

static void closing_twice_is_closing_once(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere();
    listener_close(&listener);
    assert_int_equal(listener.fd, -1);
    assert_null(listener.event);
    listener_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_knows_the_port_that_the_system_chose),
        cmocka_unit_test(each_accept_takes_one_connection_and_asks_for_the_next),
        cmocka_unit_test(where_nobody_has_come_accepting_does_not_block),
        cmocka_unit_test(a_port_in_use_is_refused_in_a_sentence),
        cmocka_unit_test(a_port_in_time_wait_is_listened_on_again),
        cmocka_unit_test(closing_twice_is_closing_once),
    };
    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
