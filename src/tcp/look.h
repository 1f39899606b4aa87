/* Looks at packets: what tells that one was captured twice, on two interfaces or before and
 * behind a router, which no retransmission is. Of each end the last few are remembered. In
 * line, since every packet comes through here. */
#ifndef WOSHOU_TCP_LOOK_H
#define WOSHOU_TCP_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "capture/decode.h"

/* Two looks at one packet are not further apart than this; and no retransmission is so
 * close. */
enum { LOOK_SAME_US = 1000 };

/* How many are remembered. */
enum { LOOKS = 4 };

struct look {
    uint32_t hash, t_us;
};

/* What two looks at the same packet share. TTL differs behind a router. */
static inline uint32_t look_hash(const struct segment *segment)
{
    uint32_t hash = segment->seq;
    hash = hash * 0x9e3779b1 + segment->ack;
    hash = hash * 0x9e3779b1 + segment->payload_bytes;
    hash = hash * 0x9e3779b1 + ((uint32_t)segment->window << 16 | segment->ip_id);
    hash = hash * 0x9e3779b1 + segment->flags;
    hash = hash * 0x9e3779b1 + (segment->timestamps ? segment->tsval : 0);
    return hash ^ hash >> 15;
}

static inline struct look look_at(int64_t t_ns, const struct segment *segment)
{
    return (struct look){look_hash(segment), (uint32_t)(t_ns / NS_PER_US)};
}

static inline bool look_is_known(const struct look looks[LOOKS], struct look look)
{
    for (int i = 0; i < LOOKS; i++)
        if (looks[i].hash == look.hash &&
            look.t_us - looks[i].t_us + LOOK_SAME_US <= 2 * LOOK_SAME_US)
            return true;
    return false;
}

/* In place of the oldest. */
static inline void look_keep(struct look looks[LOOKS], uint8_t *next, struct look look)
{
    looks[(*next)++ % LOOKS] = look;
}

#endif
