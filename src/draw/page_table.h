/* A ladder's events as an HTML table: the same as the picture, for those who do not see
 * it. */
#ifndef WOSHOU_DRAW_PAGE_TABLE_H
#define WOSHOU_DRAW_PAGE_TABLE_H

#include "draw/ladder.h"
#include "draw/words.h"

struct buffer;

/* Appends a <table>; `class` is put on it as it is. */
void page_table(struct buffer *out, const struct ladder *ladder,
                const struct words *words, const char *class);

#endif
