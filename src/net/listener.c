#include "net/listener.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/call.h"

/* Binds and listens; 0 or a negated errno. */
static int start(struct listener *listener, const struct address *address, int backlog)
{
    /* Without it a port whose last connections are in TIME_WAIT cannot be listened on
     * again. */
    const int on = 1;
    if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    int code = call_bind(listener->watch, listener->fd, address);
    if (!code)
        code = call_listen(listener->watch, listener->fd, backlog ? backlog : SOMAXCONN);
    if (!code)
        code = wo_select(listener->fd, listener->event, WO_ACCEPT);
    if (code)
        return code;
    struct sockaddr_storage local;
    socklen_t length = sizeof local;
    if (getsockname(listener->fd, (struct sockaddr *)&local, &length) < 0)
        return -errno;
    listener->local = endpoint_from_address((struct sockaddr *)&local);
    return 0;
}

int listener_open(struct listener *ret_listener, const struct address *address,
                  int backlog, struct watch *watch, struct error *err)
{
    struct listener listener = {.watch = watch};
    listener.fd = call_socket(watch, address->storage.ss_family);
    int code =
        listener.fd < 0 ? listener.fd : wo_event_new(WO_MANUAL_RESET, &listener.event);
    if (!code)
        code = start(&listener, address, backlog);
    if (code) {
        char text[ENDPOINT_TEXT];
        struct endpoint wanted =
            endpoint_from_address((const struct sockaddr *)&address->storage);
        listener_close(&listener);
        return error_set_system(err, -code, "cannot listen on %s",
                                endpoint_format(&wanted, text));
    }
    *ret_listener = listener;
    return 0;
}

int listener_accept(struct listener *listener, struct endpoint *ret_peer)
{
    return call_accept(listener->watch, listener->fd, ret_peer);
}

void listener_close(struct listener *listener)
{
    if (listener->fd >= 0)
        call_close(listener->watch, listener->fd);
    listener->fd = -1;
    wo_event_free(&listener->event);
}
