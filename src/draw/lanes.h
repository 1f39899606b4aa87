/* Which columns of a line belong to what, in a ladder printed as text:
 *
 *     [number] time [mark] calls state rail  the wire  rail state calls
 *
 * Widths depend on the options alone, never on what the rows hold, so that rows printed
 * later stand under those printed before. */
#ifndef WOSHOU_DRAW_LANES_H
#define WOSHOU_DRAW_LANES_H

#include "draw/text.h"
#include "draw/wire_lane.h"

struct lanes {
    int width;
    int time, time_width;      /* behind its last column; and how many it has */
    int mark;                  /* -1: one story needs none */
    int calls[2], calls_width; /* by side; width 0: left out */
    int state_width;           /* 0: left out */
    int rail[2];
    int wire, wire_width; /* between the rails */
    int notes;            /* behind `width`; -1: there is none, or no room */
    int whole;            /* with the notes */
    const struct glyphs *glyphs;
};

struct lanes lanes_of(const struct ladder *ladder, const struct text_options *options);

/* The mark of a story where there are several: "①", or "1:" in ASCII. */
const char *lanes_mark(const struct text_options *options, int story);

#endif
