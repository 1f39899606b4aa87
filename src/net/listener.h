/* A listener: a socket that waits for connections, and the event that tells of them.
 *
 *     listener_open        the socket is bound and listens; WO_ACCEPT sets `event`
 *     listener_accept      one connection for one WO_ACCEPT: it re-enables itself
 *     listener_close */
#ifndef WOSHOU_NET_LISTENER_H
#define WOSHOU_NET_LISTENER_H

#include "base/endpoint.h"
#include "net/address.h"
#include "woshou/event.h"

struct error;
struct watch;

struct listener {
    int fd;                /* -1: closed */
    wo_event *event;       /* manual reset, its own */
    struct watch *watch;   /* borrowed until listener_close; may be null */
    struct endpoint local; /* with the port the system chose where 0 was asked for */
};

/* Listens at `address`; `backlog` 0 means the system's most. The any-address of IPv6
 * takes IPv4 too where the system lets it. On failure there is nothing to close. */
int listener_open(struct listener *ret_listener, const struct address *address,
                  int backlog, struct watch *watch, struct error *err);
/* Accepts one connection: its descriptor, or a negated errno (-EAGAIN: none is there;
 * -EMFILE, -ENFILE: out of descriptors, the connection waits on). The socket is selected
 * to the listener's event: select it to its own next. */
int listener_accept(struct listener *listener, struct endpoint *ret_peer);
/* Accepts one that is closed already. */
void listener_close(struct listener *listener);

#endif
