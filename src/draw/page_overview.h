/* What stands at the top of a page of many connections: what they come to, what went wrong
 * and what to check, and a list of them. In both languages, like all of a page. */
#ifndef WOSHOU_DRAW_PAGE_OVERVIEW_H
#define WOSHOU_DRAW_PAGE_OVERVIEW_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct page;

/* One kind of failure. */
struct page_finding {
    const char
        *title[2];    /* in the page's two languages: "12 refused: connections 2, ..." */
    const char *text; /* what it means and what to check: a message */
};

struct page_row {
    const char *cells; /* one after another, each with its final 0 */
    const char
        *link; /* the id of a scene that shows it, or null: then its first cell links
                         there */
    const char *tone; /* a class for its row: "failed", "reset", "odd", or "" */
};

/* A list: the same in both languages but for its headings. */
struct page_list {
    const char *title;           /* a message */
    const char *const *headings; /* messages */
    const bool *numbers;         /* columns set to the right */
    size_t column_count;
    const struct page_row *rows;
    size_t row_count;
    const char *note[2]; /* in each language, what it leaves out; or null */
};

struct page_overview {
    const char *summary[2]; /* in lines, each language its own */
    const struct page_finding *findings;
    size_t finding_count;
    struct page_list list;
};

/* Appends it as sections. Part of page_print. */
void page_overview(struct buffer *out, const struct page *page,
                   const struct page_overview *overview);

#endif
