/* Inside the tracker: one four-tuple, several connections. What a SYN or a SYN-ACK means
 * where there is a connection already. */
#ifndef WOSHOU_TCP_REUSE_H
#define WOSHOU_TCP_REUSE_H

#include <stdbool.h>

#include "tcp/flow.h"

enum reuse {
    REUSE_NOT,      /* it is this connection's */
    REUSE_IS_NEXT,  /* it begins the next one */
    REUSE_IN_DOUBT, /* its answer will tell: reuse_is_told */
};

/* A bare SYN from that end. */
enum reuse reuse_by_syn(const struct flow *flow, enum place from,
                        const struct segment *segment);
/* Whether the segment that follows a SYN in doubt tells that it begins a connection. */
bool reuse_is_told(const struct flow_pending *pending, const struct segment *segment);
/* Whether a SYN-ACK from that end is the next connection's, whose SYN was not seen. */
bool reuse_by_syn_ack(const struct flow *flow, enum place from,
                      const struct segment *segment);

#endif
