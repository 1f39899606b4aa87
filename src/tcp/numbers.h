/* Relative sequence numbers of one connection: what both ends' initial numbers are, and
 * how far each has sent. Numbers are relative to the SYN's own, which is 0. Arrays are by
 * PLACE_CLIENT, PLACE_SERVER. */
#ifndef WOSHOU_TCP_NUMBERS_H
#define WOSHOU_TCP_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

/* Learns from a segment what initial numbers it shows: an end's from its SYN; until that
 * is seen from the first number seen of it, taken for the first byte after a SYN. Where a
 * SYN corrects such a guess, returns what is to be added to all numbers of that end made
 * relative before (the acknowledgements of them included); else 0. */
uint32_t numbers_learn(struct numbers *numbers, enum place from,
                       const struct segment *segment);

/* The segment as an event's packet, with relative numbers, told from a retransmission and
 * counted as sent; without times, and without its text. `numbers_read_unsent` for one
 * that end has not sent (a copy, an injected one), which changes nothing. */
void numbers_read(struct numbers *numbers, enum place from, uint64_t number,
                  const struct segment *segment, struct event_packet *ret_packet);
void numbers_read_unsent(const struct numbers *numbers, enum place from, uint64_t number,
                         const struct segment *segment, struct event_packet *ret_packet);

/* Sequence numbers a packet takes: its bytes, and one each for SYN and FIN. */
uint32_t packet_length(const struct event_packet *packet);

#endif
