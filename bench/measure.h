/* What the programs that measure have in common: clocks, limits, arguments, and one way to
 * give up. `MEASURE_NAME` is to be defined before, as the program's name. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Figures of something that failed would mean nothing: the program ends with status 1. */
static inline _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, MEASURE_NAME ": %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static inline void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        fail("starting", strerror(errno));
    return memory;
}

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now))
        fail("reading a clock", strerror(errno));
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline size_t number(const char *text)
{
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);
    if (*rest || value == 0)
        fail(text, "is no number above zero");
    return value;
}

static inline void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static inline int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Sorts. */
static inline int64_t median(int64_t *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

#endif
