/* echo_server [PORT]: sends back what it receives, to as many connections as the system
 * allows, in one thread. A wait set holds an event for the listener, one for each
 * connection, and one to stop (Ctrl-C).
 *
 *     cc echo_server.c $(pkg-config --cflags --libs woshou) -o echo_server */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <woshou/event.h>

struct connection {
    wo_event *event;
    int fd;
    bool ending;         /* the peer has ended: what is here is all there will be */
    size_t length, sent; /* what `data` holds, and how much of it went back */
    char data[4096];
};

static wo_set *set;
static wo_event *accepting, *stop;

static void on_signal(int number)
{
    (void)number;
    wo_event_set(stop); /* a signal handler may */
}

static void must(int code, const char *what)
{
    if (code >= 0)
        return;
    fprintf(stderr, "echo_server: %s: %s\n", what, strerror(-code));
    exit(1);
}

static void end_connection(struct connection *connection)
{
    wo_close(connection->fd); /* not close(): this ends the selection too */
    wo_event_free(&connection->event);
    free(connection);
    wo_event_set(accepting); /* who found no descriptor free may find one now */
}

/* Receives one piece a turn, so that nobody keeps the others waiting, or all there is once
 * the peer has ended; and receives nothing while a piece waits to go back, so that a peer
 * that does not read holds up itself alone. */
static void serve(struct connection *connection)
{
    wo_network_events network;
    bool received = false;
    ssize_t code;

    wo_enumerate(connection->fd, connection->event, &network);
    if (network.events & WO_CLOSE)
        connection->ending = true;
    for (;;) {
        if (connection->sent < connection->length) {
            code = wo_send(connection->fd, connection->data + connection->sent,
                           connection->length - connection->sent, 0);
            if (code < 0)
                break; /* -EAGAIN: WO_WRITE comes once there is room */
            connection->sent += (size_t)code;
        } else {
            if (received && !connection->ending)
                return; /* WO_READ comes if there is more: wo_recv has looked */
            code = wo_recv(connection->fd, connection->data, sizeof connection->data, 0);
            if (code <= 0)
                break;
            connection->length = (size_t)code;
            connection->sent = 0;
            received = true;
        }
    }
    if (code != -EAGAIN)
        end_connection(connection);
}

static void accept_all(int listener)
{
    struct connection *connection;
    wo_network_events network;
    int fd;

    wo_enumerate(listener, accepting, &network);
    while ((fd = wo_accept(listener, NULL, NULL)) >= 0) {
        connection = calloc(1, sizeof *connection);
        if (!connection)
            must(-ENOMEM, "a connection");
        connection->fd = fd;
        /* It came with the listener's event and mask; now it gets an event of its own. */
        if (wo_event_new(WO_MANUAL_RESET, &connection->event) < 0 ||
            wo_set_add(set, connection->event, connection) < 0 ||
            wo_select(fd, connection->event, WO_READ | WO_WRITE | WO_CLOSE) < 0)
            end_connection(connection);
    }
    if (fd == -EMFILE || fd == -ENFILE)
        wo_event_reset(accepting); /* they wait until a connection ends */
}

static int start_listening(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) < 0 ||
        bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        must(-errno, "listening");
    fprintf(stderr, "listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    return fd;
}

int main(int argc, char **argv)
{
    wo_ready ready[64];
    struct rlimit limit;
    int listener, count;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    must(wo_set_new(&set), "a wait set");
    must(wo_event_new(WO_MANUAL_RESET, &accepting), "an event");
    must(wo_event_new(WO_MANUAL_RESET, &stop), "an event");
    must(wo_set_add(set, accepting, &accepting), "adding an event");
    must(wo_set_add(set, stop, &stop), "adding an event");
    signal(SIGINT, on_signal);
    listener = start_listening((uint16_t)(argc > 1 ? strtol(argv[1], NULL, 10) : 7777));
    must(wo_select(listener, accepting, WO_ACCEPT), "selecting");

    for (;;) {
        count = wo_set_wait(set, ready, 64, WO_FOREVER);
        must(count, "waiting");
        for (int i = 0; i < count; i++)
            if (ready[i].owner == &stop)
                return 0; /* the system closes what is open */
            else if (ready[i].owner == &accepting)
                accept_all(listener);
            else
                serve(ready[i].owner);
    }
}
