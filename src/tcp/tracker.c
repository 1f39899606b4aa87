#include "tcp/tracker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/filled.h"
#include "capture/packet.h"
#include "tcp/feed.h"
#include "tcp/flow.h"
#include "tcp/look.h"
#include "tcp/numbers.h"
#include "tcp/reuse.h"
#include "tcp/seq.h"
#include "tcp/steady.h"

/* A SYN is sent again at most 64 s after the last time (Linux' sixth), so that after this
 * silence an attempt has ended. */
static const int64_t attempt_ns = 70 * NS_PER_S;
static const int64_t linger_ns = 10 * NS_PER_S;
/* Expiring looks at so many connections at once, so that no packet waits for many. */
enum { EXPIRE_AT_ONCE = 4 };
/* Segments whose connections are looked up together. */
enum { TOGETHER = 32 };

struct tracker {
    struct tracker_options options;
    struct tracker_counts counts;
    struct flows flows;
    int64_t now_ns;
    uint32_t ids;
};

int tracker_new(const struct tracker_options *options, struct tracker **ret_tracker)
{
    struct tracker *tracker = calloc(1, sizeof *tracker);
    uint64_t seed = 0;
    if (!tracker)
        return ERROR_MEMORY;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
        seed = (uint64_t)(uintptr_t)tracker;
    tracker->options = *options;
    if (!tracker->options.connections_max)
        tracker->options.connections_max = TRACKER_CONNECTIONS;
    if (!tracker->options.linger_ns)
        tracker->options.linger_ns = linger_ns;
    tracker->now_ns = INT64_MIN;
    flows_init(&tracker->flows, tracker->options.connections_max, seed);
    *ret_tracker = tracker;
    return 0;
}

static void free_flows(struct flows *flows)
{
    for (int queue = 0; queue < QUEUE_COUNT; queue++)
        while (flows->first[queue] != FLOW_NONE)
            flow_remove(flows, flows->first[queue]);
    flows_done(flows);
}

void tracker_free(struct tracker **tracker)
{
    if (!*tracker)
        return;
    free_flows(&(*tracker)->flows);
    free(*tracker);
    *tracker = NULL;
}

struct tracker_counts tracker_counts(const struct tracker *tracker)
{
    struct tracker_counts counts = tracker->counts;
    counts.connections = tracker->ids;
    counts.open = tracker->flows.count;
    return counts;
}

/* --- out --- */

/* Probes that nobody answered are told only where there were several: one may simply be
 * the capture's last packet. */
static void settle_probes(struct flow *flow)
{
    for (int end = 0; end < 2; end++)
        if (flow->tally.end[end].probe && flow->tally.end[end].probes > 1)
            tally_note(&flow->tally, ANOMALY_KEEPALIVE_UNANSWERED,
                       flow->tally.end[end].probe);
}

static void give(struct tracker *tracker, struct flow *flow, bool evicted)
{
    FILLED_BY_CALL struct story bare;
    struct story *story = flow->story;

    if (!story) {
        story = &bare; /* its verdict, which is most of it, is filled below */
        story->id = flow->id;
        story->client = flow->ends[PLACE_CLIENT];
        story->server = flow->ends[PLACE_SERVER];
        story->events = NULL;
        story->event_count = story->event_capacity = 0;
    }
    steady_leave(flow);
    settle_probes(flow);
    story->numbers = flow->numbers;
    tally_verdict(&flow->tally, &story->verdict);
    story->verdict.client_state = (enum tcp_state)flow->followers[PLACE_CLIENT].state;
    story->verdict.server_state = (enum tcp_state)flow->followers[PLACE_SERVER].state;
    story->verdict.standing = STANDING_INFERRED;
    story->verdict.evicted = evicted;
    tracker->options.on_story(tracker->options.owner, story);
}

static int begin_flow(struct tracker *tracker, uint32_t hash, enum place from,
                      const struct segment *segment, uint32_t *ret_index);
static int feed(struct tracker *tracker, uint32_t index, uint64_t number, int64_t t_ns,
                const struct segment *segment);

/* Takes it out of the table. A SYN that still waits for its answer was an attempt of its
 * own, which nobody answered. */
