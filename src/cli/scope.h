/* woshou scope, in parts: what is asked for (scope_options), where packets come from
 * (scope_input), what is done with each connection (scope_output: a table, lines;
 * scope_picture: one connection's picture), and what reads a file twice (scope_page,
 * scope_annotate); cmd_scope runs them together. */
#ifndef WOSHOU_CLI_SCOPE_H
#define WOSHOU_CLI_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "woshou/event.h"

struct where;

enum scope_kind {
    SCOPE_TABLE,
    SCOPE_JSON,
    SCOPE_CSV,
    SCOPE_LADDER,
    SCOPE_SVG,
    SCOPE_MERMAID,
    SCOPE_HTML,
    SCOPE_LIST /* the interfaces there are */
};

enum scope_progress { PROGRESS_ON_TERMINAL, PROGRESS_ALWAYS, PROGRESS_NEVER };

struct scope {
    enum scope_kind kind;
    const char *file;      /* -r; or null */
    const char *interface; /* -i; or null */
    const char *filter;    /* libpcap's language; or null */
    const char *annotate;  /* where the annotated capture goes; or null */
    struct where *where;   /* or null: all */
    int sort;              /* enum column */
    bool sorted;           /* an order was asked for */
    bool descending;
    size_t top;
    bool events;
    uint32_t id;     /* of the picture */
    const char *out; /* the page */
    size_t connections_max;
    enum scope_progress progress;
    bool no_summary, ascii, not_promiscuous;
    int snap_length;
    uint64_t count;  /* of packets to look at; 0: all */
    int64_t time_ns; /* to look for; 0: for ever */
};

/* One connection is drawn. */
static inline bool scope_draws(const struct scope *scope)
{
    return scope->kind == SCOPE_LADDER || scope->kind == SCOPE_SVG ||
           scope->kind == SCOPE_MERMAID;
}

#endif
