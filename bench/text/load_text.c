/* load_text: talks to a server of rooms or subjects at 127.0.0.1:PORT, in the tongue it is told.
 *
 *     load_text fanout TONGUE PORT PID READERS COUNT REACHED
 *         One speaker says COUNT messages of 128 bytes, not to be acknowledged, and READERS get each;
 *         then REACHED times one message, the next when the last reader has it.
 *     load_text reach TONGUE PORT PID READERS REACHED
 *         Only that.
 *     load_text durable TONGUE PORT PID SENDERS OUTSTANDING COUNT
 *         SENDERS say COUNT messages together, each with OUTSTANDING unacknowledged at every moment.
 *     load_text hold TONGUE PORT COUNT
 *         COUNT readers; prints `held COUNT`, and leaves when standard input ends.
 *
 * Prints what it took, one `name value` a line; PID is the server's process, whose CPU time is read
 * before and after. One thread. Readers count bytes, for every message has the same length to a
 * reader, and throw them away in the kernel (MSG_TRUNC), so that the server is what is measured. The
 * speaker stays at most so many messages before what the readers have, together, that no server
 * has a reason to drop any. */
#define MEASURE_NAME "load_text"
#include "measure.h"
#include "tongue.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LIMIT_S = 50,
    READY_AT_ONCE = 512,
    BEFORE = 1024,        /* messages the speaker may be before the readers */
    BLOCK = 64,           /* messages said at once */
    QUIET_MS = 100,       /* nothing came for so long: nothing more will */
    TAKE_BYTES = 1 << 20, /* thrown away at once */
    WARM_UP_PART = 10
};

static const struct tongue *const tongues[] = {&tongue_woshou, &tongue_nats, &tongue_mqtt,
                                               &tongue_redis};

static struct sockaddr_in server = {.sin_family = AF_INET};
static char text[PAYLOAD_BYTES + 1];

const char *payload(void)
{
    return text;
}

void say(int fd, const void *bytes, size_t length)
{
    if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        fail("sending", strerror(errno));
}

void hear_bytes(int fd, void *ret_bytes, size_t length)
{
    if (length && recv(fd, ret_bytes, length, MSG_WAITALL) != (ssize_t)length)
        fail("receiving", "the server closed");
}

void hear_until(int fd, const char *end, const char *refusal)
{
    static char heard[65536];
    size_t length = 0, tail = strlen(end);
    do {
        if (length == sizeof heard - 1)
            fail("receiving", "the answer does not end");
        hear_bytes(fd, heard + length, 1);
        heard[++length] = 0;
    } while (length < tail || memcmp(heard + length - tail, end, tail) != 0);
    if (refusal && strstr(heard, refusal))
        fail("the server refuses", heard);
}

/* --- Connections --- */

struct connection {
    int fd;
    uint64_t received; /* bytes */
    size_t state;      /* the tongue's */
    size_t said, acknowledged;
};

struct load {
    const struct tongue *tongue;
    int epoll;
    struct connection *connections;
    size_t count;
    int speaker;
    size_t delivered_bytes; /* of a message, to a reader */
};

static int open_connection(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server))
        fail("connecting", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void watch(struct load *load, struct connection *connection)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &wanted))
        fail("waiting", strerror(errno));
}

static void open_readers(struct load *load, size_t count)
{
    load->connections = allocate(count, sizeof *load->connections);
    load->count = count;
    for (size_t i = 0; i < count; i++) {
        load->connections[i].fd = open_connection();
        load->tongue->listen(load->connections[i].fd, (unsigned)i + 1);
        watch(load, &load->connections[i]);
    }
}

static void open_speaker(struct load *load)
{
    load->speaker = open_connection();
    load->tongue->speak(load->speaker, UINT32_MAX >> 8);
}

/* Throws away what came; how much, 0 for nothing. */
static size_t take(struct connection *connection)
{
    ssize_t length = recv(connection->fd, NULL, TAKE_BYTES, MSG_DONTWAIT | MSG_TRUNC);
    if (length == 0)
        fail("reading", "the server closed");
    if (length < 0 && errno != EAGAIN)
        fail("reading", strerror(errno));
    connection->received += length > 0 ? (uint64_t)length : 0;
    return length > 0 ? (size_t)length : 0;
}

static size_t take_all(struct load *load, int timeout_ms)
{
    struct epoll_event ready[READY_AT_ONCE];
    size_t taken = 0;
    int count = epoll_wait(load->epoll, ready, READY_AT_ONCE, timeout_ms);
    for (int i = 0; i < count; i++)
        taken += take(ready[i].data.ptr);
    return taken;
}

