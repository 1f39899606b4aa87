/* Which rows are wanted: a small language of conditions.
 *
 *     open=refused            words: open, close, who; = and !=
 *     anomalies               has any; anomalies=rst-ignored: has that one
 *     rtt>50ms  bytes<=1MB    numbers, with a unit: ns us ms s min h, B KB MB GB (1024)
 *     client=10.0.0.0/8       addresses, a network, a port (:443), or both
 *     a and b, a or b, not a, (a)
 */
#ifndef WOSHOU_SCOPE_WHERE_H
#define WOSHOU_SCOPE_WHERE_H

#include <stdbool.h>

#include "scope/row.h"

struct error;
struct where;
struct words;

/* 0, or ERROR_ARGUMENT with a sentence that names the place, in the language of `words`,
 * or ERROR_MEMORY. */
int where_new(const char *text, const struct words *words, struct where **ret_where,
              struct error *err);
/* Frees it and leaves null; accepts null. */
void where_free(struct where **where);
/* Whether the row is wanted. */
bool where_holds(const struct where *where, const struct row *row);

#endif
