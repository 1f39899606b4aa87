/* wait_one_ready woshou|epoll SOCKETS BUSY TURNS: what one wait costs with one socket of
 * SOCKETS ready. Only BUSY of them ever are: with few, what the wait touches is in the
 * caches, and the cost is that of the steps it takes; with all, that of memory as well.
 *
 * Every socket is connected to itself (TCP has that: a simultaneous open with oneself), so
 * that one process of one thread makes any of them ready, and has no more descriptors than
 * sockets. A turn writes a byte to a busy socket taken by chance, waits (this is timed), and reads
 * the byte. Prints the median, and the median of the whole turn, in picoseconds: the clock
 * counts nanoseconds, of which a wait has few, so that a block of turns is summed. */
#define MEASURE_NAME "wait_one_ready"
#include "measure.h"
#include "self_connected.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "woshou/event.h"

enum {
    BLOCK = 64,
    READY_AT_ONCE = 256,
    BUFFER_BYTES = 64, /* more than comes, so that a receive shows that this was all */
    LIMIT_S = 30
};

static void must(int code, const char *what)
{
    if (code < 0)
        fail(what, strerror(-code));
}

/* ---- Two ways to wait ------------------------------------------------------------------- */

static wo_set *set;
static wo_ready given[READY_AT_ONCE];
static int epoll;
static struct epoll_event events[READY_AT_ONCE];

static void woshou_open(const int *sockets, size_t count)
{
    must(wo_set_new(&set), "making a set");
    for (size_t i = 0; i < count; i++) {
        wo_event *event;
        must(wo_event_new(WO_MANUAL_RESET, &event), "making an event");
        must(wo_set_add(set, event, (void *)(intptr_t)sockets[i]), "adding an event");
        must(wo_select(sockets[i], event, WO_READ | WO_CLOSE), "selecting");
    }
}

/* Returns the socket that is ready, or -1 where it is not exactly one. */
static int woshou_wait(int64_t timeout_ns)
{
    int count = wo_set_wait(set, given, READY_AT_ONCE, timeout_ns);
    return count == 1 ? (int)(intptr_t)given[0].owner : -1;
}

static void woshou_read(int fd)
{
    wo_network_events network;
    char bytes[BUFFER_BYTES];
    must(wo_enumerate(fd, given[0].event, &network), "enumerating");
    if (network.events != WO_READ || wo_recv(fd, bytes, sizeof bytes, 0) != 1)
        fail("reading", "the byte is not there");
}

static void epoll_open(const int *sockets, size_t count)
{
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET,
                                    .data.fd = sockets[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &event))
            fail("watching", strerror(errno));
    }
}

static int epoll_wait_one(int64_t timeout_ns)
{
    int count = epoll_wait(epoll, events, READY_AT_ONCE, timeout_ns < 0 ? -1 : 0);
    return count == 1 ? events[0].data.fd : -1;
}

static void epoll_read(int fd)
{
    char bytes[BUFFER_BYTES];
    if (recv(fd, bytes, sizeof bytes, 0) != 1)
        fail("reading", "the byte is not there");
}

static const struct way {
    const char *name;
    void (*open)(const int *sockets, size_t count);
    int (*wait)(int64_t timeout_ns);
    void (*read)(int fd);
} ways[] = {
    {"woshou", woshou_open, woshou_wait, woshou_read},
    {"epoll", epoll_open, epoll_wait_one, epoll_read},
};

/* ---- Turns ------------------------------------------------------------------------------ */

/* The same sockets in the same order for every way. */
static uint32_t chance(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

static void turn(const struct way *way, const int *sockets, size_t count,
                 int64_t *wait_ns)
{
    int fd = sockets[chance() % count];
    if (send(fd, "", 1, MSG_NOSIGNAL) != 1)
        fail("writing", strerror(errno));
    int64_t start_ns = clock_ns(CLOCK_MONOTONIC);
    int ready = way->wait(-1);
    *wait_ns += clock_ns(CLOCK_MONOTONIC) - start_ns;
    if (ready != fd)
        fail("waiting", "it is not the one that is ready");
    way->read(fd);
}

/* What two looks at the clock take by themselves. */
static int64_t clock_cost_ns(void)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 1000; i++) {
        int64_t start_ns = clock_ns(CLOCK_MONOTONIC);
        int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - start_ns;
        least = took_ns < least ? took_ns : least;
    }
    return least;
}

/* A socket that was just added may have been reported for other reasons: take those first. */
static void take_first_reports(const struct way *way)
{
    for (int i = 0; i < 1000; i++)
        way->wait(0);
}

static void measure(const struct way *way, const int *busy, size_t count, size_t turns)
{
    size_t blocks = turns / BLOCK + 1;
    int64_t *wait_ps = allocate(blocks, sizeof *wait_ps);
    int64_t *turn_ps = allocate(blocks, sizeof *turn_ps);
    int64_t clock_cost = clock_cost_ns(), ignored = 0;

    take_first_reports(way);
    for (size_t i = 0; i < count + 10 * BLOCK; i++)
        turn(way, busy, count, &ignored);
    for (size_t i = 0; i < blocks; i++) {
        int64_t wait_ns = 0, start_ns = clock_ns(CLOCK_MONOTONIC);
        for (int j = 0; j < BLOCK; j++)
            turn(way, busy, count, &wait_ns);
        turn_ps[i] = (clock_ns(CLOCK_MONOTONIC) - start_ns) * 1000 / BLOCK;
        wait_ps[i] = wait_ns * 1000 / BLOCK - clock_cost * 1000;
    }
    printf("wait_ps %lld\n", (long long)median(wait_ps, blocks));
    printf("turn_ps %lld\n", (long long)median(turn_ps, blocks));
    free(wait_ps);
    free(turn_ps);
}

int main(int argc, char **argv)
{
    alarm(LIMIT_S);
    raise_descriptor_limit();
    if (argc != 5)
        fail("usage", "wait_one_ready woshou|epoll SOCKETS BUSY TURNS");
    size_t count = number(argv[2]), busy_count = number(argv[3]), turns = number(argv[4]);
    if (busy_count > count)
        fail("usage", "more are busy than there are");
    int *sockets = self_connected_open(count);
    int *busy = allocate(busy_count, sizeof *busy);
    for (size_t i = 0; i < busy_count; i++)
        busy[i] = sockets[i * (count / busy_count)];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(ways[i].name, argv[1]) != 0)
            continue;
        ways[i].open(sockets, count);
        measure(&ways[i], busy, busy_count, turns);
        self_connected_close(sockets, count);
        free(busy);
        return EXIT_SUCCESS;
    }
    fail(argv[1], "is no way to wait");
}
