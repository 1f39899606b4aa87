/* One end of a connection, followed by the packets it sends and is sent: which state it
 * must be in by RFC 9293's rules, as far as packets tell. Feed it in the order of time. */
#ifndef WOSHOU_TCP_FOLLOWER_H
#define WOSHOU_TCP_FOLLOWER_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

/* Zeroed, it knows nothing. Its numbers and those it acknowledges are relative. */
struct follower {
    uint8_t state; /* enum tcp_state */
    bool sent_fin, has_acked;
    uint32_t sent_end; /* behind the last number it has sent */
    uint32_t fin_end;  /* behind its FIN */
    uint32_t acked;    /* the last number it has acknowledged */
};

/* It sends the packet. */
void follower_sends(struct follower *end, const struct event_packet *packet);
/* The packet reaches it. False: it would drop it, or only answer it, and changes nothing
 * (RFC 9293, 3.5.3 and 3.10.7; RFC 5961, 3.2). */
bool follower_receives(struct follower *end, const struct event_packet *packet);

#endif
