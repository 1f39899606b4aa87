/* Whether what was given to a veth pair has arrived. TUN devices hand a packet over while
 * it is written; a veth pair leaves that to the kernel's softirqs, which a busy machine
 * puts off. So, before the wire calls it rest, each host sends the other one datagram,
 * through the same devices and the same relay: where both arrive, and no segment has moved
 * since they were sent, nothing is left underway. */
#ifndef WOSHOU_WIRE_BARRIER_H
#define WOSHOU_WIRE_BARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

struct error;
struct hosts;

struct barrier {
    int fd[2];         /* a datagram socket at each host; -1: there is no need of them */
    int awaited;       /* datagrams that have not arrived yet */
    bool begun;        /* a round is under way, or just over */
    uint8_t round;     /* which, as its datagrams say */
    int64_t begun_ns;  /* one whose datagram got lost is begun anew after a while */
    uint64_t segments; /* that had moved when it began */
};

void barrier_init(struct barrier *barrier);
/* From the yard, and back to it. */
int barrier_open(struct barrier *barrier, const struct hosts *hosts, struct error *err);
void barrier_close(struct barrier *barrier);

/* Asked while all looks at rest, again and again: whether it is. `segments` is how many
 * have moved so far. */
bool barrier_passed(struct barrier *barrier, uint64_t segments, int64_t now_ns);

#endif
