/* load_hello: clients for a server of the article's conversation at 127.0.0.1:PORT, many in
 * one thread.
 *
 *     load_hello talk PORT AT_ONCE COUNT PID
 *         Holds COUNT conversations, AT_ONCE at every moment: connect, read the greeting,
 *         say a string, read to the end. Prints what they took, one `name value` a line;
 *         PID is the server's process, whose CPU time is read before and after.
 *     load_hello hold PORT COUNT
 *         Opens COUNT connections, reads their greetings, prints `held COUNT`, says nothing,
 *         and leaves when standard input ends.
 *
 * A conversation that goes otherwise than it should ends the program with status 1: figures
 * of a server that fails would mean nothing.
 *
 * The server closes first, so that each conversation would leave a TIME_WAIT for a minute,
 * and a benchmark would soon measure the kernel's limit on those. Therefore every client,
 * once it has read to the end, closes with a reset (SO_LINGER, 0 seconds): the server's
 * process has closed by then and never hears of it, and the kernel keeps nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    GREETING_BYTES = 12,
    READY_AT_ONCE = 256,
    LIMIT_S = 30,     /* longer than any measurement takes; SIGALRM ends what hangs */
    SETTLE_MS = 20,   /* for the server to put away the last conversations */
    WARM_UP_PART = 10 /* one conversation in so many goes before, unmeasured */
};

static const char greeting[GREETING_BYTES] = "h\0e\0l\0l\0o\0\0";
static const char answer[] = "w\0o\0s\0h\0o\0u\0\0"; /* and a zero of C's: 14 bytes */

struct client {
    int fd;
    size_t heard; /* bytes of the greeting; then our answer is on its way */
    int64_t since_ns;
};

struct load {
    int epoll;
    struct sockaddr_in server;
    struct client *clients;
    size_t at_once;
    size_t to_begin, to_end; /* conversations still to be begun, to be ended */
    int64_t *took_ns;        /* of each that ended; null: not wanted */
    size_t took_count;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "load_hello: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        fail("starting", strerror(errno));
    return memory;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now))
        fail("reading a clock", strerror(errno));
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- One conversation ------------------------------------------------------------------- */

static void begin(struct load *load, struct client *client)
{
    load->to_begin--;
    client->since_ns = clock_ns(CLOCK_MONOTONIC);
    client->heard = 0;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = client};
    if (client->fd < 0 ||
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset))
        fail("making a socket", strerror(errno));
    if (connect(client->fd, (struct sockaddr *)&load->server, sizeof load->server) &&
        errno != EINPROGRESS)
        fail("connecting", strerror(errno));
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &wanted))
        fail("waiting for a socket", strerror(errno));
}

static void end(struct load *load, struct client *client)
{
    close(client->fd);
    client->fd = -1;
    load->to_end--;
    if (load->took_ns)
        load->took_ns[load->took_count++] = clock_ns(CLOCK_MONOTONIC) - client->since_ns;
}

/* Reads what has come of the greeting; true once all of it is there. */
static bool hear_greeting(struct client *client)
{
    char bytes[GREETING_BYTES];
    size_t lacking = GREETING_BYTES - client->heard;
    ssize_t length = recv(client->fd, bytes, lacking, 0);
    if (length <= 0)
        fail("reading the greeting", length ? strerror(errno) : "the server closed");
    if (memcmp(bytes, greeting + client->heard, (size_t)length) != 0)
        fail("reading the greeting", "these are other bytes");
    client->heard += (size_t)length;
    return client->heard == GREETING_BYTES;
}

static void say(struct client *client)
{
    if (send(client->fd, answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer)
        fail("saying a string", strerror(errno));
}

static void hear_end(const struct client *client)
{
    char byte;
    ssize_t length = recv(client->fd, &byte, 1, 0);
    if (length != 0)
        fail("reading to the end", length < 0 ? strerror(errno) : "more bytes came");
}

/* ---- Many ------------------------------------------------------------------------------- */

static struct load load_open(uint16_t port, size_t at_once)
{
    struct load load = {.at_once = at_once};
    load.server = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_port = htons(port),
                                       .sin_addr = {htonl(INADDR_LOOPBACK)}};
    load.clients = allocate(at_once, sizeof *load.clients);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.epoll < 0)
        fail("starting", strerror(errno));
    return load;
}

