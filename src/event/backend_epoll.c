/* The backend on epoll. Sockets are added once, edge-triggered and with every condition,
 * and never modified: EPOLL_CTL_MOD would report what is merely still true. An eventfd,
 * edge-triggered too and therefore never read, wakes it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/backend.h"

enum { BATCH = 128 };

struct epoll_engine {
    struct engine engine;
    int epoll;
    int wake;
};

static struct epoll_engine *self(struct engine *engine)
{
    return (struct epoll_engine *)engine;
}

static void close_engine(struct engine *engine)
{
    struct epoll_engine *epoll = self(engine);

    if (epoll->wake >= 0)
        close(epoll->wake);
    if (epoll->epoll >= 0)
        close(epoll->epoll);
    free(epoll);
}

static int open_engine(struct engine **ret_engine)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_TOKEN};
    struct epoll_engine *epoll = malloc(sizeof(*epoll));
    int code;

    if (!epoll)
        return -ENOMEM;
    epoll->engine.backend = &backend_epoll;
    epoll->wake = -1;
    epoll->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll->epoll >= 0)
        epoll->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll->wake < 0 ||
        epoll_ctl(epoll->epoll, EPOLL_CTL_ADD, epoll->wake, &event) < 0) {
        code = -errno;
        close_engine(&epoll->engine);
        return code;
    }
    *ret_engine = &epoll->engine;
    return 0;
}

static int add(struct engine *engine, int fd, uint64_t token)
{
    struct epoll_event event = {.events =
                                    EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET,
                                .data.u64 = token};

    if (epoll_ctl(self(engine)->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return -errno;
}

static void remove_socket(struct engine *engine, int fd, uint64_t token)
{
    (void)token;
    /* Fails for a socket that was closed behind our back; it is out of the epoll then. */
    epoll_ctl(self(engine)->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* epoll_pwait2 counts nanoseconds. Kernels before 5.11 have it not and sandboxes older than
 * it refuse it; what there is counts milliseconds, so round up. */
static int wait_some(int epoll, struct epoll_event *ret_events, int capacity,
                     int64_t timeout_ns)
{
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
                               .tv_nsec = (long)(timeout_ns % NS_PER_S)};
    int64_t milliseconds = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS != 0);
    int count;

    if (timeout_ns <= 0)
        return epoll_wait(epoll, ret_events, capacity, timeout_ns < 0 ? -1 : 0);
    count = epoll_pwait2(epoll, ret_events, capacity, &timeout, NULL);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM))
        return count;
    return epoll_wait(epoll, ret_events, capacity,
                      milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds);
}

static int wait_reports(struct engine *engine, struct report *ret_reports,
                        size_t capacity, int64_t timeout_ns)
{
    FILLED_BY_CALL struct epoll_event events[BATCH];
    int limit = capacity < BATCH ? (int)capacity : BATCH;
    int count = wait_some(self(engine)->epoll, events, limit, timeout_ns);

    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    /* EPOLLIN and its kin have the values of POLLIN and its kin on Linux. */
    for (int i = 0; i < count; i++)
        ret_reports[i] =
            (struct report){.token = events[i].data.u64, .conditions = events[i].events};
    return count;
}

static void wake(struct engine *engine)
{
    uint64_t one = 1;
    ssize_t written = write(self(engine)->wake, &one, sizeof(one));

    (void)written; /* it fails only where 2^64 - 2 wakes are owed already */
}

static int descriptor(const struct engine *engine)
{
    return ((const struct epoll_engine *)engine)->epoll;
}

const struct backend backend_epoll = {
    .name = "epoll",
    .open = open_engine,
    .close = close_engine,
    .add = add,
    .remove = remove_socket,
    .wait = wait_reports,
    .wake = wake,
    .descriptor = descriptor,
};