static void end_flow(struct tracker *tracker, uint32_t index, bool evicted)
{
    struct flow *flow = flow_at(&tracker->flows, index);
    struct flow_pending *pending = flow->pending;
    uint32_t hash = flow->hash;

    flow->pending = NULL;
    give(tracker, flow, evicted);
    flow_remove(&tracker->flows, index);
    if (pending &&
        begin_flow(tracker, hash, PLACE_CLIENT, &pending->segment, &index) == 0)
        feed(tracker, index, pending->number, pending->t_ns, &pending->segment);
    free(pending);
}

/* Ended ones wait for strays, of which few have any: they may take a part of the table and
 * no more, however many end in that time. */
static bool too_many_ended(const struct tracker *tracker)
{
    return tracker->flows.queued[QUEUE_ENDED] > tracker->options.connections_max / 4;
}

/* The first of a queue leaves it once its time is over; where it was heard of since it
 * came in, it goes to the end instead. False: it stays, and so do all behind it. */
static bool expire_first(struct tracker *tracker, enum flow_queue queue, int64_t after_ns)
{
    uint32_t index = tracker->flows.first[queue];
    if (index == FLOW_NONE)
        return false;
    struct flow *flow = flow_at(&tracker->flows, index);
    int64_t waited_ns;
    bool ages = __builtin_sub_overflow(tracker->now_ns, flow->queued_ns, &waited_ns);
    if (!ages && waited_ns < after_ns &&
        !(queue == QUEUE_ENDED && too_many_ended(tracker)))
        return false;
    if (flow->last_ns > flow->queued_ns)
        flow_enqueue(&tracker->flows, index, queue, flow->last_ns);
    else
        end_flow(tracker, index, false);
    flow_fetch_first(&tracker->flows, queue);
    return true;
}

/* What expire_first finds, most often: nobody has waited long enough. */
static inline bool nobody_is_due(const struct tracker *tracker, enum flow_queue queue,
                                 int64_t after_ns)
{
    int64_t first_ns = tracker->flows.first_ns[queue], waited_ns;
    return first_ns == INT64_MAX ||
           (!__builtin_sub_overflow(tracker->now_ns, first_ns, &waited_ns) &&
            waited_ns < after_ns);
}

static void expire_some(struct tracker *tracker)
{
    for (int i = 0; i < EXPIRE_AT_ONCE; i++)
        if (!expire_first(tracker, QUEUE_ENDED, tracker->options.linger_ns))
            break;
    for (int i = 0; i < EXPIRE_AT_ONCE; i++)
        if (!expire_first(tracker, QUEUE_ATTEMPTS, attempt_ns))
            break;
}

static inline void expire(struct tracker *tracker)
{
    if (!nobody_is_due(tracker, QUEUE_ENDED, tracker->options.linger_ns) ||
        !nobody_is_due(tracker, QUEUE_ATTEMPTS, attempt_ns) || too_many_ended(tracker))
        expire_some(tracker);
}

/* Makes room for one: an ended connection leaves early, else the attempt or the open one
 * that has been silent longest is evicted. */
static void make_room(struct tracker *tracker)
{
    struct flows *flows = &tracker->flows;
    uint32_t index = flows->first[QUEUE_ENDED];
    if (index != FLOW_NONE) {
        end_flow(tracker, index, false);
        return;
    }
    /* The queues are in the order of joining; who was heard of since goes to the end. */
    for (size_t tries = 0; tries < 64; tries++) {
        uint32_t attempt = flows->first[QUEUE_ATTEMPTS], open = flows->first[QUEUE_OPEN];
        bool of_open = attempt == FLOW_NONE ||
                       (open != FLOW_NONE && flow_at(flows, open)->queued_ns <
                                                 flow_at(flows, attempt)->queued_ns);
        struct flow *flow;
        index = of_open ? open : attempt;
        flow = flow_at(flows, index);
        if (flow->last_ns <= flow->queued_ns)
            break;
        flow_enqueue(flows, index, of_open ? QUEUE_OPEN : QUEUE_ATTEMPTS, flow->last_ns);
    }
    tracker->counts.evicted++;
    end_flow(tracker, index, true);
}

/* --- in --- */

/* Which end sends what begins a connection: SYNs tell; else the lower of two ports is the
 * server's where it is one that servers have and the other is not: a well-known one, or
 * else one that no system gives to a client that does not ask; and else the first to speak
 * is taken for the client. */
static enum place first_sender(const struct segment *segment)
{
    static const uint16_t limits[] = {1024, 32768};
    if (segment->flags & TCP_SYN)
        return segment->flags & TCP_ACK ? PLACE_SERVER : PLACE_CLIENT;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        bool low = segment->source.port < limits[i];
        if (low != (segment->destination.port < limits[i]))
            return low ? PLACE_SERVER : PLACE_CLIENT;
    }
    return PLACE_CLIENT;
}

