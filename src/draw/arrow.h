/* Where a packet's line runs: from the lifeline it left, in the row of its sending, to
 * the lifeline it reached, in the row of its arrival. What has only one end on a lifeline
 * goes part of the way, as steep as if it took one row; what was seen from one place lies
 * level. */
#ifndef WOSHOU_DRAW_ARROW_H
#define WOSHOU_DRAW_ARROW_H

#include "draw/layout.h"

/* The arrow of the ladder's packet `index`. The layout's columns, rows and earlier arrows
 * stand. */
struct layout_arrow arrow_of_packet(const struct layout *layout, int index);

#endif
