/* Where scope's packets come from: a file or an interface. */
#ifndef WOSHOU_CLI_SCOPE_INPUT_H
#define WOSHOU_CLI_SCOPE_INPUT_H

#include "cli/scope.h"

struct error;
struct tracker;

/* What was read. */
struct scope_counts {
    uint64_t packets, segments, icmp, others, cut, malformed, filtered;
    uint64_t dropped; /* by the kernel, live */
    bool stopped;     /* by the stop event, before the end */
};

/* Feeds the tracker with all packets of the source, until its end, an error, the stop
 * event, or the bounds of `scope`. What came before an error is good. 0, or a negative
 * code. */
int scope_read(const struct scope *scope, struct tracker *tracker, wo_event *stop,
               struct scope_counts *ret_counts, struct error *err);

#endif
