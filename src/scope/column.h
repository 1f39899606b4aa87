/* The columns of a table of connections: what each is called, how it is written, how rows
 * compare by it. */
#ifndef WOSHOU_SCOPE_COLUMN_H
#define WOSHOU_SCOPE_COLUMN_H

#include <stdbool.h>

#include "scope/row.h"

enum column {
    COLUMN_ID,
    COLUMN_CLIENT,
    COLUMN_SERVER,
    COLUMN_OPEN,
    COLUMN_CLOSE,
    COLUMN_WHO, /* who reset it, or closed it first */
    COLUMN_RTT, /* the handshake's */
    COLUMN_DURATION,
    COLUMN_BYTES, /* both ways */
    COLUMN_ANOMALIES,
    COLUMN_PACKETS,
    COLUMN_START,
    COLUMN_COUNT
};

/* The column of that name ("id", "client", ..., as --sort and --where have them), or
 * COLUMN_COUNT. */
enum column column_named(const char *name, size_t length);

/* A number to compare by, for columns that have one: nanoseconds, bytes, a count. False
 * where the row has none (a handshake that was not seen), or the column is words. */
bool column_number(const struct row *row, enum column column, int64_t *ret_number);
/* The word of a column of words: "refused", "client" ...; null for none. */
const char *column_word(const struct row *row, enum column column);

/* Below, equal, above: 0 in the middle. Rows without a value come last. */
int column_compare(const struct row *a, const struct row *b, enum column column);

#endif
