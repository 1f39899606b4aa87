#include "traffic.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEASURE_NAME "traffic"
#include "measure.h"

enum {
    PORT = 80,
    CLOSED_PORT = 81,
    SERVERS = 16, /* addresses, so that no four-tuple comes twice */
    AT_ONCE = 1000,
    EXCHANGES_LEAST = 4, /* of a connection, */
    EXCHANGES_MORE = 6,  /* and how many different numbers there are */
    REFUSED_ONE_IN = 50,
    BATCH_CONNECTIONS = 2500,
    BATCH_ROUNDS = 64,
    CHUNK = 64 << 10 /* bytes of one write */
};

/* How a connection ends. */
enum ending { CLIENT_FIRST, SERVER_FIRST, HALF_CLOSED, CLIENT_RESETS, SERVER_RESETS };

struct talk {
    int client, server;
    unsigned exchanges; /* still to come */
    enum ending ending;
};

struct traffic {
    int orders;
    int listeners[SERVERS];
    uint32_t random;
};

/* Xorshift. */
static uint32_t next_random(struct traffic *traffic)
{
    traffic->random ^= traffic->random << 13;
    traffic->random ^= traffic->random >> 17;
    traffic->random ^= traffic->random << 5;
    return traffic->random;
}

/* --- orders --- */

static void wait_for_order(const struct traffic *traffic)
{
    char order;
    if (read(traffic->orders, &order, 1) != 1)
        exit(EXIT_FAILURE); /* whoever gave them has gone, and has said why */
}

static void say_done(const struct traffic *traffic)
{
    if (write(traffic->orders, "d", 1) != 1)
        exit(EXIT_FAILURE);
}

/* --- opening and closing --- */

static struct sockaddr_in address_of(size_t server, uint16_t port)
{
    uint32_t address = INADDR_LOOPBACK + 1 + (uint32_t)(server % SERVERS);
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(address)};
}

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("making a socket", strerror(errno));
    return fd;
}

static void begin(struct traffic *traffic, int orders)
{
    *traffic = (struct traffic){.orders = orders, .random = 2463534242};
    for (size_t i = 0; i < SERVERS; i++) {
        struct sockaddr_in address = address_of(i, PORT);
        int fd = new_socket();
        if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 128))
            fail("listening", strerror(errno));
        traffic->listeners[i] = fd;
    }
    wait_for_order(traffic);
}

static void end(struct traffic *traffic)
{
    for (size_t i = 0; i < SERVERS; i++)
        close(traffic->listeners[i]);
    say_done(traffic);
}

/* On the loopback the connection is there once connect() returns, and accepting it waits
 * for nothing. */
static struct talk open_talk(const struct traffic *traffic, size_t server)
{
    struct sockaddr_in address = address_of(server, PORT);
    struct talk talk = {.client = new_socket()};
    if (connect(talk.client, (struct sockaddr *)&address, sizeof address))
        fail("connecting", strerror(errno));
    talk.server = accept(traffic->listeners[server % SERVERS], NULL, NULL);
    if (talk.server < 0)
        fail("accepting", strerror(errno));
    return talk;
}

static void be_refused(size_t server)
{
    struct sockaddr_in address = address_of(server, CLOSED_PORT);
    int fd = new_socket();
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        fail("being refused", "somebody listens");
    if (errno != ECONNREFUSED)
        fail("being refused", strerror(errno));
    close(fd);
}

/* At most CHUNK bytes. */
static void pass(int from, int to, const char *bytes, size_t count)
{
    static char heard[CHUNK];
    if (send(from, bytes, count, MSG_NOSIGNAL) != (ssize_t)count ||
        recv(to, heard, count, MSG_WAITALL) != (ssize_t)count)
        fail("talking", strerror(errno));
}

/* As short as requests and answers get: most packets of a server with many visitors are
 * small. */
static void exchange(struct traffic *traffic, const struct talk *talk)
{
    char text[256];
    uint32_t item = next_random(traffic) % 100000, bytes = next_random(traffic) % 80;
    int length = snprintf(text, sizeof text, "GET /%u HTTP/1.1\r\nHost: a\r\n\r\n", item);

    pass(talk->client, talk->server, text, (size_t)length);
    length =
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n%0*u",
                 bytes + 1, (int)bytes + 1, item % 10);
    pass(talk->server, talk->client, text, (size_t)length);
}

static void close_with_reset(int fd)
{
    struct linger none = {.l_onoff = 1};
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none))
        fail("resetting", strerror(errno));
    close(fd);
}

static void end_talk(const struct talk *talk)
{
    bool server = talk->ending == SERVER_FIRST || talk->ending == SERVER_RESETS;
    int first = server ? talk->server : talk->client;
    int second = server ? talk->client : talk->server;

    if (talk->ending == HALF_CLOSED) {
        shutdown(first, SHUT_WR);
        pass(second, first, "HTTP/1.1 408 Request Timeout\r\n\r\n", 32);
    } else if (talk->ending == CLIENT_RESETS || talk->ending == SERVER_RESETS) {
        close_with_reset(first);
        first = -1;
    }
    close(first == -1 ? second : first);
    if (first != -1)
        close(second);
}

/* --- many --- */

static enum ending choose_ending(uint32_t random)
{
    uint32_t share = random % 100;
    if (share < 4)
        return share < 2 ? CLIENT_RESETS : SERVER_RESETS;
    if (share < 9)
        return HALF_CLOSED;
    return share < 55 ? CLIENT_FIRST : SERVER_FIRST;
}

/* One more step of a connection: an exchange, or its end. False: that was its end. */
static bool go_on(struct traffic *traffic, struct talk *talk)
{
    if (talk->exchanges == 0) {
        end_talk(talk);
        return false;
    }
    talk->exchanges--;
    exchange(traffic, talk);
    return true;
}

void traffic_many(int orders, size_t connections)
{
    struct talk *talks = allocate(AT_ONCE, sizeof *talks);
    struct traffic traffic;
    size_t open = 0, begun = 0;

    begin(&traffic, orders);
    while (begun < connections || open > 0) {
        if (open == AT_ONCE || begun == connections) {
            size_t which = next_random(&traffic) % open;
            if (!go_on(&traffic, &talks[which]))
                talks[which] = talks[--open];
            continue;
        }
        if (++begun % REFUSED_ONE_IN == 0) {
            be_refused(begun);
        } else {
            struct talk *talk = &talks[open++];
            *talk = open_talk(&traffic, begun);
            talk->exchanges = EXCHANGES_LEAST + next_random(&traffic) % EXCHANGES_MORE;
            talk->ending = choose_ending(next_random(&traffic));
        }
        if (begun % BATCH_CONNECTIONS == 0) {
            say_done(&traffic);
            wait_for_order(&traffic);
        }
    }
    end(&traffic);
    free(talks);
}

/* --- few --- */

void traffic_few(int orders, size_t connections, size_t bytes)
{
    struct talk *talks = allocate(connections, sizeof *talks);
    static const char bytes_of_file[CHUNK];
    struct traffic traffic;

    begin(&traffic, orders);
    for (size_t i = 0; i < connections; i++)
        talks[i] = open_talk(&traffic, i);
    for (size_t sent = 0, rounds = 0; sent < bytes; sent += CHUNK) {
        for (size_t i = 0; i < connections; i++)
            pass(talks[i].server, talks[i].client, bytes_of_file, CHUNK);
        if (++rounds % BATCH_ROUNDS == 0) {
            say_done(&traffic);
            wait_for_order(&traffic);
        }
    }
    for (size_t i = 0; i < connections; i++)
        end_talk(&talks[i]);
    end(&traffic);
    free(talks);
}