static int begin_flow(struct tracker *tracker, uint32_t hash, enum place from,
                      const struct segment *segment, uint32_t *ret_index)
{
    bool client = from == PLACE_CLIENT;
    while (tracker->flows.count >= tracker->flows.max)
        make_room(tracker);
    uint32_t index =
        flow_add(&tracker->flows, hash, client ? &segment->source : &segment->destination,
                 client ? &segment->destination : &segment->source);
    if (index == FLOW_NONE)
        return ERROR_MEMORY;
    struct flow *flow = flow_at(&tracker->flows, index);
    flow->id = ++tracker->ids;
    flow->last_ns = tracker->now_ns;
    flow_enqueue(&tracker->flows, index, QUEUE_ATTEMPTS, tracker->now_ns);
    if (tracker->options.keeps &&
        tracker->options.keeps(tracker->options.owner, flow->id))
        flow->story_failed = story_new(flow->id, &flow->ends[PLACE_CLIENT],
                                       &flow->ends[PLACE_SERVER], &flow->story) != 0;
    *ret_index = index;
    return flow->story_failed ? ERROR_MEMORY : 0;
}

static void choose_queue(struct tracker *tracker, uint32_t index)
{
    struct flow *flow = flow_at(&tracker->flows, index);
    bool attempt = (flow->tally.syns || flow->tally.syn_ack) && !flow->tally.opened;
    enum flow_queue queue = tally_ended(&flow->tally) ? QUEUE_ENDED
                            : attempt                 ? QUEUE_ATTEMPTS
                                                      : QUEUE_OPEN;
    if (flow->queue != queue)
        flow_enqueue(&tracker->flows, index, queue, tracker->now_ns);
}

/* `stray`: a SYN of which the next packet has told that it began nothing. */
static int feed_one(struct tracker *tracker, uint32_t index, uint64_t number,
                    int64_t t_ns, const struct segment *segment, bool stray)
{
    struct flow *flow = flow_at(&tracker->flows, index);
    int code = feed_segment(flow, number, t_ns, segment, stray);
    flow->last_ns = tracker->now_ns;
    choose_queue(tracker, index);
    if (!code)
        steady_enter(flow);
    return code;
}

static int feed(struct tracker *tracker, uint32_t index, uint64_t number, int64_t t_ns,
                const struct segment *segment)
{
    return feed_one(tracker, index, number, t_ns, segment, false);
}

/* --- captured twice --- */

static bool seen_before(struct flow *flow, enum place from, int64_t t_ns,
                        const struct segment *segment)
{
    struct look look = look_at(t_ns, segment);
    if (look_is_known(flow->looks[from], look))
        return flow->tally.packets > 0;
    look_keep(flow->looks[from], &flow->next_look[from], look);
    return false;
}

/* It is no packet of the connection's; but Wireshark, which does not tell copies, counts
 * it, and its number is to be the same. */
static int count_copy(struct flow *flow, enum place from, uint64_t number,
                      const struct segment *segment)
{
    FILLED_BY_CALL struct event_packet packet;
    numbers_read_unsent(&flow->numbers, from, number, segment, &packet);
    completeness_packet(&flow->tally.completeness, &packet);
    return tally_note(&flow->tally, ANOMALY_CAPTURED_TWICE, number);
}

/* --- one four-tuple, several connections --- */

/* The connection that was there ends, and the same ends begin another. */
static int begin_next(struct tracker *tracker, uint32_t *index, enum place from,
                      uint64_t number, const struct segment *segment)
{
    uint32_t hash = flow_at(&tracker->flows, *index)->hash;
    end_flow(tracker, *index, false);
    int code = begin_flow(tracker, hash, from, segment, index);
    if (!code)
        code = tally_note(&flow_at(&tracker->flows, *index)->tally,
                          ANOMALY_FOUR_TUPLE_REUSED, number);
    return code;
}

static int hold_back(struct flow *flow, uint64_t number, int64_t t_ns,
                     const struct segment *segment)
{
    flow->pending = malloc(sizeof *flow->pending);
    if (!flow->pending)
        return ERROR_MEMORY;
    *flow->pending = (struct flow_pending){*segment, number, t_ns};
    flow->pending->segment.payload_captured = 0; /* its bytes are borrowed */
    return 0;
}

