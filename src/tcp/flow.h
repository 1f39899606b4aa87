/* Inside the tracker: the connections it holds, and how they are found by their ends. For
 * tracker.c alone. */
#ifndef WOSHOU_TCP_FLOW_H
#define WOSHOU_TCP_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/decode.h"
#include "tcp/follower.h"
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

/* A packet as it would look if it had been captured twice. */
struct flow_look {
    uint32_t hash, t_us;
};
enum { FLOW_LOOKS = 4 };

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
    struct flow_look looks[2][FLOW_LOOKS];
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

uint32_t flow_hash(const struct flows *flows, const struct endpoint *one,
                   const struct endpoint *other);
/* The one between two endpoints, whichever of them is which; or FLOW_NONE. */
uint32_t flow_find(const struct flows *flows, uint32_t hash, const struct endpoint *one,
                   const struct endpoint *other);
/* Ask for what flow_find will read; then for what it will find of the connection, and, once
 * that is here, for the rest, where it is not steady. All comes a while later, and nothing
 * waits for it. */
void flow_fetch_place(const struct flows *flows, uint32_t hash);
void flow_fetch(const struct flows *flows, uint32_t hash);
void flow_fetch_rest(const struct flows *flows, uint32_t hash);
/* For the one that leaves the queue next: all of it. */
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
