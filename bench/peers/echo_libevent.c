/* echo_libevent: the echo server on libevent's events, edge-triggered, with calls of its own
 * to receive and send; echo_bufferevent.c is the one on libevent's buffers. EV_CLOSED tells
 * of an end that came with the data. */
#include "echo.h"

#include <event2/event.h>

struct connection {
    int fd;
    struct event *event, *room;
    struct rest rest;
};

static char buffer[BUFFER_BYTES];

static void add(struct event *event)
{
    if (!event || event_add(event, NULL))
        give_up("adding an event", ENOMEM);
}

static void end(struct connection *connection)
{
    event_free(connection->event);
    if (connection->room)
        event_free(connection->room);
    close(connection->fd);
    rest_drop(&connection->rest);
    free(connection);
}

static void on_room(int fd, short what, void *owner);

/* False: the connection is gone. Room is waited for only when there is none. */
static bool send_bytes(struct connection *connection, const char *bytes, size_t length)
{
    ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == length)
        return true;
    rest_keep(&connection->rest, bytes + sent, length - (size_t)sent);
    if (!connection->room)
        connection->room = event_new(event_get_base(connection->event), connection->fd,
                                     EV_WRITE | EV_PERSIST | EV_ET, on_room, connection);
    add(connection->room);
    return true;
}

static bool send_rest(struct connection *connection)
{
    struct rest *rest = &connection->rest;
    while (rest->bytes) {
        ssize_t sent = send(connection->fd, rest->bytes + rest->sent,
                            rest->length - rest->sent, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN;
        rest_advance(rest, (size_t)sent);
    }
    event_del(connection->room);
    return true;
}

/* `ended`: there is the end to be read behind the data. False: the connection is over. */
static bool echo(struct connection *connection, bool ended)
{
    for (;;) {
        ssize_t length = recv(connection->fd, buffer, sizeof buffer, 0);
        if (length <= 0)
            return length < 0 && errno == EAGAIN;
        if (!send_bytes(connection, buffer, (size_t)length))
            return false;
        if (connection->rest.bytes || (length < BUFFER_BYTES && !ended))
            return true;
    }
}

static void on_room(int fd, short what, void *owner)
{
    struct connection *connection = owner;
    (void)fd;
    (void)what;
    if (!send_rest(connection) || (!connection->rest.bytes && !echo(connection, true)))
        end(connection);
}

static void on_data(int fd, short what, void *owner)
{
    struct connection *connection = owner;
    (void)fd;
    if (!connection->rest.bytes && !echo(connection, what & EV_CLOSED))
        end(connection);
}

static void on_connection(int listener, short what, void *owner)
{
    struct event_base *base = owner;
    int fd;
    (void)what;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = allocate(sizeof *connection);
        connection->fd = fd;
        connection->event = event_new(base, fd, EV_READ | EV_CLOSED | EV_PERSIST | EV_ET,
                                      on_data, connection);
        add(connection->event);
    }
    if (errno != EAGAIN)
        give_up("accepting", errno);
}

int main(void)
{
    int listener = echo_listen();
    struct event_config *config = event_config_new();
    if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) ||
        event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE))
        give_up("starting", ENOMEM);
    struct event_base *base = event_base_new_with_config(config);
    if (!base)
        give_up("starting", ENOMEM);
    add(event_new(base, listener, EV_READ | EV_PERSIST | EV_ET, on_connection, base));
    echo_tell(listener);
    return event_base_dispatch(base);
}
