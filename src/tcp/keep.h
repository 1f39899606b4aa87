/* Which of a connection's events are kept, so that the story of millions of packets stays
 * small: its opening, its closing and what was out of the ordinary, each packet by itself;
 * the rest in runs. */
#ifndef WOSHOU_TCP_KEEP_H
#define WOSHOU_TCP_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

/* Adds the packet to the story: as an event of its own, or to the run before it.
 * `notable`: something about it is out of the ordinary. 0, or ERROR_MEMORY. */
int keep_packet(struct story *story, const struct event_packet *packet,
                const struct segment *segment, bool notable);

#endif
