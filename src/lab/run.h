/* Running an experiment: each of its parts on two fresh hosts, its steps one after the
 * other, and what came of what it expects.
 *
 * A step is begun once all is at rest: every program has done what it was told or sleeps
 * in a call, and no packet moves but those the wire holds. So what a step brings about is
 * over before the next, whatever the scheduler does; only the kernels' timers go on by
 * themselves, and evidence waits for them. */
#ifndef WOSHOU_LAB_RUN_H
#define WOSHOU_LAB_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "lab/experiment.h"
#include "lab/sight.h"
#include "wire/wire.h"

struct error;

/* What came of one piece of evidence. */
enum lab_found {
    FOUND,           /* it is there */
    FOUND_NOT,       /* it did not come in time, or did although it must not */
    FOUND_OTHERWISE, /* it came with another result, number or state: `other` */
    FOUND_EARLY,     /* it came after `gap_ns`, and that is not when */
    FOUND_LATE,
    FOUND_UNSEEN /* it was never looked for: what came before failed */
};

struct lab_finding {
    const struct lab_step *step;
    enum lab_found found;
    struct sight sight;
    int64_t t_ns;   /* since the part began: when it was found, or given up */
    int64_t gap_ns; /* since the evidence before it */
    int64_t other;
};

/* Packets as a capture at one host has them; see capture_file in cli. */
struct lab_capture {
    struct buffer
        bytes; /* records: int64_t t_ns, uint32_t length, uint8_t leaves, bytes */
};

struct lab_part_result {
    const struct lab_part *part;
    struct story **stories;
    size_t story_count;
    struct lab_finding *findings;
    size_t finding_count;
    struct lab_capture capture[2]; /* by host */
    int64_t started_ns;            /* monotonic */
    enum lab_outcome outcome;
    bool
        left_out; /* this kernel has not what it needs; then it is supported, and empty */
    char trouble[256]; /* why it could not be provoked, where no evidence says it; "" */
    int trouble_line;  /* of the script */
};

struct lab_result {
    const struct experiment *experiment;
    struct lab_part_result *parts;
    size_t part_count;
    enum lab_outcome outcome;
    enum wire_kind kind;
    int64_t took_ns;
};

struct lab_options {
    enum wire_kind kind;       /* WIRE_BEST, WIRE_TUN or WIRE_VETH */
    int64_t delay_ns;          /* the wire's length */
    bool first_failure;        /* end with the first part that fails */
    const volatile bool *stop; /* set: end early, by ERROR_INTERRUPTED; or null */
};

/* Runs it. The process must have one thread when this is called for the first time. What
 * the experiment comes to, whatever that is, is no error; ERROR_UNSUPPORTED where two
 * hosts cannot be had. The experiment must outlive the result. */
int lab_run(const struct experiment *experiment, const struct lab_options *options,
            struct lab_result *ret_result, struct error *err);
void lab_result_done(struct lab_result *result);

/* The finding that decided it, or null; `ret_part` is where. */
const struct lab_finding *lab_result_decisive(const struct lab_result *result,
                                              const struct lab_part_result **ret_part);

#endif
