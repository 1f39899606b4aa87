#include "cli/lab_pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

enum { TICK_MS = 100, READ_BYTES = 65536 };

struct child {
    pid_t pid; /* 0: it does not run */
    int pipe;
    struct buffer came;
    struct lab_job *job;
};

/* --- A child --- */

static _Noreturn void be_child(const struct lab_pool *pool, const struct lab_job *job,
                               int pipe, pid_t parent)
{
    struct lab_report report;
    /* It ends with its parent, and at the first signal: it has nothing to tidy up. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (getppid() != parent)
        _exit(1);
    lab_report_init(&report);
    pool->run(pool->owner, job, &report);
    _exit(lab_report_send(pipe, &report) != 0);
}

static int begin(struct lab_pool *pool, struct child *child, struct lab_job *job,
                 struct error *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe(ends) < 0)
        return error_set_system(err, errno, "a pipe");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        int system = errno;
        close(ends[0]);
        close(ends[1]);
        return error_set_system(err, system, "a process for an experiment");
    }
    if (pid == 0) {
        close(ends[0]);
        be_child(pool, job, ends[1], parent);
    }
    close(ends[1]);
    *child = (struct child){.pid = pid, .pipe = ends[0], .job = job};
    buffer_init(&child->came, 0);
    return 0;
}

/* --- The parent --- */

static void end(struct lab_pool *pool, struct child *child)
{
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!lab_report_receive(&child->came, &child->job->report)) {
        lab_report_init(&child->job->report);
        child->job->report.status = ERROR_SYSTEM;
        snprintf(child->job->report.reason[LAB_ENGLISH], REPORT_REASON,
                 WIFSIGNALED(status) ? "its process was ended by signal %d"
                                     : "its process ended with status %d",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        memcpy(child->job->report.reason[LAB_CHINESE],
               child->job->report.reason[LAB_ENGLISH], REPORT_REASON);
    }
    child->job->done = true;
    close(child->pipe);
    buffer_done(&child->came);
    child->pid = 0;
    pool->ended(pool->owner, child->job);
}

/* Reads what a child has said; at its end, that was all. */
static void hear(struct lab_pool *pool, struct child *child)
{
    char bytes[READ_BYTES];
    ssize_t length = read(child->pipe, bytes, sizeof bytes);
    if (length > 0)
        buffer_append(&child->came, bytes, (size_t)length);
    else if (length == 0 || errno != EINTR)
        end(pool, child);
}

static void kill_all(struct child *children, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!children[i].pid)
            continue;
        kill(children[i].pid, SIGKILL);
        while (waitpid(children[i].pid, NULL, 0) < 0 && errno == EINTR)
            ;
        close(children[i].pipe);
        buffer_done(&children[i].came);
    }
}

/* The longest of those that wait, or null. */
static struct lab_job *next_job(const struct lab_pool *pool, const bool *begun)
{
    struct lab_job *longest = NULL;
    for (size_t i = 0; i < pool->count; i++)
        if (!begun[i] && (!longest || pool->jobs[i].takes_ns > longest->takes_ns))
            longest = &pool->jobs[i];
    return longest;
}

static int begin_more(struct lab_pool *pool, struct child *children, bool *begun,
                      struct error *err)
{
    for (size_t i = 0; i < pool->at_once; i++) {
        struct lab_job *job = children[i].pid ? NULL : next_job(pool, begun);
        if (!job)
            continue;
        begun[job - pool->jobs] = true;
        int status = begin(pool, &children[i], job, err);
        if (status)
            return status;
    }
    return 0;
}

/* Waits a moment for any of them. */
static void listen_to(struct lab_pool *pool, struct child *children,
                      struct pollfd *polled)
{
    for (size_t i = 0; i < pool->at_once; i++)
        polled[i] = (struct pollfd){.fd = children[i].pid ? children[i].pipe : -1,
                                    .events = POLLIN};
    if (poll(polled, pool->at_once, TICK_MS) <= 0)
        return;
    for (size_t i = 0; i < pool->at_once; i++)
        if (children[i].pid && polled[i].revents)
            hear(pool, &children[i]);
}

static size_t count_running(const struct lab_pool *pool, const struct child *children)
{
    size_t running = 0;
    for (size_t i = 0; i < pool->at_once; i++)
        running += children[i].pid != 0;
    return running;
}

static int run_all(struct lab_pool *pool, struct child *children, struct pollfd *polled,
                   bool *begun, struct error *err)
{
    size_t ended = 0;
    while (ended < pool->count) {
        int status = begin_more(pool, children, begun, err);
        if (status)
            return status;
        listen_to(pool, children, polled);
        if (wo_wait(&pool->stop, 1, WO_ANY, 0, NULL) == 0)
            return error_set(err, ERROR_INTERRUPTED, "stopped");
        ended = 0;
        for (size_t i = 0; i < pool->count; i++)
            ended += pool->jobs[i].done;
        if (pool->goes_on)
            pool->goes_on(pool->owner, ended, count_running(pool, children));
    }
    return 0;
}

int lab_pool_run(struct lab_pool *pool, struct error *err)
{
    struct child *children = calloc(pool->at_once, sizeof *children);
    struct pollfd *polled = calloc(pool->at_once, sizeof *polled);
    bool *begun = calloc(pool->count + 1, sizeof *begun);
    int status;
    if (children && polled && begun)
        status = run_all(pool, children, polled, begun, err);
    else
        status = error_set(err, ERROR_MEMORY, "no memory for the experiments");
    if (children)
        kill_all(children, pool->at_once);
    free(children);
    free(polled);
    free(begun);
    return status;
}
