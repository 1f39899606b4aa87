/* Lettering: everything that is written in a picture, and in which row and lane; where
 * exactly it stands is the layout's to say. */
#ifndef WOSHOU_DRAW_LETTERING_H
#define WOSHOU_DRAW_LETTERING_H

struct layout;
struct words;

/* Writes layout->texts, with layout->ladder, arena and `calls.bars`, `states.bars` of
 * each host set: the packets' labels first and in their order, then the rest. 0 or
 * ERROR_MEMORY. */
int lettering_write(struct layout *layout, const struct words *words);

#endif
