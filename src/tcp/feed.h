/* Inside the tracker: what a segment does to the connection it belongs to. Which one that
 * is, and when it ends, the tracker decides. */
#ifndef WOSHOU_TCP_FEED_H
#define WOSHOU_TCP_FEED_H

#include <stdbool.h>
#include <stdint.h>

struct flow;
struct segment;

/* Numbers are read, the tally and both ends' states follow, and what is kept of the story
 * grows. `stray`: a SYN of which the next packet has told that it began nothing. 0, or
 * ERROR_MEMORY. */
int feed_segment(struct flow *flow, uint64_t number, int64_t t_ns,
                 const struct segment *segment, bool stray);

#endif
