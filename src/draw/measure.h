/* How wide text comes out in a picture. A picture names no font of its own, so this goes
 * by the widest sans-serif in common use: real text is as wide or narrower, and what does
 * not overlap here does not overlap anywhere. */
#ifndef WOSHOU_DRAW_MEASURE_H
#define WOSHOU_DRAW_MEASURE_H

/* The width of UTF-8 text set in `size` pixels. Ill-formed bytes count as one wide
 * character each. */
double measure_text(const char *text, double size);
/* The same in the monospaced face. */
double measure_numbers(const char *text, double size);

#endif
