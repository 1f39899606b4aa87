#include "net/call.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"

/* Announces that the call returned, and returns its result. */
static int64_t left(struct watch *watch, struct watch_call *call, int64_t result)
{
    call->result = result;
    watch_leave(watch, call);
    return result;
}

static int or_errno(int result)
{
    return result < 0 ? -errno : result;
}

int call_socket(struct watch *watch, int family)
{
    struct watch_call call = {.name = "socket", .fd = -1};
    watch_enter(watch, &call);
    int fd =
        or_errno(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    return (int)left(watch, &call, fd);
}

int call_bind(struct watch *watch, int fd, const struct address *address)
{
    struct watch_call call = {.name = "bind", .fd = fd};
    watch_enter(watch, &call);
    int result =
        or_errno(bind(fd, (const struct sockaddr *)&address->storage, address->length));
    return (int)left(watch, &call, result);
}

int call_listen(struct watch *watch, int fd, int backlog)
{
    struct watch_call call = {.name = "listen", .fd = fd};
    watch_enter(watch, &call);
    return (int)left(watch, &call, or_errno(listen(fd, backlog)));
}

int call_accept(struct watch *watch, int fd, struct endpoint *ret_peer)
{
    struct watch_call call = {.name = "accept", .fd = fd};
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    watch_enter(watch, &call);
    int result = wo_accept(fd, (struct sockaddr *)&peer, &length);
    if (result >= 0)
        call.peer = *ret_peer = endpoint_from_address((struct sockaddr *)&peer);
    return (int)left(watch, &call, result);
}

/* Waits for the connect under way to end. */
static int await_connect(int fd, wo_event *event, wo_event *stop, int64_t timeout_ns)
{
    wo_event *const events[2] = {event, stop};
    int64_t deadline_ns =
        timeout_ns == WO_FOREVER ? 0 : clock_monotonic_ns() + timeout_ns;
    for (;;) {
        size_t index;
        int code = wo_wait(events, stop ? 2 : 1, WO_ANY, timeout_ns, &index);
        if (code)
            return code;
        if (index == 1)
            return -EINTR;
        wo_network_events network = {0};
        code = wo_enumerate(fd, event, &network);
        if (code)
            return code;
        if (network.events & WO_CONNECT)
            return -call_network_error(&network, WO_CONNECT);
        if (timeout_ns != WO_FOREVER) {
            int64_t left_ns = deadline_ns - clock_monotonic_ns();
            timeout_ns = left_ns > 0 ? left_ns : 0;
        }
    }
}

int call_connect(struct watch *watch, int fd, wo_event *event, wo_event *stop,
                 const struct address *address, int64_t timeout_ns)
{
    const struct sockaddr *to = (const struct sockaddr *)&address->storage;
    struct watch_call call = {.name = "connect",
                              .fd = fd,
                              .may_block = true,
                              .peer = endpoint_from_address(to)};
    watch_enter(watch, &call);
    int result = wo_connect(fd, to, address->length);
    if (result == -EINPROGRESS || result == -EAGAIN)
        result = await_connect(fd, event, stop, timeout_ns);
    return (int)left(watch, &call, result);
}

ssize_t call_recv(struct watch *watch, int fd, void *buffer, size_t length)
{
    struct watch_call call = {.name = "recv", .fd = fd};
    watch_enter(watch, &call);
    return left(watch, &call, wo_recv(fd, buffer, length, 0));
}

ssize_t call_peek(struct watch *watch, int fd, void *buffer, size_t length)
{
    struct watch_call call = {.name = "recv", .fd = fd};
    watch_enter(watch, &call);
    return left(watch, &call, wo_recv(fd, buffer, length, MSG_PEEK));
}

ssize_t call_send(struct watch *watch, int fd, const void *bytes, size_t length)
{
    struct watch_call call = {.name = "send", .fd = fd};
    watch_enter(watch, &call);
    return left(watch, &call, wo_send(fd, bytes, length, 0));
}

ssize_t call_sendfile(struct watch *watch, int fd, int file, int64_t *offset,
                      size_t length)
{
    struct watch_call call = {.name = "sendfile", .fd = fd};
    watch_enter(watch, &call);
    return left(watch, &call, wo_sendfile(fd, file, offset, length));
}

int call_shutdown(struct watch *watch, int fd, int how)
{
    struct watch_call call = {.name = "shutdown", .fd = fd};
    watch_enter(watch, &call);
    return (int)left(watch, &call, or_errno(shutdown(fd, how)));
}

int call_close(struct watch *watch, int fd)
{
    struct watch_call call = {.name = "close", .fd = fd};
    watch_enter(watch, &call);
    return (int)left(watch, &call, wo_close(fd));
}

int call_wait(struct watch *watch, int fd, wo_event *const *events, size_t count,
              int64_t timeout_ns)
{
    struct watch_call call = {.name = "wait", .fd = fd, .may_block = true};
    size_t index = 0;
    watch_enter(watch, &call);
    int code = wo_wait(events, count, WO_ANY, timeout_ns, &index);
    return (int)left(watch, &call, code ? code : (int)index);
}

int call_set_wait(struct watch *watch, wo_set *set, wo_ready *ret_ready, size_t capacity,
                  int64_t timeout_ns)
{
    struct watch_call call = {.name = "wait", .fd = -1, .may_block = true};
    watch_enter(watch, &call);
    return (int)left(watch, &call, wo_set_wait(set, ret_ready, capacity, timeout_ns));
}