static int resolve_pending(struct tracker *tracker, uint32_t *index, uint32_t hash,
                           const struct segment *segment)
{
    struct flow *flow = flow_at(&tracker->flows, *index);
    struct flow_pending *pending = flow->pending;
    bool begins = reuse_is_told(pending, segment);
    int code = 0;

    flow->pending = NULL;
    if (begins) {
        end_flow(tracker, *index, false);
        code = begin_flow(tracker, hash, PLACE_CLIENT, &pending->segment, index);
        if (!code)
            code = tally_note(&flow_at(&tracker->flows, *index)->tally,
                              ANOMALY_FOUR_TUPLE_REUSED, pending->number);
    }
    if (!code)
        code = feed_one(tracker, *index, pending->number, pending->t_ns,
                        &pending->segment, !begins);
    free(pending);
    return code;
}

/* Of a connection that is steady: data that is next in order is no copy of what came
 * before; an acknowledgement may be. */
static bool take_steadily(struct tracker *tracker, struct flow *flow, enum place from,
                          int64_t t_ns, const struct segment *segment)
{
    struct look look = look_at(t_ns, segment);
    if ((segment->payload_bytes == 0 && look_is_known(flow->looks[from], look)) ||
        !steady_take(flow, from, t_ns, segment))
        return false;
    look_keep(flow->looks[from], &flow->next_look[from], look);
    flow->last_ns = tracker->now_ns;
    return true;
}

/* `tried`: the connection that was tried as a steady one before; or null. */
static int add_segment(struct tracker *tracker, uint32_t index, uint32_t hash,
                       const struct flow *tried, uint64_t number, int64_t t_ns,
                       const struct segment *segment)
{
    struct flow *flow = flow_at(&tracker->flows, index);
    enum place from = flow_place(flow, &segment->source);
    int code = 0;

    if (flow != tried && flow->steady.holds &&
        take_steadily(tracker, flow, from, t_ns, segment))
        return 0;
    steady_leave(flow);
    if (seen_before(flow, from, t_ns, segment))
        return count_copy(flow, from, number, segment);
    if (flow->pending) {
        code = resolve_pending(tracker, &index, hash, segment);
    } else if ((segment->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
        enum reuse meaning = reuse_by_syn(flow, from, segment);
        if (meaning == REUSE_IN_DOUBT)
            return hold_back(flow, number, t_ns, segment);
        if (meaning == REUSE_IS_NEXT)
            code = begin_next(tracker, &index, PLACE_CLIENT, number, segment);
    } else if ((segment->flags & TCP_SYN) && reuse_by_syn_ack(flow, from, segment)) {
        code = begin_next(tracker, &index, PLACE_SERVER, number, segment);
    }
    return code ? code : feed(tracker, index, number, t_ns, segment);
}

static int64_t pass_time(struct tracker *tracker, int64_t t_ns)
{
    if (t_ns == PACKET_TIMELESS)
        t_ns = tracker->now_ns == INT64_MIN ? 0 : tracker->now_ns;
    if (t_ns > tracker->now_ns)
        tracker->now_ns = t_ns;
    return t_ns;
}

/* `likely` may be the connection, or another by now, or null. */
static int take_segment(struct tracker *tracker, uint32_t hash, struct flow *likely,
                        const struct tracker_segment *taken)
{
    const struct segment *segment = taken->segment;
    int64_t t_ns = pass_time(tracker, taken->t_ns);
    enum place from;
    int code = 0;

    expire(tracker);
    tracker->counts.segments++;
    if (likely && likely->steady.holds &&
        flow_is_between(likely, &segment->source, &segment->destination, &from) &&
        take_steadily(tracker, likely, from, t_ns, segment))
        return 0;
    uint32_t index =
        flow_find(&tracker->flows, hash, &segment->source, &segment->destination);
    if (index == FLOW_NONE)
        code = begin_flow(tracker, hash, first_sender(segment), segment, &index);
    if (code)
        return code;
    return add_segment(tracker, index, hash, likely, taken->number, t_ns, segment);
}

static uint32_t hash_of(const struct tracker *tracker, const struct segment *segment)
{
    return flow_hash(&tracker->flows, &segment->source, &segment->destination);
}

int tracker_segment(struct tracker *tracker, uint64_t number, int64_t t_ns,
                    const struct segment *segment)
{
    struct tracker_segment taken = {number, t_ns, segment};
    return take_segment(tracker, hash_of(tracker, segment), NULL, &taken);
}

/* Memory is slow, and patient: the place in the table is asked for first, and then, a few
 * segments ahead, the connection that it names. */
static int take_together(struct tracker *tracker, const struct tracker_segment *segments,
                         size_t count)
{
    enum { AHEAD = 8, REST_AHEAD = 4 };
    FILLED_BY_CALL uint32_t hashes[TOGETHER];
    FILLED_BY_CALL struct flow *likely[TOGETHER];
    int code = 0;

    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(tracker, segments[i].segment);
        flow_fetch_place(&tracker->flows, hashes[i]);
    }
    for (size_t i = 0; i < AHEAD && i < count; i++)
        likely[i] = flow_fetch(&tracker->flows, hashes[i]);
    for (size_t i = 0; i < count && !code; i++) {
        if (i + AHEAD < count)
            likely[i + AHEAD] = flow_fetch(&tracker->flows, hashes[i + AHEAD]);
        if (i + REST_AHEAD < count)
            flow_fetch_rest(likely[i + REST_AHEAD]);
        code = take_segment(tracker, hashes[i], likely[i], &segments[i]);
    }
    return code;
}

