/* Inside the tracker: a connection in its steady state, open and with all in order, which
 * most packets find it in. What such a packet changes is little, and is kept here together
 * until something else comes; then the flow's other parts are told.
 *
 * It is a shorter way to the same end: numbers.c, tally.c, compare.c and follower.c have
 * the rules, and steady_take takes only packets for which all of them come down to what it
 * does. A flow whose events are kept never enters. */
#ifndef WOSHOU_TCP_STEADY_H
#define WOSHOU_TCP_STEADY_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

struct flow;
struct segment;

/* Arrays by PLACE_CLIENT, PLACE_SERVER; numbers are relative. */
struct steady {
    bool holds;
    uint8_t shift[2];   /* of windows */
    bool timestamps[2]; /* each packet of that end has them */
    bool data[2],
        acks[2];      /* that end has sent data, and acknowledgements alone; the first
                              is told at once */
    uint32_t isn[2];  /* raw */
    uint32_t sent[2]; /* behind the last number sent */
    uint32_t acked[2];
    uint32_t edge[2]; /* the furthest number it has offered to receive */
    uint32_t tsval[2];
    uint32_t packets[2];
    uint64_t bytes[2];
    int64_t end_ns; /* of the last packet */
};

/* Enters where all is in order. */
void steady_enter(struct flow *flow);
/* Counts a packet that is next in order. False: it is not, or the flow is not steady; then
 * nothing has changed. */
bool steady_take(struct flow *flow, enum place from, int64_t t_ns,
                 const struct segment *segment);
/* The flow's other parts are as if they had seen every packet. */
void steady_leave(struct flow *flow);

#endif
