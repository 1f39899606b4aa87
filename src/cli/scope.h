/* woshou scope, in parts: where packets come from (scope_input), what is done with each
 * connection (scope_output), and how the two are run together (cmd_scope). */
#ifndef WOSHOU_CLI_SCOPE_H
#define WOSHOU_CLI_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "woshou/event.h"

struct error;
struct where;

enum scope_kind {
    SCOPE_TABLE,
    SCOPE_JSON,
    SCOPE_CSV,
    SCOPE_LADDER,
    SCOPE_SVG,
    SCOPE_MERMAID,
    SCOPE_HTML
};

struct scope {
    enum scope_kind kind;
    const char *file;      /* -r; or null */
    const char *interface; /* -i; or null */
    const char *filter;    /* libpcap's language; or null */
    struct where *where;   /* or null: all */
    int sort;              /* enum column */
    bool descending;
    size_t top;
    bool events;
    uint32_t id; /* of the ladder */
    const char *out;
    size_t connections_max;
    bool no_summary, quiet, ascii, not_promiscuous;
    int snap_length;
    uint64_t count;  /* of packets to look at; 0: all */
    int64_t time_ns; /* to look for; 0: for ever */
};

#endif
