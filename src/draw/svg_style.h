/* How pictures look: the style sheet of svg.h, and the variables it shares with pages. */
#ifndef WOSHOU_DRAW_SVG_STYLE_H
#define WOSHOU_DRAW_SVG_STYLE_H

struct buffer;

/* Appends the colours as custom properties on the elements that `selector` picks: for
 * light, for dark as the reader's system is, and for print. */
void svg_style_colours(struct buffer *out, const char *selector);

/* Appends the rules for elements within class "ladder". */
void svg_style_rules(struct buffer *out);

#endif
