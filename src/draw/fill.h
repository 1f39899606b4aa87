/* Whole phrases with {names} in them, filled in after they were translated, so that a
 * translation may put them in another order. */
#ifndef WOSHOU_DRAW_FILL_H
#define WOSHOU_DRAW_FILL_H

#include <stddef.h>

struct buffer;

struct fill {
    const char *name; /* without its braces */
    const char *value;
};

/* Appends `phrase` with every {name} of `fills` replaced by its value; a brace that opens
 * no such name stays as it is. */
void fill_append(struct buffer *buffer, const char *phrase, const struct fill *fills,
                 size_t count);

#endif