/* Waits, and hands each client that has something to read to `on_ready`. */
static void turn(struct load *load, void (*on_ready)(struct load *, struct client *))
{
    struct epoll_event ready[READY_AT_ONCE];
    int count = epoll_wait(load->epoll, ready, READY_AT_ONCE, -1);
    if (count < 0 && errno != EINTR)
        fail("waiting", strerror(errno));
    for (int i = 0; i < count; i++)
        on_ready(load, ready[i].data.ptr);
}

static void go_on_talking(struct load *load, struct client *client)
{
    if (client->heard < GREETING_BYTES) {
        if (hear_greeting(client))
            say(client);
        return;
    }
    hear_end(client);
    end(load, client);
    if (load->to_begin)
        begin(load, client);
}

/* Holds `count` conversations; how long each took goes to `took_ns` (null: nowhere). */
static void hold_conversations(struct load *load, size_t count, int64_t *took_ns)
{
    load->to_begin = load->to_end = count;
    load->took_ns = took_ns;
    load->took_count = 0;
    for (size_t i = 0; i < load->at_once && load->to_begin; i++)
        begin(load, &load->clients[i]);
    while (load->to_end)
        turn(load, go_on_talking);
}

static void settle(void)
{
    nanosleep(&(struct timespec){.tv_nsec = SETTLE_MS * 1000000L}, NULL);
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void talk(uint16_t port, size_t at_once, size_t count, pid_t server)
{
    struct load load = load_open(port, at_once);
    int64_t *took_ns = allocate(count, sizeof *took_ns);
    clockid_t server_clock;
    if (clock_getcpuclockid(server, &server_clock))
        fail("finding the server's clock", "there is no such process");

    size_t warm_up = count / WARM_UP_PART;
    hold_conversations(&load, warm_up > at_once ? warm_up : at_once, NULL);
    settle();
    int64_t server_ns = clock_ns(server_clock);
    int64_t own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    int64_t start_ns = clock_ns(CLOCK_MONOTONIC);
    hold_conversations(&load, count, took_ns);
    int64_t end_ns = clock_ns(CLOCK_MONOTONIC);
    own_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
    settle();
    server_ns = clock_ns(server_clock) - server_ns;

    qsort(took_ns, count, sizeof *took_ns, by_size);
    printf("wall_ns %lld\n", (long long)(end_ns - start_ns));
    printf("server_cpu_ns %lld\n", (long long)server_ns);
    printf("load_cpu_ns %lld\n", (long long)own_ns);
    printf("p50_ns %lld\n", (long long)took_ns[count / 2]);
    printf("p99_ns %lld\n", (long long)took_ns[count - 1 - count / 100]);
    free(took_ns);
    free(load.clients);
    close(load.epoll);
}

static void take_greeting(struct load *load, struct client *client)
{
    if (hear_greeting(client)) {
        load->to_end--;
        if (epoll_ctl(load->epoll, EPOLL_CTL_DEL, client->fd, NULL))
            fail("waiting no longer", strerror(errno));
    }
}

static void hold(uint16_t port, size_t count)
{
    struct load load = load_open(port, count);
    load.to_begin = load.to_end = count;
    for (size_t i = 0; i < count; i++) {
        begin(&load, &load.clients[i]);
        /* One after another: the queue of the server's port is not what is measured. */
        while (load.to_end > load.to_begin)
            turn(&load, take_greeting);
    }
    settle();
    printf("held %zu\n", count);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    for (size_t i = 0; i < count; i++)
        close(load.clients[i].fd);
    free(load.clients);
    close(load.epoll);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static size_t number(const char *text)
{
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);
    if (*rest || value == 0)
        fail(text, "is no number above zero");
    return value;
}

int main(int argc, char **argv)
{
    alarm(LIMIT_S);
    raise_descriptor_limit();
    if (argc == 6 && strcmp(argv[1], "talk") == 0)
        talk((uint16_t)number(argv[2]), number(argv[3]), number(argv[4]),
             (pid_t)number(argv[5]));
    else if (argc == 4 && strcmp(argv[1], "hold") == 0)
        hold((uint16_t)number(argv[2]), number(argv[3]));
    else
        fail("usage", "load_hello talk PORT AT_ONCE COUNT PID | hold PORT COUNT");
    return EXIT_SUCCESS;
}