/* What the server says to a speaker (Redis does) is left out. */
static void deafen_speaker(const struct load *load)
{
    while (recv(load->speaker, NULL, TAKE_BYTES, MSG_DONTWAIT | MSG_TRUNC) > 0)
        ;
}

static void settle(struct load *load)
{
    while (take_all(load, QUIET_MS))
        ;
    deafen_speaker(load);
}

/* One message, looked at: what a reader gets is as long as it is always, and has the payload. */
static void learn_length(struct load *load)
{
    uint8_t message[MESSAGE_MOST];
    struct connection *first = &load->connections[0];
    char got[2 * MESSAGE_MOST];
    usleep((useconds_t)load->tongue->settle_ms * 1000);
    settle(load);
    say(load->speaker, message, load->tongue->message(message, 1));
    ssize_t length = 0, more;
    usleep(QUIET_MS * 1000);
    while ((more = recv(first->fd, got + length, sizeof got - (size_t)length,
                        MSG_DONTWAIT)) > 0)
        length += more;
    if (length < PAYLOAD_BYTES || !memmem(got, (size_t)length, text, PAYLOAD_BYTES))
        fail("a message", "did not come as it was sent");
    load->delivered_bytes = (size_t)length;
    settle(load);
    for (size_t i = 0; i < load->count; i++)
        load->connections[i].received = 0;
}

/* --- Fan-out --- */

static void report(const char *name, double value)
{
    printf("%s %.0f\n", name, value);
}

/* Sends what the server takes of it: whole messages count, a rest is kept in `begun`. */
struct mouth {
    uint8_t bytes[BLOCK * MESSAGE_MOST];
    size_t length, sent;
};

static size_t fill(const struct tongue *tongue, struct mouth *mouth, size_t count)
{
    mouth->length = mouth->sent = 0;
    for (size_t i = 0; i < count; i++)
        mouth->length += tongue->message(mouth->bytes + mouth->length, 1);
    return count;
}

