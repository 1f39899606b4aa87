/* Text into markup: what XML and HTML both accept, whatever the text holds. */
#ifndef WOSHOU_DRAW_MARKUP_H
#define WOSHOU_DRAW_MARKUP_H

#include <stddef.h>

struct buffer;

/* Appends text as character data, fit for elements and quoted attributes alike: & < > " '
 * as entities, and all that visible.h does not let through made visible. */
void markup_text(struct buffer *out, const char *text);
/* The same for the first `length` bytes only. */
void markup_part(struct buffer *out, const char *text, size_t length);
/* Appends a coordinate, rounded to a tenth, with a full stop in every locale. */
void markup_number(struct buffer *out, double number);
/* Appends an angle given in radians in degrees, to a hundredth. */
void markup_degrees(struct buffer *out, double radians);
/* Appends ` name="number"`. */
void markup_attribute(struct buffer *out, const char *name, double number);

#endif
