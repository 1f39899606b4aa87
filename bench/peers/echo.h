/* What all echo servers have in common, so that they differ in nothing but how they wait:
 * the port, the sizes, and what becomes of bytes that cannot be sent at once.
 *
 * An echo server: one thread, one connection's bytes back to it as they come, to its end.
 * Bytes are received into one buffer for all connections and sent from there; only what the
 * connection does not take is copied and kept, and nothing more is received from it until
 * that is gone. */
#ifndef BENCH_PEERS_ECHO_H
#define BENCH_PEERS_ECHO_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 32 * 1024, /* twice the longest message: one call receives it */
    READY_AT_ONCE = 256,      /* connections that one wait may give */
    BACKLOG = SOMAXCONN
};

static inline _Noreturn void give_up(const char *what, int error)
{
    fprintf(stderr, "echo: %s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

static inline void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        give_up("memory", errno);
    return memory;
}

/* A socket bound to a port of the system's choice and made to listen, non-blocking. What is
 * accepted inherits TCP_NODELAY. */
static inline int echo_listen(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG))
        give_up("listening", errno);
    return fd;
}

/* Once everything is ready: the load begins now. */
static inline void echo_tell(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length))
        give_up("listening", errno);
    fprintf(stderr, "listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
}

/* Bytes that are still to be sent. */
struct rest {
    char *bytes; /* null: none */
    size_t length, sent;
};

static inline void rest_keep(struct rest *rest, const char *bytes, size_t length)
{
    rest->bytes = allocate(length);
    rest->length = length;
    rest->sent = 0;
    memcpy(rest->bytes, bytes, length);
}

static inline void rest_drop(struct rest *rest)
{
    free(rest->bytes);
    *rest = (struct rest){.bytes = NULL};
}

/* So many more bytes of it were sent. */
static inline void rest_advance(struct rest *rest, size_t sent)
{
    rest->sent += sent;
    if (rest->sent == rest->length)
        rest_drop(rest);
}

#endif
