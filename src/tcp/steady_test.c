/* The shorter way comes to the same end: of traffic with every kind of disorder, a tracker
 * that takes it says what one says that keeps all events, and so never does. */
#include "tcp/steady.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/decode.h"
#include "tcp/flow.h"
#include "tcp/tracker.h"

enum { CONNECTIONS_MAX = 64, RUNS = 3000, PACKETS = 60 };

struct told {
    struct verdict verdicts[CONNECTIONS_MAX];
    uint32_t ids[CONNECTIONS_MAX];
    size_t count;
};

static void tell(void *owner, const struct story *story)
{
    struct told *told = owner;
    assert_true(told->count < CONNECTIONS_MAX);
    told->ids[told->count] = story->id;
    told->verdicts[told->count++] = story->verdict;
}

static bool keep_all(void *owner, uint32_t id)
{
    (void)owner;
    (void)id;
    return true;
}

static struct tracker *new_tracker(struct told *told, bool keeps)
{
    struct tracker *tracker;
    struct tracker_options options = {
        .keeps = keeps ? keep_all : NULL, .on_story = tell, .owner = told};
    *told = (struct told){0};
    assert_int_equal(tracker_new(&options, &tracker), 0);
    return tracker;
}

/* --- that they are the same --- */

static void expect_evidence(const struct evidence *one, const struct evidence *other)
{
    assert_int_equal(one->count, other->count);
    assert_int_equal(one->kept, other->kept);
    assert_memory_equal(one->packets, other->packets, one->kept * sizeof one->packets[0]);
}

static void expect_same(const struct verdict *one, const struct verdict *other)
{
    assert_int_equal(one->open, other->open);
    assert_int_equal(one->close, other->close);
    assert_int_equal(one->closed_first, other->closed_first);
    assert_int_equal(one->reset_by, other->reset_by);
    assert_int_equal(one->start_ns, other->start_ns);
    assert_int_equal(one->end_ns, other->end_ns);
    assert_int_equal(one->handshake_ns, other->handshake_ns);
    assert_int_equal(one->client_state, other->client_state);
    assert_int_equal(one->server_state, other->server_state);
    assert_int_equal(one->client_bytes, other->client_bytes);
    assert_int_equal(one->server_bytes, other->server_bytes);
    assert_int_equal(one->packets, other->packets);
    assert_string_equal(one->zeek_state, other->zeek_state);
    assert_string_equal(one->zeek_history, other->zeek_history);
    assert_int_equal(one->completeness, other->completeness);
    assert_int_equal(one->syns, other->syns);
    assert_int_equal(one->icmp.family, other->icmp.family);
    expect_evidence(&one->evidence, &other->evidence);
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        expect_evidence(&one->anomalies[kind], &other->anomalies[kind]);
}

static void expect_told_the_same(const struct told *one, const struct told *other)
{
    assert_int_equal(one->count, other->count);
    for (size_t i = 0; i < one->count; i++) {
        assert_int_equal(one->ids[i], other->ids[i]);
        expect_same(&one->verdicts[i], &other->verdicts[i]);
    }
}

/* --- traffic --- */

struct traffic {
    uint32_t random;
    uint32_t next[2]; /* what each end sends next */
    uint32_t tsval[2];
    bool timestamps, scaled;
    int64_t now_ns;
    uint64_t number;
    struct segment before; /* the last one */
};

/* Below `bound`; xorshift, so that every run is the same. */
static uint32_t roll(struct traffic *traffic, uint32_t bound)
{
    traffic->random ^= traffic->random << 13;
    traffic->random ^= traffic->random >> 17;
    traffic->random ^= traffic->random << 5;
    return traffic->random % bound;
}

static bool once_in(struct traffic *traffic, uint32_t times)
{
    return roll(traffic, times) == 0;
}