static void send_more(int fd, struct mouth *mouth)
{
    ssize_t sent = send(fd, mouth->bytes + mouth->sent, mouth->length - mouth->sent,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        fail("speaking", strerror(errno));
    mouth->sent += sent > 0 ? (size_t)sent : 0;
}

static void fan_out(struct load *load, size_t count)
{
    static struct mouth mouth;
    uint64_t each = (uint64_t)load->delivered_bytes * load->count;
    uint64_t received = 0, wanted = each * count;
    size_t said = 0;
    mouth = (struct mouth){.length = 0};
    while (received < wanted) {
        size_t may = received / each + BEFORE;
        while (mouth.sent < mouth.length || (said < count && said < may)) {
            if (mouth.sent == mouth.length) {
                size_t left = (count < may ? count : may) - said;
                said += fill(load->tongue, &mouth, left < BLOCK ? left : BLOCK);
            }
            size_t before = mouth.sent;
            send_more(load->speaker, &mouth);
            if (mouth.sent == before)
                break;
        }
        deafen_speaker(load);
        received += take_all(load, mouth.sent < mouth.length ? 0 : 1000);
    }
    if (received != wanted)
        fail("the readers", "got other bytes than were due");
}

static clockid_t clock_of(const char *pid)
{
    clockid_t clock;
    if (clock_getcpuclockid((pid_t)number(pid), &clock))
        fail(pid, "is no process");
    return clock;
}

static void measure_fan_out(struct load *load, const char *pid, size_t count)
{
    clockid_t clock = clock_of(pid);
    fan_out(load, count / WARM_UP_PART + 1);
    int64_t start = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(clock);
    int64_t own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    fan_out(load, count);
    report("wall_ns", (double)(clock_ns(CLOCK_MONOTONIC) - start));
    report("server_cpu_ns", (double)(clock_ns(clock) - cpu));
    report("load_cpu_ns", (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own));
}

/* --- Reach --- */

static int64_t reach_once(struct load *load)
{
    uint8_t message[MESSAGE_MOST];
    uint64_t wanted = (uint64_t)load->delivered_bytes * load->count, received = 0;
    int64_t start = clock_ns(CLOCK_MONOTONIC);
    say(load->speaker, message, load->tongue->message(message, 1));
    while (received < wanted)
        received += take_all(load, 1000);
    int64_t took = clock_ns(CLOCK_MONOTONIC) - start;
    deafen_speaker(load);
    return took;
}

static void measure_reach(struct load *load, size_t count)
{
    int64_t *took = allocate(count, sizeof *took);
    for (size_t i = 0; i < count / WARM_UP_PART + 1; i++)
        reach_once(load);
    for (size_t i = 0; i < count; i++)
        took[i] = reach_once(load);
    report("p50_ns", (double)median(took, count));
    report("p99_ns", (double)took[count * 99 / 100]);
    free(took);
}

/* --- Durable --- */

struct durable {
    size_t outstanding;
    size_t to_say, to_hear;
};

static void say_more(struct load *load, struct durable *durable,
                     struct connection *connection)
{
    uint8_t bytes[BLOCK * MESSAGE_MOST];
    size_t length = 0, index = (size_t)(connection - load->connections);
    for (size_t i = 0; i < BLOCK && durable->to_say &&
                       connection->said - connection->acknowledged < durable->outstanding;
         i++) {
        uint64_t named = ++connection->said;
        if (load->tongue == &tongue_nats)
            named = (uint64_t)(index + 1) << 32; /* whose inbox is meant */
        length += load->tongue->kept(bytes + length, named);
        durable->to_say--;
    }
    if (length)
        say(connection->fd, bytes, length);
}

static void hear_more(struct load *load, struct durable *durable,
                      struct connection *connection)
{
    uint8_t bytes[65536];
    ssize_t length = recv(connection->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (length == 0)
        fail("a sender", "the server closed");
    if (length < 0 && errno != EAGAIN)
        fail("a sender", strerror(errno));
    if (length <= 0)
        return;
    size_t count = load->tongue->count(bytes, (size_t)length, &connection->state);
    connection->acknowledged += count;
    durable->to_hear -= count;
    say_more(load, durable, connection);
}

static void keep(struct load *load, size_t outstanding, size_t count)
{
    struct durable durable = {outstanding, count, count};
    struct epoll_event ready[READY_AT_ONCE];
    for (size_t i = 0; i < load->count; i++)
        say_more(load, &durable, &load->connections[i]);
    while (durable.to_hear) {
        int there = epoll_wait(load->epoll, ready, READY_AT_ONCE, 5000);
        if (there == 0)
            fail("acknowledgements", "do not come any more");
        for (int i = 0; i < there; i++)
            hear_more(load, &durable, ready[i].data.ptr);
    }
}

static void measure_durable(struct load *load, const char *pid, size_t senders,
                            size_t outstanding, size_t count)
{
    clockid_t clock = clock_of(pid);
    load->connections = allocate(senders, sizeof *load->connections);
    load->count = senders;
    for (size_t i = 0; i < senders; i++) {
        load->connections[i].fd = open_connection();
        load->tongue->keep(load->connections[i].fd, (unsigned)i + 1);
        watch(load, &load->connections[i]);
    }
    keep(load, outstanding, count / WARM_UP_PART + 1);
    int64_t start = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(clock);
    int64_t own = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    keep(load, outstanding, count);
    report("wall_ns", (double)(clock_ns(CLOCK_MONOTONIC) - start));
    report("server_cpu_ns", (double)(clock_ns(clock) - cpu));
    report("load_cpu_ns", (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own));
}

/* --- Holding --- */

static void hold(struct load *load, size_t count)
{
    char byte;
    open_readers(load, count);
    while (take_all(load, QUIET_MS))
        ;
    printf("held %zu\n", count);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
}

static const struct tongue *tongue_named(const char *name)
{
    for (size_t i = 0; i < sizeof tongues / sizeof tongues[0]; i++)
        if (strcmp(tongues[i]->name, name) == 0)
            return tongues[i];
    fail(name, "is no tongue: woshou, nats, mqtt or redis");
}

int main(int argc, char **argv)
{
    struct load load = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (argc < 5)
        fail("usage", "fanout|reach|durable|hold TONGUE PORT ...");
    alarm(LIMIT_S);
    raise_descriptor_limit();
    memset(text, 'x', PAYLOAD_BYTES);
    load.tongue = tongue_named(argv[2]);
    server.sin_port = htons((uint16_t)number(argv[3]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (strcmp(argv[1], "hold") == 0) {
        alarm(0);
        hold(&load, number(argv[4]));
    } else if (strcmp(argv[1], "durable") == 0 && argc == 8) {
        measure_durable(&load, argv[4], number(argv[5]), number(argv[6]),
                        number(argv[7]));
    } else if ((strcmp(argv[1], "fanout") == 0 && argc == 8) ||
               (strcmp(argv[1], "reach") == 0 && argc == 7)) {
        open_readers(&load, number(argv[5]));
        open_speaker(&load);
        learn_length(&load);
        if (argc == 8)
            measure_fan_out(&load, argv[4], number(argv[6]));
        measure_reach(&load, number(argv[argc - 1]));
    } else {
        fail("usage", "fanout|reach|durable|hold TONGUE PORT ...");
    }
    return EXIT_SUCCESS;
}
