/* The socket calls of a program, each announced to its watch as it enters and as it
 * returns.
 *
 * Everything in net/ and above makes its socket calls here and nowhere else, so that a
 * watcher sees all of them; the watch may be null. Each returns what the system's call
 * returns, or a negated errno. Selected sockets keep their meaning: these are
 * woshou/event.h's calls. */
#ifndef WOSHOU_NET_CALL_H
#define WOSHOU_NET_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/watch.h"
#include "net/address.h"
#include "woshou/event.h"

/* A TCP socket of the address's family: non-blocking, closed on exec. */
int call_socket(struct watch *watch, int family);
int call_bind(struct watch *watch, int fd, const struct address *address);
int call_listen(struct watch *watch, int fd, int backlog);
/* The new descriptor; `ret_peer` as it is on the wire. */
int call_accept(struct watch *watch, int fd, struct endpoint *ret_peer);

/* What the program sees as one blocking connect: made, or failed, when it returns.
 * Inside, it waits on exactly two events, `event`, which the socket must be selected to
 * for WO_CONNECT, and `stop` (null: only the first). 0; -EINTR where `stop` was set;
 * -ETIMEDOUT where `timeout_ns` passed (WO_FOREVER: never) or TCP gave up; or the
 * connect's error. */
int call_connect(struct watch *watch, int fd, wo_event *event, wo_event *stop,
                 const struct address *address, int64_t timeout_ns);

ssize_t call_recv(struct watch *watch, int fd, void *buffer, size_t length);
/* What is there to receive, left there. */
ssize_t call_peek(struct watch *watch, int fd, void *buffer, size_t length);
ssize_t call_send(struct watch *watch, int fd, const void *bytes, size_t length);
ssize_t call_sendfile(struct watch *watch, int fd, int file, int64_t *offset,
                      size_t length);
int call_shutdown(struct watch *watch, int fd, int how);
int call_close(struct watch *watch, int fd);

/* Waits for any of the events on behalf of the socket `fd`; the index, or a negated
 * errno. */
int call_wait(struct watch *watch, int fd, wo_event *const *events, size_t count,
              int64_t timeout_ns);
/* How many are ready, or a negated errno. */
int call_set_wait(struct watch *watch, wo_set *set, wo_ready *ret_ready, size_t capacity,
                  int64_t timeout_ns);

/* The error recorded with one network event: a positive errno, or 0. */
static inline int call_network_error(const wo_network_events *network,
                                     enum wo_network_event event)
{
    return network->events & event ? network->errors[__builtin_ctz(event)] : 0;
}

#endif
