/* A table of connections as text, for a terminal or a pipe. */
#ifndef WOSHOU_SCOPE_TABLE_H
#define WOSHOU_SCOPE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "scope/column.h"

struct buffer;
struct words;

struct table {
    const struct words *words;
    int width;          /* columns of the terminal; 0: no limit */
    enum column wanted; /* one that is never left out: what the rows are sorted by */
    bool ascii;
    bool colour;              /* with escape sequences; words say all that colours say */
    int widths[COLUMN_COUNT]; /* 0: left out */
};

/* Chooses the columns and their widths by the rows that are to come first: before a line
 * is longer than `width`, columns of less worth are left out and addresses cut. */
void table_fit(struct table *table, const struct row *rows, size_t count);
/* What a table says above a column: a message. */
const char *table_heading(enum column column);
/* Whether it is set to the right. */
bool table_is_number(enum column column);
/* Writes one cell, without a final 0, and returns its bytes. */
enum { TABLE_CELL = 512 };
size_t table_cell(const struct row *row, enum column column, bool ascii,
                  char cell[TABLE_CELL]);

void table_header(const struct table *table, struct buffer *buffer);
void table_row(const struct table *table, const struct row *row, struct buffer *buffer);

#endif