static struct segment next_segment(struct traffic *traffic, enum place from,
                                   uint8_t flags, uint32_t bytes)
{
    const struct endpoint ends[2] = {endpoint_ipv4(10, 0, 0, 1, 40000),
                                     endpoint_ipv4(10, 0, 0, 2, 80)};
    enum place other = place_other(from);
    struct segment segment = {.source = ends[from],
                              .destination = ends[other],
                              .seq = traffic->next[from],
                              .ack = flags & TCP_ACK ? traffic->next[other] : 0,
                              .flags = flags,
                              .window = 1000,
                              .payload_bytes = bytes,
                              .window_shift = -1,
                              .ip_id = (uint16_t)roll(traffic, 65536),
                              .timestamps = traffic->timestamps,
                              .tsval = ++traffic->tsval[from]};
    if ((flags & TCP_SYN) && traffic->scaled)
        segment.window_shift = (int8_t)(3 + from);
    traffic->next[from] += bytes + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
    return segment;
}

/* By whoever has nothing else to send (RFC 9293, 3.8.4). */
static struct segment keepalive_probe(struct traffic *traffic)
{
    struct segment probe = next_segment(traffic, PLACE_CLIENT, TCP_ACK, 0);
    probe.seq--;
    return probe;
}

/* Once in a while something about it is not as it should be. */
static void disturb(struct traffic *traffic, struct segment *segment)
{
    switch (roll(traffic, 130)) {
    case 0: *segment = traffic->before; break;
    case 1: segment->seq -= segment->payload_bytes + roll(traffic, 3); break;
    case 2: segment->seq += roll(traffic, 2000); break;
    case 3: segment->ack += roll(traffic, 3000); break;
    case 4: segment->ack -= roll(traffic, 3000); break;
    case 5: segment->window = 0; break;
    case 6: segment->tsval -= 1 + roll(traffic, 100); break;
    case 7: segment->timestamps = !segment->timestamps; break;
    case 8: segment->flags |= TCP_RST; break;
    case 9: segment->flags |= TCP_FIN; break;
    case 10: segment->flags = TCP_SYN; break;
    case 11: segment->flags &= (uint8_t)~TCP_ACK; break;
    case 12:
        segment->seq -= 1;
        segment->payload_bytes = 0;
        break;
    case 13: traffic->now_ns -= 5000000; break;
    case 14: traffic->now_ns += INT64_C(30000000000); break;
    case 15: segment->window = 65535; break;
    case 16:
        segment->flags = TCP_RST;
        segment->seq += roll(traffic, 70000);
        break;
    default: break;
    }
}

static struct icmp_error error_about(const struct segment *segment)
{
    return (struct icmp_error){.family = 4,
                               .type = 3,
                               .code = 1,
                               .reporter = segment->destination,
                               .source = segment->source,
                               .destination = segment->destination,
                               .seq = segment->seq};
}

static struct segment any_segment(struct traffic *traffic, int packet, int last)
{
    enum place from = (enum place)roll(traffic, 2);
    uint32_t bytes = once_in(traffic, 2) ? roll(traffic, 1461) : 0;
    if (packet == 0)
        return next_segment(traffic, PLACE_CLIENT, TCP_SYN, 0);
    if (packet == 1)
        return next_segment(traffic, PLACE_SERVER, TCP_SYN | TCP_ACK, 0);
    if (packet == 2)
        return next_segment(traffic, PLACE_CLIENT, TCP_ACK, 0);
    if (packet == last)
        return next_segment(traffic, from, TCP_FIN | TCP_ACK, bytes);
    return next_segment(traffic, from, bytes ? TCP_ACK | TCP_PSH : TCP_ACK, bytes);
}

static void send_to_both(struct traffic *traffic, struct segment *segment,
                         struct tracker *const trackers[2])
{
    traffic->number++;
    traffic->now_ns += 1 + roll(traffic, 2000000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            tracker_segment(trackers[i], traffic->number, traffic->now_ns, segment), 0);
    if (!once_in(traffic, 200))
        return;
    struct icmp_error error = error_about(segment);
    traffic->number++;
    for (int i = 0; i < 2; i++)
        tracker_icmp(trackers[i], traffic->number, traffic->now_ns, &error);
}

