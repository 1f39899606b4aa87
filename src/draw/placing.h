/* Where packets' labels stand: along their arrows, over the line or under it, wherever on
 * the wire they meet no other label, nor a break's words, and cross few other arrows. */
#ifndef WOSHOU_DRAW_PLACING_H
#define WOSHOU_DRAW_PLACING_H

#include <stdbool.h>

struct layout;

/* Places the labels, the layout's first texts: text i is arrow i's. The arrows and the
 * breaks' words stand already. False: some label found no free place. */
bool placing_find(struct layout *layout);

#endif
