/* Inside the tracker: the connections it holds, and how they are found by their ends. For
 * tracker.c alone. */
#ifndef WOSHOU_TCP_FLOW_H
#define WOSHOU_TCP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/decode.h"
#include "tcp/follower.h"
#include "tcp/look.h"
#include "tcp/steady.h"
#include "tcp/story.h"
#include "tcp/tally.h"

#define FLOW_NONE UINT32_MAX

/* Where a connection waits for its end. */
enum flow_queue {
    QUEUE_ATTEMPTS, /* not open yet */
    QUEUE_OPEN,
    QUEUE_ENDED, /* waits for strays */
    QUEUE_COUNT
};

/* A SYN on a connection that is open: whether it begins another, the answer will tell. */
struct flow_pending {
    struct segment segment;
    uint64_t number;
    int64_t t_ns;
};

/* What nearly every packet needs stands first. */
struct flow {
    struct endpoint ends[2]; /* by PLACE_CLIENT, PLACE_SERVER */
    uint8_t next_look[2];
    uint8_t queue;
    bool story_failed;
    int64_t queued_ns, last_ns;
    struct look looks[2][LOOKS];
    struct steady steady;
    /* What the others need besides: */
    uint32_t id;
    uint32_t hash;
    uint32_t next, previous; /* in its queue; `next` also in the free list */
    uint8_t states_before_reset[2];
    struct numbers numbers;
    struct follower followers[2];
    struct story *story;          /* or null: nothing is kept */
    struct flow_pending *pending; /* or null */
    struct tally tally;
};

/* The hash stands beside the index, so that looking past another connection does not
 * touch it. */
struct flow_place {
    uint32_t hash, index; /* FLOW_NONE: free */
};

enum { FLOW_SLAB = 512 };

struct flows {
    struct flow **slabs;
    size_t slab_count, slab_capacity;
    size_t count, max;
    uint32_t free; /* list of free ones */
    struct flow_place *places;
    size_t place_count; /* a power of two, or 0 */
    uint64_t seed;
    uint32_t first[QUEUE_COUNT], last[QUEUE_COUNT];
    int64_t
        first_ns[QUEUE_COUNT];  /* since when that waits; INT64_MAX: the queue is empty */
    size_t queued[QUEUE_COUNT]; /* how many */
};

void flows_init(struct flows *flows, size_t max, uint64_t seed);
void flows_done(struct flows *flows);

static inline struct flow *flow_at(const struct flows *flows, uint32_t index)
{
    return &flows->slabs[index / FLOW_SLAB][index % FLOW_SLAB];
}

/* Which end of the connection that is: its port tells where both have different ones. */
static inline enum place flow_place(const struct flow *flow, const struct endpoint *end)
{
    const struct endpoint *client = &flow->ends[PLACE_CLIENT];
    bool is_client = client->port != flow->ends[PLACE_SERVER].port
                         ? client->port == end->port
                         : endpoint_equal(client, end);
    return is_client ? PLACE_CLIENT : PLACE_SERVER;
}

/* --- finding; in line, since every packet comes through here --- */

static inline uint64_t flow_mix(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0x9e3779b97f4a7c15);
    value ^= value >> 29;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    return value ^ value >> 32;
}

static inline uint64_t flow_hash_end(uint64_t seed, const struct endpoint *endpoint)
{
    uint64_t parts[2];
    uint32_t ipv4;
    if (endpoint->family != 6) {
        memcpy(&ipv4, endpoint->address, sizeof ipv4);
        return flow_mix(seed ^ ((uint64_t)endpoint->port << 32 | ipv4));
    }
    memcpy(parts, endpoint->address, sizeof parts);
    return flow_mix(flow_mix(flow_mix(seed ^ parts[0]) ^ parts[1]) ^ endpoint->port);
}

/* The same in both directions; seeded, so that nobody can prepare a capture whose
 * connections all fall into one place. */
static inline uint32_t flow_hash(const struct flows *flows, const struct endpoint *one,
                                 const struct endpoint *other)
{
    return (uint32_t)(flow_hash_end(flows->seed, one) +
                      flow_hash_end(flows->seed, other));
}

static inline bool flow_end_is(const struct endpoint *a, const struct endpoint *b)
{
    return a->port == b->port && a->family == b->family &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

/* Whether the connection is between two endpoints, whichever of them is which; then `one`
 * is that end. No branch depends on which, which nobody could foretell. */
static inline bool flow_is_between(const struct flow *flow, const struct endpoint *one,
                                   const struct endpoint *other, enum place *ret_place)
{
    enum place place = flow_place(flow, one);
    *ret_place = place;
    return flow_end_is(&flow->ends[place], one) &&
           flow_end_is(&flow->ends[place_other(place)], other);
}

/* The one between two endpoints; or FLOW_NONE. */
uint32_t flow_find(const struct flows *flows, uint32_t hash, const struct endpoint *one,
                   const struct endpoint *other);

/* Three ways to ask for memory that is here a while later; nothing waits for it. First the
 * place where flow_find will look. Then, once that is here, what stands first in the
 * connection there: it is returned, and most often the one that flow_find will find; null
 * where that is another's place, or nobody's. And then the rest, where it is not steady. */
static inline void flow_fetch_place(const struct flows *flows, uint32_t hash)
{
    if (flows->place_count > 0)
        __builtin_prefetch(&flows->places[hash & (flows->place_count - 1)]);
}

static inline void flow_fetch_lines(const struct flow *flow, size_t from, size_t to)
{
    enum { LINE = 64 };
    for (size_t at = from; at < to; at += LINE)
        __builtin_prefetch((const char *)flow + at, 1);
}

static inline struct flow *flow_fetch(const struct flows *flows, uint32_t hash)
{
    if (flows->place_count == 0)
        return NULL;
    struct flow_place place = flows->places[hash & (flows->place_count - 1)];
    if (place.index == FLOW_NONE || place.hash != hash)
        return NULL;
    struct flow *flow = flow_at(flows, place.index);
    flow_fetch_lines(flow, 0, offsetof(struct flow, id));
    return flow;
}

static inline void flow_fetch_rest(const struct flow *flow)
{
    if (flow && !flow->steady.holds)
        flow_fetch_lines(flow, offsetof(struct flow, id), sizeof *flow);
}

/* For the one that leaves the queue next, its place; and all of the one behind it, which
 * has been asked for then when it comes first. */
void flow_fetch_first(const struct flows *flows, enum flow_queue queue);
/* A new one, zeroed, in no queue; FLOW_NONE without memory. There must be fewer than
 * `max`. */
uint32_t flow_add(struct flows *flows, uint32_t hash, const struct endpoint *client,
                  const struct endpoint *server);
void flow_remove(struct flows *flows, uint32_t index);

/* Puts it at the end of a queue, out of the one it is in. */
void flow_enqueue(struct flows *flows, uint32_t index, enum flow_queue queue,
                  int64_t now_ns);

#endif
