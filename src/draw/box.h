/* Boxes that may be turned: what labels along slanted lines occupy. Pure geometry; x to
 * the right, y downwards, angles in radians, clockwise as SVG turns. */
#ifndef WOSHOU_DRAW_BOX_H
#define WOSHOU_DRAW_BOX_H

#include <stdbool.h>

struct box {
    double x, y; /* its centre */
    double half_width, half_height;
    double angle;
};

/* Whether the two share more than an edge. */
bool box_overlap(const struct box *a, const struct box *b);
/* Whether the line from (x1, y1) to (x2, y2) passes through the box. */
bool box_crossed(const struct box *box, double x1, double y1, double x2, double y2);
/* Whether the box lies wholly in the frame from (left, top) to (right, bottom). */
bool box_inside(const struct box *box, double left, double top, double right,
                double bottom);

#endif
