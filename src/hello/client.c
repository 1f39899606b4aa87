#include "hello/client.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf.h"
#include "net/call.h"

enum { RECEIVE_BYTES = 4096 };

/* What one look at the connection came to. */
enum outcome { GO_ON = 0, CLOSED = 1 }; /* or a negated errno */

static int64_t left_ns(const struct hello_client *client)
{
    if (!client->deadline_ns)
        return WO_FOREVER;
    int64_t left = client->deadline_ns - clock_now_ns(client->options.clock);
    return left > 0 ? left : 0;
}

static int connect_to_any(struct hello_client *client,
                          const struct address_list *addresses, wo_event *stop,
                          struct error *err)
{
    int code = error_set(err, ERROR_ABSENT, "no address to connect to");
    for (size_t i = 0; i < addresses->count; i++) {
        code = stream_connect(&client->stream, &addresses->addresses[i], stop,
                              left_ns(client), client->options.watch, err);
        if (code == 0 || code == ERROR_INTERRUPTED || left_ns(client) == 0)
            break;
    }
    return code;
}

int hello_client_open(struct hello_client *ret_client,
                      const struct address_list *addresses,
                      const struct hello_client_options *options, wo_event *stop,
                      struct error *err)
{
    struct hello_client client = {.options = *options, .stream = {.fd = -1}};
    if (!client.options.clock)
        client.options.clock = &clock_monotonic;
    if (options->for_ns)
        client.deadline_ns = clock_now_ns(client.options.clock) + options->for_ns;
    buffer_init(&client.answer, MESSAGE_BYTES);
    message_reader_init(&client.reader, HELLO_CLIENT_BYTES);
    int code = 0;
    if (options->say)
        code = message_encode(options->say, strlen(options->say), &client.answer, err);
    if (!code)
        code = connect_to_any(&client, addresses, stop, err);
    if (!code) {
        int selected = stream_select(&client.stream, WO_READ | WO_CLOSE);
        if (selected)
            code = error_set_system(err, -selected, "waiting on the connection");
    }
    if (code) {
        hello_client_close(&client);
        return code;
    }
    *ret_client = client;
    return 0;
}

/* Hands on the string that the reader holds; 0 or a negated errno. */
static int hand_on(struct hello_client *client)
{
    struct buffer text;
    struct message_faults faults;
    buffer_init(&text, 0);
    int code = message_reader_finish(&client->reader, &text, &faults);
    if (!code)
        client->options.heard(client->options.owner, buffer_text(&text), text.length,
                              &faults);
    buffer_done(&text);
    return code ? -ENOMEM : 0;
}

/* The first string was the greeting: it is answered, once. */
static int answer(struct hello_client *client)
{
    if (client->answer.length == 0)
        return 0;
    int code = stream_send(&client->stream, client->answer.bytes, client->answer.length);
    buffer_clear(&client->answer);
    return code;
}

/* Takes received bytes, which may hold the end of one string and the beginning of
 * others. */
static int take(struct hello_client *client, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t taken;
        if (message_reader_take(&client->reader, bytes, length, &taken))
            return -ENOMEM;
        bytes += taken;
        length -= taken;
        if (!client->reader.complete)
            continue;
        int code = hand_on(client);
        if (!code)
            code = answer(client);
        if (code)
            return code;
    }
    return GO_ON;
}

static int receive_once(struct hello_client *client)
{
    char bytes[RECEIVE_BYTES];
    ssize_t length = stream_receive(&client->stream, bytes, sizeof bytes);
    if (length == 0)
        return CLOSED;
    return length < 0 ? (int)length : take(client, bytes, (size_t)length);
}

/* WO_CLOSE is told at once, also with data unread before the end: that is read first. */
static int receive_to_the_end(struct hello_client *client, int close_error)
{
    int code;
    do
        code = receive_once(client);
    while (code == GO_ON);
    if (code == -EAGAIN)
        code = CLOSED;
    return code == CLOSED && close_error ? -close_error : code;
}

static int on_network(struct hello_client *client, const wo_network_events *network)
{
    int code = GO_ON;
    if (network->events & WO_WRITE)
        code = stream_flush(&client->stream);
    if (code == GO_ON && network->events & WO_READ)
        code = receive_once(client);
    if (code == -EAGAIN)
        code = GO_ON;
    if (code == GO_ON && network->events & WO_CLOSE)
        code = receive_to_the_end(client, call_network_error(network, WO_CLOSE));
    return code;
}

/* Waits once on the two events, and does what is to be done. */
static int turn(struct hello_client *client, wo_event *stop)
{
    struct stream *stream = &client->stream;
    wo_event *const events[2] = {stream->event, stop};
    int index = call_wait(stream->watch, stream->fd, events, 2, left_ns(client));
    if (index == 1 || index == -ETIMEDOUT)
        return CLOSED;
    if (index < 0)
        return index;
    wo_network_events network = {0};
    int code = wo_enumerate(stream->fd, stream->event, &network);
    return code ? code : on_network(client, &network);
}

int hello_client_run(struct hello_client *client, wo_event *stop, struct error *err)
{
    int code;
    do
        code = turn(client, stop);
    while (code == GO_ON);
    if (client->reader.bytes.length > 0 && code != -ENOMEM)
        hand_on(client); /* as far as it came, for it will not be completed */
    if (code == CLOSED)
        return 0;
    /* Winsock calls a reset "aborted" in WO_CLOSE; to a person it is one and the same. */
    if (code == -ECONNABORTED || code == -EPIPE)
        code = -ECONNRESET;
    char text[ENDPOINT_TEXT];
    return error_set_system(err, -code, "%s",
                            endpoint_format(&client->stream.peer, text));
}

void hello_client_close(struct hello_client *client)
{
    stream_close(&client->stream);
    message_reader_done(&client->reader);
    buffer_done(&client->answer);
}
