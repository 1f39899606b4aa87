/* scope --html: a page of the capture. Two passes over it: the first chooses which
 * connections are worth a ladder, the second keeps their events. */
#ifndef WOSHOU_CLI_SCOPE_PAGE_H
#define WOSHOU_CLI_SCOPE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/scope.h"
#include "cli/scope_input.h"
#include "tcp/story.h"

struct summary;

enum { PAGE_LADDERS = 100 };

struct scope_page {
    uint32_t ids[PAGE_LADDERS]; /* ascending */
    struct story *stories[PAGE_LADDERS];
    size_t count;   /* of ids */
    size_t kept;    /* of stories */
    uint64_t worth; /* connections that were worth one, with room for them or not */
    bool shapes[OPEN_NOT_SEEN + 1][CLOSE_NONE + 1]; /* seen already */
    int failed;
};

/* The first pass: each connection. */
void scope_page_choose(struct scope_page *page, const struct story *story);
/* The second: which to keep, and those kept. The owner is the page. */
bool scope_page_keeps(void *owner, uint32_t id);
void scope_page_story(void *owner, const struct story *story);
/* Writes it to `path`. 0, or a negative code. */
int scope_page_write(const struct scope_page *page, const char *path,
                     const struct scope *scope, const struct scope_counts *counts,
                     const struct summary *summary, struct error *err);
void scope_page_done(struct scope_page *page);

#endif
