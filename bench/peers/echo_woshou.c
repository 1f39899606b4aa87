/* echo_woshou: the echo server on woshou's event library: one wait set, an event for each
 * connection, and for each event that is ready what was recorded of its socket. */
#include "echo.h"

#include "woshou/event.h"

struct connection {
    int fd;
    wo_event *event;
    struct rest rest;
};

static char buffer[BUFFER_BYTES];

static void must(int code, const char *what)
{
    if (code < 0)
        give_up(what, -code);
}

/* The event is in the set before the socket is selected, so that the socket is watched where
 * it stays. */
static void start(wo_set *set, int fd)
{
    struct connection *connection = allocate(sizeof *connection);
    connection->fd = fd;
    must(wo_event_new(WO_MANUAL_RESET, &connection->event), "making an event");
    must(wo_set_add(set, connection->event, connection), "adding an event");
    must(wo_select(fd, connection->event, WO_READ | WO_CLOSE), "selecting");
}

static void accept_all(wo_set *set, int listener, wo_event *event)
{
    wo_network_events network;
    int fd;
    must(wo_enumerate(listener, event, &network), "enumerating");
    while ((fd = wo_accept(listener, NULL, NULL)) >= 0)
        start(set, fd);
    if (fd != -EAGAIN)
        give_up("accepting", -fd);
}

static void end(struct connection *connection)
{
    wo_close(connection->fd);
    wo_event_free(&connection->event);
    rest_drop(&connection->rest);
    free(connection);
}

/* False: the connection is gone. The socket's room is asked for only when there is none. */
static bool send_bytes(struct connection *connection, const char *bytes, size_t length)
{
    ssize_t sent = wo_send(connection->fd, bytes, length, 0);
    if (sent < 0 && sent != -EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == length)
        return true;
    rest_keep(&connection->rest, bytes + sent, length - (size_t)sent);
    must(wo_select(connection->fd, connection->event, WO_READ | WO_WRITE | WO_CLOSE),
         "selecting");
    return true;
}

/* WO_WRITE comes only after a send that failed: send until then. */
static bool send_rest(struct connection *connection)
{
    struct rest *rest = &connection->rest;
    while (rest->bytes) {
        ssize_t sent = wo_send(connection->fd, rest->bytes + rest->sent,
                               rest->length - rest->sent, 0);
        if (sent < 0)
            return sent == -EAGAIN;
        rest_advance(rest, (size_t)sent);
    }
    return true;
}

/* One receive for a WO_READ: it records the next where there is more. With the end there,
 * to the end. False: the connection is over. */
static bool echo(struct connection *connection, bool ended)
{
    do {
        ssize_t length = wo_recv(connection->fd, buffer, sizeof buffer, 0);
        if (length <= 0)
            return length == -EAGAIN;
        if (!send_bytes(connection, buffer, (size_t)length))
            return false;
    } while (ended && !connection->rest.bytes);
    return true;
}

/* What was enumerated while a rest was there is not told again: look for it. */
static void go_on(struct connection *connection)
{
    wo_network_events network;
    bool waited = connection->rest.bytes;
    must(wo_enumerate(connection->fd, connection->event, &network), "enumerating");
    if (!send_rest(connection)) {
        end(connection);
        return;
    }
    if (connection->rest.bytes || (!waited && !(network.events & (WO_READ | WO_CLOSE))))
        return;
    if (!echo(connection, waited || network.events & WO_CLOSE))
        end(connection);
}

int main(void)
{
    static wo_ready ready[READY_AT_ONCE];
    int listener = echo_listen();
    wo_event *event;
    wo_set *set;
    must(wo_set_new(&set), "starting");
    must(wo_event_new(WO_MANUAL_RESET, &event), "making an event");
    must(wo_set_add(set, event, NULL), "adding an event");
    must(wo_select(listener, event, WO_ACCEPT), "selecting");
    echo_tell(listener);
    for (;;) {
        int count = wo_set_wait(set, ready, READY_AT_ONCE, WO_FOREVER);
        must(count, "waiting");
        for (int i = 0; i < count; i++) {
            if (ready[i].owner)
                go_on(ready[i].owner);
            else
                accept_all(set, listener, event);
        }
    }
}
