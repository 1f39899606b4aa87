#include "net/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/watch.h"
#include "net/listener.h"

/* A watcher that writes down what it is told of: "name=result", blocking ones with a
 * star. */
struct notes {
    struct watch watch;
    int entered, left;
    char text[1024];
};

static void note_enter(struct watch *watch, const struct watch_call *call)
{
    struct notes *notes = (struct notes *)watch;
    (void)call;
    assert_int_equal(notes->entered++, notes->left); /* one call at a time */
}

static void note_leave(struct watch *watch, const struct watch_call *call)
{
    struct notes *notes = (struct notes *)watch;
    notes->left++;
    strcat(notes->text, call->name);
    strcat(notes->text, call->may_block ? "*" : "");
    if (call->result < 0) {
        strcat(notes->text, "=");
        strcat(notes->text, error_errno_name((int)-call->result));
    }
    strcat(notes->text, " ");
}

static struct notes notes_open(void)
{
    return (struct notes){.watch = {note_enter, note_leave}};
}

static struct address loopback(uint16_t port)
{
    const struct endpoint endpoint = endpoint_ipv4(127, 0, 0, 1, port);
    return address_from_endpoint(&endpoint);
}

static struct listener listen_anywhere(int backlog, struct watch *watch)
{
    struct listener listener;
    const struct address anywhere = loopback(0);
    assert_int_equal(listener_open(&listener, &anywhere, backlog, watch, NULL), 0);
    return listener;
}

/* Both ends of a connection through the listener. */
static void connect_pair(struct listener *listener, struct stream *ret_client,
                         struct stream *ret_server, struct watch *watch)
{
    const struct address address = address_from_endpoint(&listener->local);
    struct endpoint peer;
    wo_event *event;
    assert_int_equal(stream_connect(ret_client, &address, NULL, WO_FOREVER, watch, NULL),
                     0);
    assert_int_equal(wo_wait(&listener->event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    int fd = listener_accept(listener, &peer);
    assert_true(fd >= 0);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &event), 0);
    assert_int_equal(
        stream_adopt(ret_server, fd, &peer, event, WO_READ | WO_CLOSE, listener->watch),
        0);
}

/* Waits for a network event of the stream, and reads the record. */
static unsigned await(struct stream *stream)
{
    wo_network_events network = {0};
    assert_int_equal(wo_wait(&stream->event, 1, WO_ANY, WO_FOREVER, NULL), 0);
    assert_int_equal(wo_enumerate(stream->fd, stream->event, &network), 0);
    return network.events;
}

static void both_ends_know_both_ends(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere(0, NULL);
    struct stream client, server;
    connect_pair(&listener, &client, &server, NULL);
    assert_true(listener.local.port != 0);
    assert_true(endpoint_equal(&client.peer, &listener.local));
    assert_true(endpoint_equal(&client.peer, &server.local));
    assert_true(endpoint_equal(&client.local, &server.peer));
    stream_close(&client);
    stream_close(&server);
    stream_close(&server);
    listener_close(&listener);
}

static void every_call_is_announced_and_connect_is_one(void **state)
{
    (void)state;
    struct notes client_notes = notes_open(), server_notes = notes_open();
    struct listener listener = listen_anywhere(0, &server_notes.watch);
    struct stream client, server;
    char byte;
    connect_pair(&listener, &client, &server, &client_notes.watch);
    assert_int_equal(stream_send(&client, "x", 1), 0);
    assert_true(await(&server) & WO_READ);
    assert_int_equal(stream_receive(&server, &byte, 1), 1);
    assert_int_equal(stream_finish(&server), 0);
    stream_close(&client);
    stream_close(&server);
    listener_close(&listener);
    assert_string_equal(client_notes.text, "socket connect* send close ");
    assert_string_equal(server_notes.text,
                        "socket bind listen accept recv shutdown close close ");
}

static void a_refused_connect_says_so(void **state)
{
    (void)state;
    struct notes notes = notes_open();
    struct listener listener = listen_anywhere(0, NULL);
    const struct address address = address_from_endpoint(&listener.local);
    char expected[128], text[ENDPOINT_TEXT];
    struct stream stream;
    struct error err = {0};
    endpoint_format(&listener.local, text);
    listener_close(&listener);
    assert_int_equal(
        stream_connect(&stream, &address, NULL, WO_FOREVER, &notes.watch, &err),
        ERROR_REFUSED);
    assert_string_equal(strcat(strcpy(expected, text), ": connection refused"),
                        err.sentence);
    assert_string_equal(notes.text, "socket connect*=ECONNREFUSED close ");
}

