/* Several experiments side by side, each in a process of its own with hosts of its own:
 * timers that take seconds overlap. */
#ifndef WOSHOU_CLI_LAB_POOL_H
#define WOSHOU_CLI_LAB_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/lab_report.h"
#include "woshou/event.h"

struct error;

struct lab_job {
    int64_t takes_ns; /* about so long: the longest begin first */
    /* For the owner to know it by. */
    int index;
    int sabotage;
    /* Set by the pool. */
    struct lab_report report;
    bool done;
};

struct lab_pool {
    struct lab_job *jobs;
    size_t count;
    size_t at_once; /* how many run at a time */
    /* In the child: runs the job, and fills its report. */
    void (*run)(void *owner, const struct lab_job *job, struct lab_report *report);
    /* In the parent, as each ends. */
    void (*ended)(void *owner, const struct lab_job *job);
    /* In the parent, now and then: how many have ended, how many run. May be null. */
    void (*goes_on)(void *owner, size_t ended, size_t running);
    void *owner;
    wo_event *stop; /* ends all; borrowed */
};

/* Runs all jobs. The process must have one thread. 0, ERROR_INTERRUPTED, or what could not
 * be begun; a job that died says so in its report. */
int lab_pool_run(struct lab_pool *pool, struct error *err);

#endif