static void the_shorter_way_comes_to_the_same_end(void **state)
{
    (void)state;
    struct told *told = calloc(2, sizeof *told);
    assert_non_null(told);
    for (uint32_t run = 1; run <= RUNS; run++) {
        struct traffic traffic = {.random = run * 2654435761U};
        struct tracker *trackers[2] = {new_tracker(&told[0], false),
                                       new_tracker(&told[1], true)};
        traffic.next[0] = roll(&traffic, UINT32_MAX);
        traffic.next[1] = roll(&traffic, UINT32_MAX);
        traffic.timestamps = once_in(&traffic, 2);
        traffic.scaled = once_in(&traffic, 2);
        int last = 20 + (int)roll(&traffic, PACKETS);
        for (int packet = once_in(&traffic, 4) ? 3 : 0; packet < PACKETS; packet++) {
            struct segment segment = once_in(&traffic, 20)
                                         ? keepalive_probe(&traffic)
                                         : any_segment(&traffic, packet, last);
            disturb(&traffic, &segment);
            traffic.before = segment;
            send_to_both(&traffic, &segment, trackers);
        }
        for (int i = 0; i < 2; i++) {
            tracker_finish(trackers[i]);
            tracker_free(&trackers[i]);
        }
        expect_told_the_same(&told[0], &told[1]);
    }
    free(told);
}

/* --- that it is taken --- */

static struct flow holding(void)
{
    struct flow flow = {0};
    flow.steady = (struct steady){.holds = true,
                                  .data = {true, true},
                                  .acks = {true, true},
                                  .isn = {UINT32_MAX, 7},
                                  .sent = {10, 20},
                                  .acked = {15, 10},
                                  .edge = {500, 600},
                                  .shift = {2, 0},
                                  .end_ns = 1000};
    return flow;
}

static struct segment plain(void)
{
    return (struct segment){
        .seq = 9, .ack = 27, .flags = TCP_ACK, .window = 300, .payload_bytes = 5};
}

static void what_is_next_in_order_is_taken(void **state)
{
    (void)state;
    struct flow flow = holding();
    struct segment segment = plain();
    assert_true(steady_take(&flow, PLACE_CLIENT, 1000, &segment));
    struct steady steady = flow.steady;
    assert_int_equal(steady.sent[PLACE_CLIENT], 15);
    assert_int_equal(steady.bytes[PLACE_CLIENT], 5);
    assert_int_equal(steady.packets[PLACE_CLIENT], 1);
    assert_int_equal(steady.acked[PLACE_CLIENT], 20);
    assert_int_equal(steady.edge[PLACE_CLIENT], 20 + 300 * 4);
    assert_int_equal(steady.end_ns, 1000);
    assert_int_equal(steady.sent[PLACE_SERVER], 20);
}

static void expect_left(struct segment segment, int64_t t_ns)
{
    struct flow flow = holding(), before = flow;
    assert_false(steady_take(&flow, PLACE_CLIENT, t_ns, &segment));
    assert_memory_equal(&flow.steady, &before.steady, sizeof flow.steady);
}

static void what_is_not_is_left(void **state)
{
    (void)state;
    struct segment segment = plain();
    expect_left(segment, 999);
    segment = plain();
    segment.seq++;
    expect_left(segment, 1000);
    segment = plain();
    segment.seq--;
    expect_left(segment, 1000);
    segment = plain();
    segment.ack++;
    expect_left(segment, 1000);
    segment = plain();
    segment.window = 0;
    expect_left(segment, 1000);
    segment = plain();
    segment.timestamps = true;
    expect_left(segment, 1000);
    static const uint8_t flags[] = {TCP_ACK | TCP_SYN, TCP_ACK | TCP_FIN,
                                    TCP_ACK | TCP_RST, TCP_PSH, 0};
    for (size_t i = 0; i < sizeof flags; i++) {
        segment = plain();
        segment.flags = flags[i];
        expect_left(segment, 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shorter_way_comes_to_the_same_end),
        cmocka_unit_test(what_is_next_in_order_is_taken),
        cmocka_unit_test(what_is_not_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
