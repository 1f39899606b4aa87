/* forty_connections ADDRESS PORT: a client with forty connections, each with an event of its
 * own, and an event to stop (Ctrl-C), in one wait. Each connection says a line, ends its
 * side, and counts what comes back until the other side ends too: try it on echo_server.
 *
 *     cc forty_connections.c $(pkg-config --cflags --libs woshou) -o forty_connections */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <woshou/event.h>

enum { CONNECTIONS = 40, STOP = CONNECTIONS, EVENTS };

static wo_event *events[EVENTS]; /* connection i's is events[i]; the last one stops */
static size_t received[CONNECTIONS];

static void on_signal(int number)
{
    (void)number;
    wo_event_set(events[STOP]);
}

static int begin(int i, const struct sockaddr_in *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int code = fd < 0 ? -errno : wo_event_new(WO_MANUAL_RESET, &events[i]);

    if (code == 0) /* from here on the socket does not block */
        code = wo_select(fd, events[i], WO_CONNECT | WO_READ | WO_CLOSE);
    if (code == 0)
        code = wo_connect(fd, (const struct sockaddr *)server, sizeof *server);
    if (code < 0 && code != -EINPROGRESS) {
        fprintf(stderr, "forty_connections: connection %d: %s\n", i, strerror(-code));
        exit(1);
    }
    return fd;
}

/* A line this short fits the empty buffer of a new connection: no WO_WRITE to wait for. */
static int say_line(int fd, int i)
{
    char line[32];
    int length = snprintf(line, sizeof line, "this is connection %d\n", i);
    ssize_t sent = wo_send(fd, line, (size_t)length, 0);

    if (sent < 0)
        return (int)sent;
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

/* Whether the connection goes on. */
static bool serve(int fd, int i)
{
    wo_network_events network;
    char buffer[4096];
    ssize_t count = wo_enumerate(fd, events[i], &network);

    if (count == 0 && network.events & WO_CONNECT) {
        count = -network.errors[WO_CONNECT_BIT];
        if (count == 0)
            count = say_line(fd, i);
    }
    while (count >= 0) {
        count = wo_recv(fd, buffer, sizeof buffer, 0);
        if (count == 0)
            break;
        if (count > 0)
            received[i] += (size_t)count;
    }
    if (count == -EAGAIN)
        return true;
    if (count == 0)
        printf("connection %d: %zu bytes came back\n", i, received[i]);
    else
        printf("connection %d: %s\n", i, strerror((int)-count));
    return false;
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = {.sin_family = AF_INET};
    int fds[CONNECTIONS], open = CONNECTIONS;
    size_t index = STOP;

    if (argc != 3 || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) {
        fprintf(stderr, "usage: forty_connections ADDRESS PORT\n");
        return 2;
    }
    server.sin_port = htons((uint16_t)strtol(argv[2], NULL, 10));
    if (wo_event_new(WO_MANUAL_RESET, &events[STOP]) < 0)
        return 1;
    signal(SIGINT, on_signal);
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = begin(i, &server);

    while (open > 0) {
        /* The search begins behind the index of last time: each has its turn. */
        int code = wo_wait_next(events, EVENTS, WO_FOREVER, &index);

        if (code < 0 || index == STOP)
            break;
        if (!serve(fds[index], (int)index)) {
            wo_close(fds[index]);
            wo_event_reset(events[index]); /* stays in the array, and is set no more */
            open--;
        }
    }
    printf("%d of %d connections are over\n", CONNECTIONS - open, CONNECTIONS);
    return open > 0;
}
