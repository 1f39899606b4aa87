/* What holds: `places` has the index of every connection, found by linear probing from
 * its hash, with no gaps on the way; at most half of it is used. */
#include "tcp/flow.h"

#include <stdlib.h>
#include <string.h>

#include "tcp/tracker.h"

/* Doubled when half used, there are at most four places to a connection. */
_Static_assert(sizeof(struct flow) + 4 * sizeof(struct flow_place) <=
                   TRACKER_CONNECTION_BYTES,
               "a connection takes more than is said");

enum { NO_QUEUE = QUEUE_COUNT, PLACES_MIN = 1024 };

void flows_init(struct flows *flows, size_t max, uint64_t seed)
{
    *flows = (struct flows){.max = max, .free = FLOW_NONE, .seed = seed};
    for (int queue = 0; queue < QUEUE_COUNT; queue++) {
        flows->first[queue] = flows->last[queue] = FLOW_NONE;
        flows->first_ns[queue] = INT64_MAX;
    }
}

void flows_done(struct flows *flows)
{
    for (size_t i = 0; i < flows->slab_count; i++)
        free(flows->slabs[i]);
    free(flows->slabs);
    free(flows->places);
}

/* --- finding --- */

uint32_t flow_find(const struct flows *flows, uint32_t hash, const struct endpoint *one,
                   const struct endpoint *other)
{
    if (flows->place_count == 0)
        return FLOW_NONE;
    size_t mask = flows->place_count - 1;
    const struct flow_place *places = flows->places;
    enum place place;
    for (size_t i = hash & mask; places[i].index != FLOW_NONE; i = (i + 1) & mask) {
        if (places[i].hash != hash)
            continue;
        const struct flow *flow = flow_at(flows, places[i].index);
        if (flow_is_between(flow, one, other, &place))
            return places[i].index;
    }
    return FLOW_NONE;
}

static void put(struct flows *flows, struct flow_place place)
{
    size_t mask = flows->place_count - 1, i = place.hash & mask;
    while (flows->places[i].index != FLOW_NONE)
        i = (i + 1) & mask;
    flows->places[i] = place;
}

static bool grow_places(struct flows *flows)
{
    if (2 * (flows->count + 1) <= flows->place_count)
        return true;
    size_t count = flows->place_count ? 2 * flows->place_count : PLACES_MIN;
    struct flow_place *places = malloc(count * sizeof *places), *old = flows->places;
    size_t old_count = flows->place_count;
    if (!places)
        return false;
    memset(places, 0xff, count * sizeof *places);
    flows->places = places;
    flows->place_count = count;
    for (size_t i = 0; i < old_count; i++)
        if (old[i].index != FLOW_NONE)
            put(flows, old[i]);
    free(old);
    return true;
}

void flow_fetch_first(const struct flows *flows, enum flow_queue queue)
{
    uint32_t first = flows->first[queue];
    if (first == FLOW_NONE)
        return;
    const struct flow *flow = flow_at(flows, first);
    flow_fetch_place(flows, flow->hash);
    if (flow->next != FLOW_NONE)
        flow_fetch_lines(flow_at(flows, flow->next), 0, sizeof *flow);
}

/* Closes the gap that removing leaves: what stands behind it and belongs before it moves
 * up. */
static void unplace(struct flows *flows, uint32_t index)
{
    struct flow_place *places = flows->places;
    size_t mask = flows->place_count - 1, gap = flow_at(flows, index)->hash & mask;
    while (places[gap].index != index)
        gap = (gap + 1) & mask;
    for (size_t i = (gap + 1) & mask; places[i].index != FLOW_NONE; i = (i + 1) & mask) {
        size_t home = places[i].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        places[gap] = places[i];
        gap = i;
    }
    places[gap].index = FLOW_NONE;
}

/* --- memory --- */

static bool add_slab(struct flows *flows)
{
    if (flows->slab_count == flows->slab_capacity) {
        size_t capacity = flows->slab_capacity ? 2 * flows->slab_capacity : 8;
        struct flow **slabs = realloc(flows->slabs, capacity * sizeof(struct flow *));
        if (!slabs)
            return false;
        flows->slabs = slabs;
        flows->slab_capacity = capacity;
    }
    struct flow *slab = malloc(FLOW_SLAB * sizeof *slab);
    if (!slab)
        return false;
    uint32_t first = (uint32_t)(flows->slab_count * FLOW_SLAB);
    flows->slabs[flows->slab_count++] = slab;
    for (uint32_t i = FLOW_SLAB; i-- > 0;) {
        slab[i].next = flows->free;
        flows->free = first + i;
    }
    return true;
}

uint32_t flow_add(struct flows *flows, uint32_t hash, const struct endpoint *client,
                  const struct endpoint *server)
{
    if (!grow_places(flows) || (flows->free == FLOW_NONE && !add_slab(flows)))
        return FLOW_NONE;
    uint32_t index = flows->free;
    struct flow *flow = flow_at(flows, index);
    flows->free = flow->next;
    memset(flow, 0, sizeof *flow);
    flow->ends[PLACE_CLIENT] = *client;
    flow->ends[PLACE_SERVER] = *server;
    flow->hash = hash;
    flow->queue = NO_QUEUE;
    flows->count++;
    put(flows, (struct flow_place){hash, index});
    return index;
}

/* --- queues --- */

static void set_first(struct flows *flows, enum flow_queue queue, uint32_t index)
{
    flows->first[queue] = index;
    flows->first_ns[queue] =
        index == FLOW_NONE ? INT64_MAX : flow_at(flows, index)->queued_ns;
}

static void dequeue(struct flows *flows, uint32_t index)
{
    struct flow *flow = flow_at(flows, index);
    if (flow->queue == NO_QUEUE)
        return;
    if (flow->previous == FLOW_NONE)
        set_first(flows, (enum flow_queue)flow->queue, flow->next);
    else
        flow_at(flows, flow->previous)->next = flow->next;
    if (flow->next == FLOW_NONE)
        flows->last[flow->queue] = flow->previous;
    else
        flow_at(flows, flow->next)->previous = flow->previous;
    flows->queued[flow->queue]--;
    flow->queue = NO_QUEUE;
}

void flow_enqueue(struct flows *flows, uint32_t index, enum flow_queue queue,
                  int64_t now_ns)
{
    struct flow *flow = flow_at(flows, index);
    dequeue(flows, index);
    flow->queue = (uint8_t)queue;
    flow->queued_ns = now_ns;
    flow->next = FLOW_NONE;
    flow->previous = flows->last[queue];
    if (flow->previous == FLOW_NONE)
        set_first(flows, queue, index);
    else
        flow_at(flows, flow->previous)->next = index;
    flows->last[queue] = index;
    flows->queued[queue]++;
}

void flow_remove(struct flows *flows, uint32_t index)
{
    struct flow *flow = flow_at(flows, index);
    dequeue(flows, index);
    unplace(flows, index);
    tally_done(&flow->tally);
    story_free(&flow->story);
    free(flow->pending);
    flow->next = flows->free;
    flows->free = index;
    flows->count--;
}
