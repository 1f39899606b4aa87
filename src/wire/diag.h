/* inet_diag: what a host's kernel says of one TCP connection at this moment. Asked for
 * one exact four-tuple it answers in a few microseconds, request sockets and TIME_WAIT
 * included. */
#ifndef WOSHOU_WIRE_DIAG_H
#define WOSHOU_WIRE_DIAG_H

#include <stdint.h>

#include "base/endpoint.h"
#include "tcp/story.h"

struct error;

struct diag {
    int fd;
    uint32_t sequence; /* of the last question: older ones' answers are passed over */
};

/* What a connection waits for, of the kernel's timers. */
enum diag_timer {
    TIMER_NONE,
    TIMER_RETRANSMIT,
    TIMER_KEEPALIVE,
    TIMER_TIME_WAIT,
    TIMER_WINDOW_PROBE
};

struct diag_answer {
    /* STATE_CLOSED: the host knows no such connection; STATE_LISTEN: it knows none, but
     * listens where one would be made. */
    enum tcp_state state;
    uint64_t inode; /* of its socket, 0 while no program has it */
    enum diag_timer timer;
    uint32_t expires_ms; /* until the timer runs out; 0 without one */
};

/* For the host the calling thread is on; usable from any thread of any host afterwards,
 * one at a time. */
int diag_open(struct diag *diag, struct error *err);
void diag_close(struct diag *diag);

/* Asks for the connection from `local`, on that host, to `remote`. */
int diag_ask(struct diag *diag, const struct endpoint *local,
             const struct endpoint *remote, struct diag_answer *ret_answer);

#endif