static void a_port_in_use_says_so(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere(0, NULL), second;
    const struct address address = address_from_endpoint(&listener.local);
    struct error err = {0};
    assert_int_equal(listener_open(&second, &address, 0, NULL, &err), ERROR_IN_USE);
    assert_non_null(strstr(err.sentence, "cannot listen on 127.0.0.1:"));
    listener_close(&listener);
}

static void a_connect_that_nobody_answers_can_be_stopped(void **state)
{
    (void)state;
    struct notes notes = notes_open();
    struct listener listener;
    const struct address anywhere = loopback(0);
    assert_int_equal(listener_open(&listener, &anywhere, 1, NULL, NULL), 0);
    const struct address address = address_from_endpoint(&listener.local);
    struct stream filling[2], stream;
    struct error err = {0};
    wo_event *stop;
    /* With two in a queue for one, the kernel drops every further SYN. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            stream_connect(&filling[i], &address, NULL, WO_FOREVER, NULL, NULL), 0);
    assert_int_equal(wo_event_new(WO_MANUAL_RESET, &stop), 0);
    assert_int_equal(stream_connect(&stream, &address, stop, 1000000, &notes.watch, &err),
                     ERROR_TIMED_OUT);
    assert_int_equal(wo_event_set(stop), 0);
    assert_int_equal(
        stream_connect(&stream, &address, stop, WO_FOREVER, &notes.watch, &err),
        ERROR_INTERRUPTED);
    assert_string_equal(notes.text,
                        "socket connect*=ETIMEDOUT close socket connect*=EINTR close ");
    for (int i = 0; i < 2; i++)
        stream_close(&filling[i]);
    listener_close(&listener);
    wo_event_free(&stop);
}

static void what_does_not_fit_is_sent_later_and_in_order(void **state)
{
    (void)state;
    enum { PIECE = 64 * 1024, PIECES = 200 };
    struct listener listener = listen_anywhere(0, NULL);
    struct stream client, server;
    connect_pair(&listener, &client, &server, NULL);
    assert_int_equal(stream_select(&client, WO_CLOSE), 0);
    unsigned char *piece = malloc(PIECE), *received = malloc(PIECE);
    assert_non_null(piece);
    assert_non_null(received);
    size_t sent = 0, got = 0;
    while (client.unsent.length == 0 && sent < (size_t)PIECE * PIECES) {
        for (size_t at = 0; at < PIECE; at++)
            piece[at] = (unsigned char)((sent + at) % 251);
        assert_int_equal(stream_send(&client, piece, PIECE), 0);
        sent += PIECE;
    }
    assert_true(client.unsent.length > 0); /* the system was full before the end */
    assert_int_equal(stream_finish(&client), 0);
    for (ssize_t length = 1; length != 0;) {
        length = stream_receive(&server, received, PIECE);
        if (length == -EAGAIN) {
            if (await(&client) & WO_WRITE)
                assert_int_equal(stream_flush(&client), 0);
            length = 1;
            continue;
        }
        assert_true(length >= 0);
        for (ssize_t at = 0; at < length; at++)
            assert_int_equal(received[at], (got + (size_t)at) % 251);
        got += (size_t)length;
        if (client.unsent.length == 0 && !client.finish && got < sent)
            await(&server);
    }
    assert_int_equal(got, sent);
    free(piece);
    free(received);
    stream_close(&client);
    stream_close(&server);
    listener_close(&listener);
}

static void too_much_unsent_is_refused(void **state)
{
    (void)state;
    struct listener listener = listen_anywhere(0, NULL);
    struct stream client, server;
    connect_pair(&listener, &client, &server, NULL);
    char *piece = calloc(1, 256 * 1024);
    assert_non_null(piece);
    int code = 0;
    for (int i = 0; i < 1000 && !code; i++)
        code = stream_send(&client, piece, 256 * 1024);
    assert_int_equal(code, -ENOBUFS);
    assert_true(client.unsent.length <= STREAM_UNSENT_BYTES);
    free(piece);
    stream_close(&client);
    stream_close(&server);
    listener_close(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_know_both_ends),
        cmocka_unit_test(every_call_is_announced_and_connect_is_one),
        cmocka_unit_test(a_refused_connect_says_so),
        cmocka_unit_test(a_port_in_use_says_so),
        cmocka_unit_test(a_connect_that_nobody_answers_can_be_stopped),
        cmocka_unit_test(what_does_not_fit_is_sent_later_and_in_order),
        cmocka_unit_test(too_much_unsent_is_refused),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
