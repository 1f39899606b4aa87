/* The ports of a server: one thread accepts on all of them. Private to serve/.
 *
 * A port that met the end of descriptors is out of the wait set until its time comes, so that a
 * connection which cannot be accepted wakes nobody; the kernel keeps it. Some descriptors are
 * kept back from connections, for files. */
#ifndef WOSHOU_SERVE_ACCEPTOR_H
#define WOSHOU_SERVE_ACCEPTOR_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/list.h"
#include "net/listener.h"
#include "net/task.h"
#include "serve/server.h"

enum { ACCEPTOR_RESERVE = 32 }; /* descriptors no connection gets */

struct acceptor {
    wo_set *set;
    struct list ports;
    int64_t now_ns, told_ns;
    unsigned limit; /* of descriptors */
    /* Takes an accepted socket and an event, whatever comes of it. */
    void (*accepted)(void *owner, enum server_port kind, int fd, wo_event *event,
                     const struct endpoint *peer);
    void *owner;
    _Atomic uint64_t count, pauses;
};

int acceptor_init(struct acceptor *acceptor);
/* Closes all ports. */
void acceptor_done(struct acceptor *acceptor);
int acceptor_listen(struct acceptor *acceptor, enum server_port kind,
                    const struct address *address, struct endpoint *ret_local,
                    struct error *err);
/* A socket that listens already, taken. */
int acceptor_take(struct acceptor *acceptor, enum server_port kind, int fd,
                  struct endpoint *ret_local, struct error *err);
void acceptor_close_ports(struct acceptor *acceptor);
/* Looks again at the ports that wait for descriptors; returns when to be called at the latest,
 * INT64_MAX for no such time. */
int64_t acceptor_turn(struct acceptor *acceptor, int64_t now_ns);

#endif
