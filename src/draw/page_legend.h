/* What the signs in a page's pictures mean. */
#ifndef WOSHOU_DRAW_PAGE_LEGEND_H
#define WOSHOU_DRAW_PAGE_LEGEND_H

#include "draw/words.h"

struct buffer;

/* Appends a list of signs and meanings; `class` is put on it beside its own. */
void page_legend(struct buffer *out, const struct words *words, const char *class);

#endif
