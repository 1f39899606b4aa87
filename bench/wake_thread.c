/* wake_thread woshou|epoll TURNS CORE CORE: how long it takes from one thread setting an event
 * to another, asleep on it, going on: with woshou's events, or with an eventfd each and epoll.
 *
 * Two threads, each on a core, wake each other in turns. A turn is there and back; half of it
 * is the figure. Prints the median. */
#define MEASURE_NAME "wake_thread"
#include "measure.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "woshou/event.h"

enum { WARM_UP = 500, LIMIT_S = 30 };

/* What one thread sets and the other waits for. */
struct bell {
    wo_event *event;
    int eventfd, epoll;
};

static void must(int code, const char *what)
{
    if (code < 0)
        fail(what, strerror(-code));
}

static void woshou_open(struct bell *bell)
{
    must(wo_event_new(WO_AUTO_RESET, &bell->event), "making an event");
}

static void woshou_ring(struct bell *bell)
{
    must(wo_event_set(bell->event), "setting");
}

static void woshou_hear(struct bell *bell)
{
    must(wo_wait(&bell->event, 1, WO_ANY, WO_FOREVER, NULL), "waiting");
}

/* Edge-triggered, the eventfd need not be read. */
static void epoll_open(struct bell *bell)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    bell->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bell->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bell->eventfd < 0 || epoll_ctl(bell->epoll, EPOLL_CTL_ADD, bell->eventfd, &event))
        fail("starting", strerror(errno));
}

static void epoll_ring(struct bell *bell)
{
    uint64_t one = 1;
    if (write(bell->eventfd, &one, sizeof one) != sizeof one)
        fail("setting", strerror(errno));
}

static void epoll_hear(struct bell *bell)
{
    struct epoll_event event;
    while (epoll_wait(bell->epoll, &event, 1, -1) != 1)
        ;
}

static const struct way {
    const char *name;
    void (*open)(struct bell *bell);
    void (*ring)(struct bell *bell);
    void (*hear)(struct bell *bell);
} ways[] = {
    {"woshou", woshou_open, woshou_ring, woshou_hear},
    {"epoll", epoll_open, epoll_ring, epoll_hear},
};

struct pair {
    const struct way *way;
    struct bell there, back;
    size_t turns;
    size_t core;
};

static void stay_on(size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set))
        fail("staying on a core", strerror(errno));
}

static void *answer(void *argument)
{
    struct pair *pair = argument;
    stay_on(pair->core);
    for (size_t i = 0; i < pair->turns; i++) {
        pair->way->hear(&pair->there);
        pair->way->ring(&pair->back);
    }
    return NULL;
}

static void measure(const struct way *way, size_t turns, size_t near, size_t far)
{
    struct pair pair = {.way = way, .turns = WARM_UP + turns, .core = far};
    int64_t *took_ns = allocate(turns, sizeof *took_ns), ignored;
    pthread_t thread;

    way->open(&pair.there);
    way->open(&pair.back);
    stay_on(near);
    if (pthread_create(&thread, NULL, answer, &pair))
        fail("starting", "no thread can be had");
    for (size_t i = 0; i < pair.turns; i++) {
        int64_t start_ns = clock_ns(CLOCK_MONOTONIC);
        way->ring(&pair.there);
        way->hear(&pair.back);
        *(i < WARM_UP ? &ignored : &took_ns[i - WARM_UP]) =
            (clock_ns(CLOCK_MONOTONIC) - start_ns) / 2;
    }
    pthread_join(thread, NULL);
    printf("wake_ns %lld\n", (long long)median(took_ns, turns));
    free(took_ns);
}

int main(int argc, char **argv)
{
    alarm(LIMIT_S);
    if (argc != 5)
        fail("usage", "wake_thread woshou|epoll TURNS CORE CORE");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(ways[i].name, argv[1]) != 0)
            continue;
        /* Core 0 is one. */
        measure(&ways[i], number(argv[2]), (size_t)atoi(argv[3]), (size_t)atoi(argv[4]));
        return EXIT_SUCCESS;
    }
    fail(argv[1], "is no way to wait");
}
