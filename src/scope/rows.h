/* Rows collected for a table: all there are up to a bound, or the first so many of an
 * order. */
#ifndef WOSHOU_SCOPE_ROWS_H
#define WOSHOU_SCOPE_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "scope/column.h"

struct rows {
    enum column by;
    bool descending;
    size_t top; /* keep only so many, the first of the order; 0: all */
    struct row *rows;
    size_t count, capacity;
};

/* Adds a row. 0, or ERROR_MEMORY. */
int rows_add(struct rows *rows, const struct row *row);
/* Puts them into order, those that are equal by their ids. */
void rows_sort(struct rows *rows);
/* Empties it and frees its memory. */
void rows_done(struct rows *rows);

#endif
