/* echo_bufferevent: the echo server on libevent's buffers, as its documentation has it: what
 * came in is moved to what goes out, without a copy. libevent allocates here as it likes; the
 * allocator is told to keep what it gets back. */
#include "echo.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <malloc.h>

enum {
    UNSENT_BYTES = 1024 * 1024, /* with so much left to send nothing more is read */
    KEPT_BYTES = 256 * 1024 * 1024
};

static void on_data(struct bufferevent *connection, void *owner)
{
    (void)owner;
    bufferevent_write_buffer(connection, bufferevent_get_input(connection));
    if (evbuffer_get_length(bufferevent_get_output(connection)) > UNSENT_BYTES)
        bufferevent_disable(connection, EV_READ);
}

static void on_sent(struct bufferevent *connection, void *owner)
{
    (void)owner;
    if (!(bufferevent_get_enabled(connection) & EV_READ))
        bufferevent_enable(connection, EV_READ);
}

static void on_end(struct bufferevent *connection, short what, void *owner)
{
    (void)what;
    (void)owner;
    bufferevent_free(connection);
}

static void on_connection(struct evconnlistener *listener, int fd,
                          struct sockaddr *address, int length, void *owner)
{
    struct event_base *base = evconnlistener_get_base(listener);
    struct bufferevent *connection =
        bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    (void)address;
    (void)length;
    (void)owner;
    if (!connection)
        give_up("accepting", ENOMEM);
    bufferevent_set_max_single_read(connection, BUFFER_BYTES);
    bufferevent_set_max_single_write(connection, BUFFER_BYTES);
    bufferevent_setcb(connection, on_data, on_sent, on_end, NULL);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

int main(void)
{
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES / 8);
    int fd = echo_listen();
    struct event_config *config = event_config_new();
    if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) ||
        event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST))
        give_up("starting", ENOMEM);
    struct event_base *base = event_base_new_with_config(config);
    if (!base ||
        !evconnlistener_new(base, on_connection, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, fd))
        give_up("starting", ENOMEM);
    echo_tell(fd);
    return event_base_dispatch(base);
}
