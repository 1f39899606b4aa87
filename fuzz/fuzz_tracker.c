/* Any bytes, as what happens to four connections in one tracker: ten of them a step, whose
 * numbers are near those that its sender would send. What must hold: every segment is of
 * one story, or a copy; stories are bounded and their verdicts make sense, and are the same
 * whether their events are kept or not. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "capture/decode.h"
#include "capture/packet.h"
#include "story_checks.h"
#include "tcp/tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { STEP = 10, CONNECTIONS = 4, STORIES_MAX = 1024 };

/* A run through all steps. */
struct run {
    bool keeps;
    struct tracker *tracker;
    uint32_t next[CONNECTIONS][2]; /* what each end would send next */
    int64_t now_ns;
    uint64_t number, told;
    size_t count;
    uint64_t sums[STORIES_MAX]; /* of the verdicts, in the order in which they came out */
};

static bool keeps(void *owner, uint32_t id)
{
    (void)id;
    return ((struct run *)owner)->keeps;
}

static uint64_t add_up(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * UINT64_C(0x100000001b3);
}

static uint64_t sum_of(const struct story *story)
{
    const struct verdict *verdict = &story->verdict;
    uint64_t sum = story->id;
    sum = add_up(sum, (uint64_t)verdict->open << 8 | (uint64_t)verdict->close);
    sum = add_up(sum, (uint64_t)verdict->closed_first << 8 | (uint64_t)verdict->reset_by);
    sum = add_up(sum,
                 (uint64_t)verdict->client_state << 8 | (uint64_t)verdict->server_state);
    sum = add_up(sum, verdict->client_bytes);
    sum = add_up(sum, verdict->server_bytes);
    sum = add_up(sum, verdict->packets);
    sum = add_up(sum, verdict->completeness);
    sum = add_up(sum, (uint64_t)verdict->handshake_ns);
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        sum = add_up(sum, verdict->anomalies[kind].count);
    for (const char *at = verdict->zeek_history; *at; at++)
        sum = add_up(sum, (uint64_t)*at);
    return sum;
}

static void on_story(void *owner, const struct story *story)
{
    struct run *run = owner;
    check_events(story);
    check_words(story);
    require(story->event_count <= TRACKER_EVENTS_MAX);
    run->told +=
        story->verdict.packets + story->verdict.anomalies[ANOMALY_CAPTURED_TWICE].count;
    if (run->count < STORIES_MAX)
        run->sums[run->count] = sum_of(story);
    run->count++;
}

/* Mostly nothing, sometimes a little off, sometimes far. */
static uint32_t shift(uint8_t byte)
{
    if (byte < 0xa0)
        return 0;
    return byte < 0xf0 ? (uint32_t)byte - 0xc8 : (uint32_t)byte << 24;
}

static struct endpoint end_of(unsigned which, enum place place)
{
    uint16_t port = place == PLACE_SERVER ? 80 : (uint16_t)(40000 + which);
    return endpoint_ipv4(10, 0, 0, (uint8_t)(1 + place), port);
}

static void let_time_pass(struct run *run, uint8_t byte)
{
    int64_t ms = byte < 0x80 ? byte : byte < 0xf0 ? (byte - 0x80) * 100 : 20000;
    run->now_ns += byte == 0xff ? -NS_PER_S : ms * NS_PER_MS;
}

static void quote(struct run *run, const uint8_t step[STEP],
                  const struct segment *segment)
{
    struct icmp_error error = {.family = 4,
                               .type = step[1] & 15,
                               .code = step[6] & 15,
                               .reporter = endpoint_ipv4(10, 0, 0, 9, 0),
                               .source = segment->source,
                               .destination = segment->destination,
                               .seq = segment->seq};
    tracker_icmp(run->tracker, ++run->number, run->now_ns, &error);
}

static void take_step(struct run *run, const uint8_t step[STEP])
{
    static const uint8_t payload[64];
    unsigned which = step[0] >> 1 & (CONNECTIONS - 1);
    enum place from = step[0] & 1 ? PLACE_SERVER : PLACE_CLIENT;
    uint32_t *next = run->next[which];
    struct segment segment = {
        .source = end_of(which, from),
        .destination = end_of(which, place_other(from)),
        .flags = step[1],
        .seq = next[from] + shift(step[2]),
        .ack = next[!from] + shift(step[3]),
        .window = (uint16_t)(step[4] * 257),
        .window_shift = (int8_t)((step[0] >> 3 & 15) - 1),
        .payload = payload,
        .payload_bytes = step[5],
        .payload_captured = step[5] < sizeof payload ? step[5] : sizeof payload,
        .ip_id = step[6],
        .timestamps = step[8] & 1,
        .tsval = (uint32_t)run->number - (step[8] >> 1),
    };
    let_time_pass(run, step[7]);
    if (step[9] >= 0xf8) {
        quote(run, step, &segment);
        return;
    }
    int64_t t_ns = step[9] == 0xf7 ? PACKET_TIMELESS : run->now_ns;
    require(tracker_segment(run->tracker, ++run->number, t_ns, &segment) == 0);
    next[from] = segment.seq + segment.payload_bytes + !!(segment.flags & TCP_SYN) +
                 !!(segment.flags & TCP_FIN);
}

static void go_through(struct run *run, const uint8_t *bytes, size_t length)
{
    struct tracker_options options = {.keeps = keeps, .on_story = on_story, .owner = run};
    if (length > 0) /* room for all, or for fewer */
        options.connections_max = bytes[0] & 1 ? 2 : 0;
    require(tracker_new(&options, &run->tracker) == 0);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        run->next[i][0] = 0xfffffff0;
        run->next[i][1] = 0x7ffffff0;
    }
    for (size_t at = 1; at + STEP <= length; at += STEP)
        take_step(run, bytes + at);
    tracker_finish(run->tracker);
    require(run->told == tracker_counts(run->tracker).segments);
    require(run->count == tracker_counts(run->tracker).connections);
    require(tracker_counts(run->tracker).open == 0);
    tracker_free(&run->tracker);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct run with, without;
    with = (struct run){.keeps = true};
    without = (struct run){.keeps = false};
    go_through(&with, bytes, length);
    go_through(&without, bytes, length);
    require(with.count == without.count);
    size_t sums = with.count < STORIES_MAX ? with.count : STORIES_MAX;
    require(memcmp(with.sums, without.sums, sums * sizeof with.sums[0]) == 0);
    return 0;
}
