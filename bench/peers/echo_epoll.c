/* echo_epoll: the echo server on epoll alone, edge-triggered. A receive that fills less than
 * the buffer has taken all there was, and the next edge is for what comes after; the end,
 * which may have come with the data, shows as EPOLLRDHUP. */
#include "echo.h"

#include <sys/epoll.h>

struct connection {
    int fd;
    struct rest rest;
};

static char buffer[BUFFER_BYTES];

static void watch(int epoll, int fd, unsigned events, void *owner)
{
    struct epoll_event event = {.events = events | EPOLLET, .data.ptr = owner};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        give_up("watching", errno);
}

static void accept_all(int epoll, int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = allocate(sizeof *connection);
        connection->fd = fd;
        watch(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, connection);
    }
    if (errno != EAGAIN)
        give_up("accepting", errno);
}

static void end(struct connection *connection)
{
    close(connection->fd);
    rest_drop(&connection->rest);
    free(connection);
}

/* False: the connection is gone. */
static bool send_bytes(struct connection *connection, const char *bytes, size_t length)
{
    ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent < length)
        rest_keep(&connection->rest, bytes + sent, length - (size_t)sent);
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

/* What came while a rest was there brings no edge of its own any more: its end is looked for
 * as well. */
static void go_on(struct connection *connection, unsigned events)
{
    bool waited = connection->rest.bytes;
    if (!send_rest(connection)) {
        end(connection);
        return;
    }
    if (connection->rest.bytes || (!waited && !(events & ~(unsigned)EPOLLOUT)))
        return;
    if (!echo(connection, waited || events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        end(connection);
}

int main(void)
{
    static struct epoll_event ready[READY_AT_ONCE];
    int listener = echo_listen();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        give_up("starting", errno);
    watch(epoll, listener, EPOLLIN, NULL);
    echo_tell(listener);
    for (;;) {
        int count = epoll_wait(epoll, ready, READY_AT_ONCE, -1);
        if (count < 0 && errno != EINTR)
            give_up("waiting", errno);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr)
                go_on(ready[i].data.ptr, ready[i].events);
            else
                accept_all(epoll, listener);
        }
    }
}
