#include "draw/box.h"

#include <math.h>

/* Half the box's extent along a direction of unit length. */
static double reach(const struct box *box, double dx, double dy)
{
    double c = cos(box->angle), s = sin(box->angle);
    return box->half_width * fabs(c * dx + s * dy) +
           box->half_height * fabs(c * dy - s * dx);
}

/* Whether their shadows on a direction lie apart: then so do the boxes. */
static bool apart(const struct box *a, const struct box *b, double angle)
{
    double dx = cos(angle), dy = sin(angle);
    double distance = fabs((b->x - a->x) * dx + (b->y - a->y) * dy);
    return distance >= reach(a, dx, dy) + reach(b, dx, dy) - 1e-9;
}

/* A cheap look first, for most boxes are nowhere near each other: a box stays within the
 * sum of its halves, however it is turned. */
static bool far_apart(const struct box *a, const struct box *b)
{
    double most = a->half_width + a->half_height + b->half_width + b->half_height;
    return fabs(a->y - b->y) > most || fabs(a->x - b->x) > most;
}

bool box_overlap(const struct box *a, const struct box *b)
{
    static const double quarter = 1.5707963267948966;
    return !far_apart(a, b) && !apart(a, b, a->angle) &&
           !apart(a, b, a->angle + quarter) && !apart(a, b, b->angle) &&
           !apart(a, b, b->angle + quarter);
}

bool box_crossed(const struct box *box, double x1, double y1, double x2, double y2)
{
    struct box line = {(x1 + x2) / 2, (y1 + y2) / 2, hypot(x2 - x1, y2 - y1) / 2, 0,
                       atan2(y2 - y1, x2 - x1)};
    return box_overlap(box, &line);
}

bool box_inside(const struct box *box, double left, double top, double right,
                double bottom)
{
    double across = reach(box, 1, 0), down = reach(box, 0, 1);
    return box->x - across >= left && box->x + across <= right && box->y - down >= top &&
           box->y + down <= bottom;
}
