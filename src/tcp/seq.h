/* Sequence numbers: 32 bits that wrap, compared within half their space (RFC 9293,
 * 3.4). */
#ifndef WOSHOU_TCP_SEQ_H
#define WOSHOU_TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool seq_at_or_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) >= 0;
}

/* Whether a receiver that has acknowledged up to `acked` may heed a segment of number `a`:
 * not one behind that, nor one further ahead than the largest window (RFC 7323, 2.3). */
static inline bool seq_within_reach(uint32_t a, uint32_t acked)
{
    return a - acked <= UINT32_C(1) << 30;
}

static inline uint32_t seq_later(uint32_t a, uint32_t b)
{
    return seq_before(a, b) ? b : a;
}

#endif