int tracker_segments(struct tracker *tracker, const struct tracker_segment *segments,
                     size_t count)
{
    int code = 0;
    for (size_t done = 0; done < count && !code; done += TOGETHER) {
        size_t left = count - done;
        code = take_together(tracker, segments + done, left < TOGETHER ? left : TOGETHER);
    }
    return code;
}

/* Whether the end can have sent what the error quotes. */
static bool was_sent(const struct flow *flow, enum place from, uint32_t seq)
{
    const struct numbers *numbers = &flow->numbers;
    return numbers->known[from] &&
           seq_at_or_after(numbers->sent_end[from], seq - numbers->isn[from]);
}

void tracker_icmp(struct tracker *tracker, uint64_t number, int64_t t_ns,
                  const struct icmp_error *error)
{
    pass_time(tracker, t_ns);
    expire(tracker);
    tracker->counts.icmp_errors++;
    uint32_t hash = flow_hash(&tracker->flows, &error->source, &error->destination);
    uint32_t index =
        flow_find(&tracker->flows, hash, &error->source, &error->destination);
    if (index == FLOW_NONE)
        return;
    struct flow *flow = flow_at(&tracker->flows, index);
    steady_leave(flow);
    bool of_client = endpoint_equal(&flow->ends[PLACE_CLIENT], &error->source);
    bool hard = error->family == 4
                    ? (error->type == 3 && error->code != 4) || error->type == 11
                    : error->type == 1 || error->type == 3;
    if (!hard || !was_sent(flow, of_client ? PLACE_CLIENT : PLACE_SERVER, error->seq))
        return;
    struct icmp_note note = {error->family, error->type, error->code, error->reporter};
    tally_icmp(&flow->tally, number, &note);
}

void tracker_advance(struct tracker *tracker, int64_t t_ns)
{
    pass_time(tracker, t_ns);
    while (expire_first(tracker, QUEUE_ENDED, tracker->options.linger_ns))
        ;
    while (expire_first(tracker, QUEUE_ATTEMPTS, attempt_ns))
        ;
}

/* --- the end --- */

struct numbered {
    uint32_t id, index;
};

static int by_id(const void *a, const void *b)
{
    const struct numbered *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static size_t list_all(const struct flows *flows, struct numbered *list)
{
    size_t count = 0;
    for (int queue = 0; queue < QUEUE_COUNT; queue++)
        for (uint32_t index = flows->first[queue]; index != FLOW_NONE;
             index = flow_at(flows, index)->next)
            list[count++] = (struct numbered){flow_at(flows, index)->id, index};
    return count;
}

void tracker_finish(struct tracker *tracker)
{
    struct flows *flows = &tracker->flows;
    /* SYNs held back become connections of their own, so there may be more rounds. */
    while (flows->count > 0) {
        struct numbered *list = malloc(flows->count * sizeof *list);
        size_t count = list ? list_all(flows, list) : 0;
        if (list)
            qsort(list, count, sizeof *list, by_id);
        for (size_t i = 0; i < count; i++)
            end_flow(tracker, list[i].index, false);
        free(list);
        for (int queue = 0; !list && queue < QUEUE_COUNT; queue++)
            if (flows->first[queue] != FLOW_NONE)
                end_flow(tracker, flows->first[queue], false);
    }
}
