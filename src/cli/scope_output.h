/* What scope does with each connection: a row of a table, a line, a picture, a page. */
#ifndef WOSHOU_CLI_SCOPE_OUTPUT_H
#define WOSHOU_CLI_SCOPE_OUTPUT_H

#include "base/buffer.h"
#include "cli/scope.h"
#include "scope/failures.h"
#include "scope/rows.h"
#include "scope/summary.h"
#include "scope/table.h"
#include "tcp/tracker.h"

struct comments;

struct scope_output {
    const struct scope *scope;
    struct summary summary; /* of those that `where` wants */
    struct failures failures;
    struct comments *comments; /* gathered for --annotate; or null */
    bool at_once;              /* each connection's line as soon as it ends */
    struct rows rows;
    struct table table;
    bool headed;       /* the table's header is printed */
    bool found;        /* the one asked for by its id */
    struct buffer out; /* to standard output */
    int failed;        /* sticky */
    bool stopped;      /* before the end, by the user */
    wo_event *stop;    /* set when standard output takes no more */
};

void scope_output_begin(struct scope_output *output, const struct scope *scope,
                        bool at_once, wo_event *stop);
/* A tracker's `on_story` and `keeps`; the owner is the output. */
void scope_output_story(void *owner, const struct story *story);
bool scope_output_keeps(void *owner, uint32_t id);
/* What is left to be printed: the table, the summary. Whether standard output or memory
 * failed stands in `failed`. */
void scope_output_end(struct scope_output *output);

#endif
