/* The lane in the middle of a printed ladder: packets on their way. A packet's arrow
 * leaves its sender's lifeline in the row where it was sent, waits in a column of its own
 * while other things happen, and reaches the other lifeline in the row where it arrived:
 *
 *     |--SYN seq=j--.                 |
 *     |             :                 | something else
 *     |             '---------------->|
 *
 * Rows are gone through in order, from the first, drawn or not, because a packet's column
 * depends on those still on their way. */
#ifndef WOSHOU_DRAW_WIRE_LANE_H
#define WOSHOU_DRAW_WIRE_LANE_H

#include <stddef.h>

#include "draw/canvas.h"
#include "draw/ladder.h"

struct words;

/* What lines are drawn with; pairs by side. */
struct glyphs {
    const char *rail,
        *rest; /* a lifeline; the same while nothing is known or all is over */
    const char *leaves[2]; /* the lifeline where a packet leaves it */
    const char *dash;
    const char *waits[2];         /* from its sender's side down */
    const char *goes_on[2];       /* from above to the other side */
    const char *flight, *head[2]; /* `head` by sender */
    const char *cross, *mark;     /* lost; begun by the wire */
    const char *bar, *dots, *to;  /* a call; a silence; from endpoint to endpoint */
    const char *note;             /* before the numbers of a row's notes */
};

extern const struct glyphs glyphs_unicode, glyphs_ascii;

struct wire_lane {
    const struct ladder *ladder;
    const struct glyphs *glyphs;
    const struct words *words;
    int left, width; /* columns between the lifelines */
    int *columns;    /* by packet: where it waits, counted from `left` */
    int *flying;     /* packets on their way, in the order of sending */
    size_t flying_count;
    /* What of a label did not fit its line yet, and where it stands; null: nothing. */
    const char *rest;
    enum canvas_style rest_style;
    enum place rest_from;
    int rest_begin; /* columns from that sender's lifeline */
};

/* Memory is the arena's. 0 or ERROR_MEMORY. */
int wire_lane_init(struct wire_lane *lane, struct arena *arena,
                   const struct ladder *ladder, const struct glyphs *glyphs,
                   const struct words *words, int left, int width);
/* Draws row `index`'s packet, and what is on its way, and moves on by that row. */
void wire_lane_row(struct wire_lane *lane, int index, struct canvas *canvas);
/* Draws a line between rows: what is on its way, and the next piece of `rest`. */
void wire_lane_between(struct wire_lane *lane, struct canvas *canvas);

#endif
