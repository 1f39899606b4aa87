/* The backend on io_uring. Each socket has a multishot poll of every condition, whose
 * completions are edges; a multishot poll of an eventfd wakes the engine.
 *
 * What io_uring does differently, and what is done about it:
 *  - A completion tells what woke the poll (one kind of wake-up says "data, or urgent
 *    data"), not how the socket is. So the sockets of a batch are asked with one poll();
 *    but for those that only have room to send, which nothing else looks like.
 *  - A poll belongs to the thread that submitted it and ends when that thread does, and
 *    when the completion queue overflows. Such a report says REPORT_LAPSED, and the
 *    socket is added again by whoever takes it.
 *  - A poll holds its file until it is cancelled, so that a socket closed with close()
 *    stays open. wo_close ends the watching first.
 *
 * The rings are used under two mutexes, one for each direction; sleeping holds neither.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/backend.h"

/* Every socket that is added completes once at least before anyone may wait: the queue is
 * as long as the kernel lets it be (a mebibyte), so that tens of thousands fit. */
enum { BATCH = 128, SUBMISSIONS = 64, COMPLETIONS = 65536 };

/* The token of completions that tell nothing: those of cancellations. */
#define NO_TOKEN (UINT64_MAX - 1)

static const unsigned every_condition = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;

struct uring_engine {
    struct engine engine;
    int wake;
    pthread_mutex_t submitting, reaping;
    struct io_uring ring;
};

static struct uring_engine *self(struct engine *engine)
{
    return (struct uring_engine *)engine;
}

/* --- Submitting --- */

/* Each request is submitted at once, so that there is always room for the next. */
static struct io_uring_sqe *begin(struct uring_engine *uring)
{
    pthread_mutex_lock(&uring->submitting);
    return io_uring_get_sqe(&uring->ring);
}

static int submit(struct uring_engine *uring)
{
    int code;

    do
        code = io_uring_submit(&uring->ring);
    while (code == -EINTR);
    pthread_mutex_unlock(&uring->submitting);
    return code < 0 ? code : 0;
}

static int watch(struct uring_engine *uring, int fd, unsigned conditions, uint64_t token)
{
    struct io_uring_sqe *request = begin(uring);

    if (request) {
        io_uring_prep_poll_multishot(request, fd, conditions);
        io_uring_sqe_set_data64(request, token);
    }
    return submit(uring);
}

static int add(struct engine *engine, int fd, uint64_t token)
{
    return watch(self(engine), fd, every_condition, token);
}

static void remove_socket(struct engine *engine, int fd, uint64_t token)
{
    struct io_uring_sqe *request = begin(self(engine));

    (void)fd;
    if (request) {
        io_uring_prep_cancel64(request, token, 0);
        io_uring_sqe_set_data64(request, NO_TOKEN);
    }
    submit(self(engine));
}

/* --- Reaping --- */

/* Whether the poll that this completes goes on. A poll that the kernel refused does not,
 * but asking again would bring the same. */
static unsigned lapsed(const struct io_uring_cqe *completion)
{
    if (completion->flags & IORING_CQE_F_MORE)
        return 0;
    return completion->res >= 0 || completion->res == -ECANCELED ? REPORT_LAPSED : 0;
}

static int reap(struct uring_engine *uring, struct report *ret_reports, size_t capacity)
{
    struct io_uring_cqe *completion;
    unsigned head, seen = 0;
    int count = 0;

    pthread_mutex_lock(&uring->reaping);
    io_uring_for_each_cqe(&uring->ring, head, completion)
    {
        if ((size_t)count == capacity)
            break;
        seen++;
        if (completion->user_data == WAKE_TOKEN && lapsed(completion))
            watch(uring, uring->wake, POLLIN, WAKE_TOKEN);
        if (completion->user_data != NO_TOKEN)
            ret_reports[count++] = (struct report){
                .token = completion->user_data,
                .conditions = lapsed(completion) |
                              (completion->res > 0 ? (unsigned)completion->res : 0)};
    }
    io_uring_cq_advance(&uring->ring, seen);
    pthread_mutex_unlock(&uring->reaping);
    return count;
}

static bool says_enough(const struct report *report)
{
    return report->token == WAKE_TOKEN || !(report->conditions & ~(unsigned)POLLOUT);
}

