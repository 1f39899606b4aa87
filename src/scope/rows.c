/* With `top` the rows are a heap whose first is the last of the order, so that one that
 * comes before it takes its place. */
#include "scope/rows.h"

#include <stdlib.h>

#include "base/error.h"

static int compare(const struct rows *rows, const struct row *a, const struct row *b)
{
    int order = column_compare(a, b, rows->by);
    if (order == 0)
        return (a->id > b->id) - (a->id < b->id);
    return rows->descending ? -order : order;
}

static void swap(struct row *a, struct row *b)
{
    struct row kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_down(struct rows *rows, size_t at, size_t count)
{
    for (;;) {
        size_t last = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < count; child++)
            if (compare(rows, &rows->rows[child], &rows->rows[last]) > 0)
                last = child;
        if (last == at)
            return;
        swap(&rows->rows[at], &rows->rows[last]);
        at = last;
    }
}

static void sift_up(struct rows *rows, size_t at)
{
    for (; at > 0; at = (at - 1) / 2) {
        struct row *parent = &rows->rows[(at - 1) / 2];
        if (compare(rows, &rows->rows[at], parent) <= 0)
            return;
        swap(&rows->rows[at], parent);
    }
}

int rows_add(struct rows *rows, const struct row *row)
{
    if (rows->top && rows->count == rows->top) {
        if (compare(rows, row, &rows->rows[0]) >= 0)
            return 0;
        rows->rows[0] = *row;
        sift_down(rows, 0, rows->count);
        return 0;
    }
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
        struct row *more = realloc(rows->rows, capacity * sizeof *more);
        if (!more)
            return ERROR_MEMORY;
        rows->rows = more;
        rows->capacity = capacity;
    }
    rows->rows[rows->count++] = *row;
    if (rows->top)
        sift_up(rows, rows->count - 1);
    return 0;
}

/* Connections come out as they end, and all that there are make up a range of ids: then
 * each has its place, and is carried there, and whoever was there is carried on. False
 * where they do not; some are in theirs then. */
static bool put_in_places(struct rows *rows)
{
    struct row *row = rows->rows;
    for (size_t i = 0; i < rows->count; i++) {
        struct row carried = row[i];
        for (size_t place; (place = carried.id - UINT32_C(1)) != i;) {
            bool is_free = place < rows->count && row[place].id != carried.id;
            if (!is_free) {
                row[i] = carried;
                return false;
            }
            struct row next = row[place];
            row[place] = carried;
            carried = next;
        }
        row[i] = carried;
    }
    return true;
}

static bool is_sorted(const struct rows *rows)
{
    for (size_t i = 1; i < rows->count; i++)
        if (compare(rows, &rows->rows[i - 1], &rows->rows[i]) > 0)
            return false;
    return true;
}

/* Heapsort: in place, and never worse than it should be. Rows by their ids come nearly
 * in order, and often quite. */
void rows_sort(struct rows *rows)
{
    if (is_sorted(rows) ||
        (rows->by == COLUMN_ID && !rows->descending && put_in_places(rows)))
        return;
    for (size_t i = rows->count / 2; i-- > 0;)
        sift_down(rows, i, rows->count);
    for (size_t left = rows->count; left > 1; left--) {
        swap(&rows->rows[0], &rows->rows[left - 1]);
        sift_down(rows, 0, left - 1);
    }
}

void rows_done(struct rows *rows)
{
    free(rows->rows);
    rows->rows = NULL;
    rows->count = rows->capacity = 0;
}
