/* Which moments belong to a ladder's last row: the rules of what is one moment to a
 * reader. Each takes the last row, which is of the same story and at most
 * LADDER_MOMENT_NS old, and says whether what comes next joins it. A packet's arrival
 * never does: it comes of nothing at its own end. */
#ifndef WOSHOU_DRAW_JOIN_H
#define WOSHOU_DRAW_JOIN_H

#include "draw/ladder.h"

/* A packet belongs to the call that sends it, or to the state its kernel reported just
 * before. */
bool join_sending(const struct ladder *ladder, const struct ladder_row *row,
                  enum place from);
/* A state belongs to the packet that led to it; one at rest, to the call that found
 * it. */
bool join_state(const struct ladder *ladder, const struct ladder_row *row, enum place at,
                enum tcp_state state);
/* A call finds the state noted just before it. */
bool join_entry(const struct ladder_row *row, enum place at);
/* The return of `call` belongs to its entry, or to the packet that let it return. */
bool join_return(const struct ladder *ladder, const struct ladder_row *row, enum place at,
                 int call);

#endif
