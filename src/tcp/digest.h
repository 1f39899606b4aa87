/* The few packets of a story that its verdict is decided by. */
#ifndef WOSHOU_TCP_DIGEST_H
#define WOSHOU_TCP_DIGEST_H

#include "tcp/story.h"

/* The first packet of each kind that matters, by sender where two may send it. Lost ones
 * are left out where only an arrival counts: an acknowledgement that was lost
 * acknowledged nothing. */
struct digest {
    const struct event_packet *syn[2]; /* a bare SYN */
    const struct event_packet
        *syn_ack; /* of the server, or of either after both sent SYNs */
    const struct event_packet *syn_ack_acked; /* what acknowledged it, if seen */
    bool opened;                              /* it was acknowledged, seen or not */
    const struct event_packet *fin[2];
    enum place first_fin; /* whose FIN was sent first; PLACE_WIRE: there is none */
    const struct event_packet
        *fin_acked[2];       /* by [sender of the FIN]: what acknowledged it */
    bool fin_acked_apart[2]; /* that was no FIN itself */
    const struct event_packet *rst;
    bool has_acked[2];
    uint32_t acked[2]; /* the last number that end has acknowledged */
    bool connect_failed;
    int64_t connect_error;
};

/* Points into the story's events: as long as nothing is added to it. */
struct digest digest_story(const struct story *story);

/* Behind a FIN's own number. */
uint32_t digest_fin_end(const struct event_packet *fin);

#endif
