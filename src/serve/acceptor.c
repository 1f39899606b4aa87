#include "serve/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "serve/log.h"

#define RESUME_NS (100 * NS_PER_MS)
#define TELL_AGAIN_NS (60 * NS_PER_S)
enum { ACCEPT_AT_ONCE = 64 };

struct port {
    struct task task;
    struct acceptor *acceptor;
    struct listener listener;
    enum server_port kind;
    int64_t resume_ns; /* 0: in the set */
    struct list_link link;
};

static void port_ready(struct task *task);

int acceptor_init(struct acceptor *acceptor)
{
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    acceptor->limit = limit.rlim_cur > INT32_MAX ? INT32_MAX : (unsigned)limit.rlim_cur;
    list_init(&acceptor->ports);
    return wo_set_new(&acceptor->set);
}

static void close_port(struct port *port)
{
    list_remove(&port->link);
    listener_close(&port->listener);
    free(port);
}

void acceptor_close_ports(struct acceptor *acceptor)
{
    list_for_each_safe (link, &acceptor->ports)
        close_port(list_member(link, struct port, link));
}

void acceptor_done(struct acceptor *acceptor)
{
    acceptor_close_ports(acceptor);
    wo_set_free(&acceptor->set);
}

/* Takes the listener. */
static int add_port(struct acceptor *acceptor, enum server_port kind,
                    struct listener *listener, struct endpoint *ret_local,
                    struct error *err)
{
    struct port *port = calloc(1, sizeof *port);
    if (!port) {
        listener_close(listener);
        return error_set(err, ERROR_MEMORY, "listening");
    }
    port->task.ready = port_ready;
    port->acceptor = acceptor;
    port->listener = *listener;
    port->kind = kind;
    list_append(&acceptor->ports, &port->link);
    int code = wo_set_add(acceptor->set, port->listener.event, &port->task);
    if (code) {
        close_port(port);
        return error_set_system(err, -code, "listening");
    }
    if (ret_local)
        *ret_local = port->listener.local;
    return 0;
}

int acceptor_listen(struct acceptor *acceptor, enum server_port kind,
                    const struct address *address, struct endpoint *ret_local,
                    struct error *err)
{
    struct listener listener;
    int code = listener_open(&listener, address, 0, NULL, err);
    return code ? code : add_port(acceptor, kind, &listener, ret_local, err);
}

int acceptor_take(struct acceptor *acceptor, enum server_port kind, int fd,
                  struct endpoint *ret_local, struct error *err)
{
    struct listener listener = {.fd = fd};
    struct sockaddr_storage local;
    socklen_t length = sizeof local;
    int code = wo_event_new(WO_MANUAL_RESET, &listener.event);
    if (!code)
        code = wo_select(fd, listener.event, WO_ACCEPT);
    if (!code && getsockname(fd, (struct sockaddr *)&local, &length) < 0)
        code = -errno;
    if (code) {
        listener_close(&listener);
        return error_set_system(err, -code, "taking over a socket that listens");
    }
    listener.local = endpoint_from_address((struct sockaddr *)&local);
    return add_port(acceptor, kind, &listener, ret_local, err);
}

/* --- Accepting --- */

/* Whether a failed accept concerns that one connection, or none at all (accept(2)). */
static bool passes(int code)
{
    switch (error_code_from_errno(-code)) {
    case ERROR_AGAIN:
    case ERROR_ABORTED:
    case ERROR_RESET:
    case ERROR_TIMED_OUT:
    case ERROR_UNREACHABLE:
    case ERROR_INTERRUPTED: return true;
    default: return code == -EPROTO || code == -ENOPROTOOPT || code == -EOPNOTSUPP;
    }
}

static void pause_port(struct port *port)
{
    struct acceptor *acceptor = port->acceptor;
    wo_set_remove(acceptor->set, port->listener.event);
    port->resume_ns = acceptor->now_ns + RESUME_NS;
    atomic_fetch_add(&acceptor->pauses, 1);
    if (acceptor->told_ns && acceptor->now_ns - acceptor->told_ns < TELL_AGAIN_NS)
        return;
    acceptor->told_ns = acceptor->now_ns;
    log_event(LOG_WARNING, "out-of-descriptors", &port->listener.local,
              "new connections wait until some close");
}

/* Descriptors are given from the lowest on: a high one says that few are left. */
static bool is_high(const struct acceptor *acceptor, int fd)
{
    return (unsigned)fd + ACCEPTOR_RESERVE >= acceptor->limit;
}

/* False where no more are to be accepted now. */
static bool accept_one(struct port *port)
{
    struct acceptor *acceptor = port->acceptor;
    struct endpoint peer;
    wo_event *event;
    int code = wo_event_new(WO_MANUAL_RESET, &event);
    if (code) {
        pause_port(port);
        return false;
    }
    int fd = listener_accept(&port->listener, &peer);
    if (fd < 0) {
        wo_event_free(&event);
        if (!passes(fd))
            pause_port(port);
        return false;
    }
    bool high = is_high(acceptor, fd);
    atomic_fetch_add_explicit(&acceptor->count, 1, memory_order_relaxed);
    acceptor->accepted(acceptor->owner, port->kind, fd, event, &peer);
    if (high)
        pause_port(port);
    return !high;
}

static void port_ready(struct task *task)
{
    struct port *port = (struct port *)task;
    wo_network_events network = {0};
    port->acceptor->now_ns = clock_monotonic_ns();
    wo_enumerate(port->listener.fd, port->listener.event, &network);
    for (int i = 0; i < ACCEPT_AT_ONCE && accept_one(port); i++)
        ;
}

/* Whether a descriptor that a connection may have is free again. */
static bool may_accept(const struct acceptor *acceptor, const struct port *port)
{
    int fd = fcntl(port->listener.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return false;
    close(fd);
    return !is_high(acceptor, fd);
}

int64_t acceptor_turn(struct acceptor *acceptor, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    acceptor->now_ns = now_ns;
    list_for_each (link, &acceptor->ports) {
        struct port *port = list_member(link, struct port, link);
        if (port->resume_ns && port->resume_ns <= now_ns) {
            bool may = may_accept(acceptor, port) &&
                       wo_set_add(acceptor->set, port->listener.event, &port->task) == 0;
            port->resume_ns = may ? 0 : now_ns + RESUME_NS;
            /* What came meanwhile was told of already. */
            for (int i = 0; may && i < ACCEPT_AT_ONCE && accept_one(port); i++)
                ;
        }
        if (port->resume_ns && port->resume_ns < next_ns)
            next_ns = port->resume_ns;
    }
    return next_ns;
}
