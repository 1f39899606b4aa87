/* What the signs in a page's pictures mean. */
#ifndef WOSHOU_DRAW_PAGE_LEGEND_H
#define WOSHOU_DRAW_PAGE_LEGEND_H

#include "draw/words.h"

struct buffer;

/* Whose signs: a wire of our own shows more than a capture does. */
enum legend { LEGEND_WIRE = 1, LEGEND_CAPTURE = 2 };

/* Appends a list of signs and meanings; `class` is put on it beside its own. */
void page_legend(struct buffer *out, const struct words *words, const char *class,
                 enum legend legend);

#endif
