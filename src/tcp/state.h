/* One end's TCP state machine as a passive observer can follow it: a full table of state
 * and event. The columns are what that end sent or received, already judged acceptable
 * (RFC 9293, 3.5, 3.6 and 3.10; the table, printed, is in doc/states.md). */
#ifndef WOSHOU_TCP_STATE_H
#define WOSHOU_TCP_STATE_H

#include "tcp/story.h"

enum state_event {
    SENT_SYN, /* without ACK */
    SENT_SYN_ACK,
    SENT_OTHER, /* ACK or data */
    SENT_FIN,
    SENT_RST,
    RECEIVED_SYN,            /* without ACK */
    RECEIVED_SYN_ACK,        /* acknowledging our SYN */
    RECEIVED_ACK,            /* acknowledging our SYN, not our FIN */
    RECEIVED_ACK_OF_FIN,     /* acknowledging our FIN */
    RECEIVED_FIN,            /* not acknowledging our FIN */
    RECEIVED_FIN_ACK_OF_FIN, /* a FIN that acknowledges ours */
    RECEIVED_RST,
    STATE_EVENT_COUNT
};

/* The state after the event. The connection is what is followed, not the listener: a
 * reset in SYN_RECEIVED ends in CLOSED. What an end sends proves more than what it was
 * sent:
 *   - STATE_NONE, nothing being known, learns from SYNs, FINs and resets: an end whose
 *     FIN is the first thing seen is taken to close first, as it nearly always does;
 *   - a SYN that arrives makes no SYN_RECEIVED of STATE_NONE or CLOSED, which may be a
 *     closed port: the SYN-ACK sent does;
 *   - an ACK sent from SYN_SENT shows that a SYN-ACK arrived, seen or not; a reset sent
 *     from there answers an old segment, and the SYN stands (3.5.2; figures 8 to 10). */
enum tcp_state state_after(enum tcp_state state, enum state_event event);

#endif