/* Puts in how the sockets are now. A socket that is gone has no conditions. */
static void ask(struct report *reports, int count)
{
    FILLED_BY_CALL struct pollfd pollfds[BATCH];
    FILLED_BY_CALL struct report *asked[BATCH];
    nfds_t questions = 0;

    for (int i = 0; i < count; i++) {
        if (says_enough(&reports[i]))
            continue;
        asked[questions] = &reports[i];
        pollfds[questions++] = (struct pollfd){.fd = token_fd(reports[i].token),
                                               .events = (short)every_condition};
    }
    while (questions > 0 && poll(pollfds, questions, 0) < 0 && errno == EINTR)
        ;
    for (nfds_t i = 0; i < questions; i++) {
        unsigned found = pollfds[i].revents & POLLNVAL ? 0 : (unsigned)pollfds[i].revents;

        asked[i]->conditions = (asked[i]->conditions & REPORT_LAPSED) | found;
    }
}

/* Enters the kernel also for a mere look: completions may be waiting there for a thread
 * to come by. */
static int enter(struct uring_engine *uring, int64_t timeout_ns)
{
    struct __kernel_timespec timeout = {.tv_sec = timeout_ns / NS_PER_S,
                                        .tv_nsec = timeout_ns % NS_PER_S};
    struct io_uring_getevents_arg argument = {
        .ts = timeout_ns > 0 ? (uint64_t)(uintptr_t)&timeout : 0};
    int code = io_uring_enter2((unsigned)uring->ring.ring_fd, 0, timeout_ns != 0,
                               IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                               (void *)&argument, sizeof(argument));

    return code == -ETIME || code == -EINTR || code == -EBUSY || code == -EAGAIN ? 0
                                                                                 : code;
}

static int wait_reports(struct engine *engine, struct report *ret_reports,
                        size_t capacity, int64_t timeout_ns)
{
    size_t limit = capacity < BATCH ? capacity : BATCH;
    int count = reap(self(engine), ret_reports, limit);
    int code;

    if (count == 0) {
        code = enter(self(engine), timeout_ns);
        if (code < 0)
            return code;
        count = reap(self(engine), ret_reports, limit);
    }
    ask(ret_reports, count);
    return count;
}

/* --- Opening, closing, waking --- */

static void wake(struct engine *engine)
{
    uint64_t one = 1;
    ssize_t written = write(self(engine)->wake, &one, sizeof(one));

    (void)written; /* it fails only where 2^64 - 2 wakes are owed already */
}

static int descriptor(const struct engine *engine)
{
    return ((const struct uring_engine *)engine)->ring.ring_fd;
}

static void close_engine(struct engine *engine)
{
    struct uring_engine *uring = self(engine);

    io_uring_queue_exit(&uring->ring);
    close(uring->wake);
    pthread_mutex_destroy(&uring->submitting);
    pthread_mutex_destroy(&uring->reaping);
    free(uring);
}

/* NODROP and EXT_ARG are used; RSRC_TAGS came with the kernel that has multishot polls. */
static int open_ring(struct io_uring *ret_ring)
{
    static const unsigned needed =
        IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_RSRC_TAGS;
    /* COOP_TASKRUN: completions wait until the thread that submitted enters the kernel,
     * instead of interrupting it; since Linux 5.19. */
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_COOP_TASKRUN,
        .cq_entries = COMPLETIONS};
    int code = io_uring_queue_init_params(SUBMISSIONS, ret_ring, &parameters);

    if (code == -EINVAL) {
        parameters = (struct io_uring_params){
            .flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE, .cq_entries = COMPLETIONS};
        code = io_uring_queue_init_params(SUBMISSIONS, ret_ring, &parameters);
    }
    if (code < 0)
        return code;
    if ((parameters.features & needed) == needed)
        return 0;
    io_uring_queue_exit(ret_ring);
    return -ENOSYS;
}

static int open_engine(struct engine **ret_engine)
{
    struct uring_engine *uring = calloc(1, sizeof(*uring));
    int code;

    if (!uring)
        return -ENOMEM;
    uring->engine.backend = &backend_uring;
    uring->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    code = uring->wake < 0 ? -errno : open_ring(&uring->ring);
    if (code < 0)
        goto fail;
    pthread_mutex_init(&uring->submitting, NULL);
    pthread_mutex_init(&uring->reaping, NULL);
    code = watch(uring, uring->wake, POLLIN, WAKE_TOKEN);
    if (code < 0) {
        close_engine(&uring->engine);
        return code;
    }
    *ret_engine = &uring->engine;
    return 0;
fail:
    if (uring->wake >= 0)
        close(uring->wake);
    free(uring);
    return code;
}

const struct backend backend_uring = {
    .name = "io_uring",
    .open = open_engine,
    .close = close_engine,
    .add = add,
    .remove = remove_socket,
    .wait = wait_reports,
    .wake = wake,
    .descriptor = descriptor,
};
