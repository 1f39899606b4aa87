/* TCP sockets that are connected to themselves: what is sent to one is received from it. */
#ifndef BENCH_SELF_CONNECTED_H
#define BENCH_SELF_CONNECTED_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Addresses that no other benchmark's connections have, whose TIME_WAITs take ports; and so
 * few sockets to each that the kernel finds a free port at once: with half of an address's
 * ports taken it looks through thousands. */
enum { SELF_CONNECTED_ADDRESS = 0x7f004d01 /* 127.0.77.1 */, EACH = 2000 };

/* It closes with a reset, because a socket connected to itself would stay in TIME_WAIT, and
 * sends at once, acknowledged or not. */
static inline int self_connected_socket(size_t number)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr = {htonl(SELF_CONNECTED_ADDRESS + (uint32_t)(number / EACH))}};
    socklen_t length = sizeof address;
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) ||
        bind(fd, (struct sockaddr *)&address, length) ||
        getsockname(fd, (struct sockaddr *)&address, &length) ||
        connect(fd, (struct sockaddr *)&address, length))
        fail("connecting a socket to itself", strerror(errno));
    return fd;
}

static inline int *self_connected_open(size_t count)
{
    int *sockets = allocate(count, sizeof *sockets);
    for (size_t i = 0; i < count; i++)
        sockets[i] = self_connected_socket(i);
    return sockets;
}

static inline void self_connected_close(int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
    free(sockets);
}

#endif
