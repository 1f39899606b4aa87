#include "scope/summary.h"

#include <string.h>

static void count_host(struct summary_hosts *hosts, const struct endpoint *server)
{
    uint32_t least = 0;
    for (uint32_t i = 0; i < hosts->used; i++) {
        if (endpoint_equal(&hosts->servers[i], server)) {
            hosts->counts[i]++;
            return;
        }
        if (hosts->counts[i] < hosts->counts[least])
            least = i;
    }
    if (hosts->used < SUMMARY_HOSTS) {
        least = hosts->used++;
        hosts->counts[least] = 0;
    } else {
        hosts->estimated = true;
    }
    hosts->servers[least] = *server;
    hosts->counts[least]++;
}

/* Eight buckets to each doubling: a percentile is right within a twelfth. */
static unsigned bucket_of(int64_t ns)
{
    uint64_t value = ns < 8 ? 8 : (uint64_t)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    return power * 8 + (unsigned)(value >> (power - 3) & 7);
}

static void add_handshake(struct summary *summary, uint32_t id, int64_t ns)
{
    unsigned place = SUMMARY_SLOWEST;
    summary->handshakes++;
    summary->buckets[bucket_of(ns)]++;
    while (place > 0 &&
           (summary->slowest[place - 1].id == 0 || summary->slowest[place - 1].ns < ns))
        place--;
    if (place == SUMMARY_SLOWEST)
        return;
    memmove(&summary->slowest[place + 1], &summary->slowest[place],
            (SUMMARY_SLOWEST - 1 - place) * sizeof summary->slowest[0]);
    summary->slowest[place].id = id;
    summary->slowest[place].ns = ns;
}

void summary_add(struct summary *summary, const struct story *story)
{
    const struct verdict *verdict = &story->verdict;

    if (summary->connections == 0 || verdict->start_ns < summary->first_ns)
        summary->first_ns = verdict->start_ns;
    if (summary->connections == 0 || verdict->end_ns > summary->last_ns)
        summary->last_ns = verdict->end_ns;
    summary->connections++;
    summary->packets += verdict->packets;
    summary->evicted += verdict->evicted;
    summary->bytes += verdict->client_bytes + verdict->server_bytes;
    summary->open[verdict->open]++;
    summary->close[verdict->close]++;
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        summary->anomalies[kind] += verdict->anomalies[kind].count > 0;
    if (verdict->handshake_ns != UNSEEN_NS)
        add_handshake(summary, story->id, verdict->handshake_ns);
    if (verdict->open == OPEN_REFUSED)
        count_host(&summary->refusing, &story->server);
    if (verdict->open == OPEN_NO_ANSWER)
        count_host(&summary->silent, &story->server);
}

static int64_t bucket_ns(unsigned bucket)
{
    unsigned power = bucket / 8;
    return power < 3 ? 0 : (int64_t)((UINT64_C(8) + bucket % 8) << (power - 3));
}

int64_t summary_handshake_ns(const struct summary *summary, unsigned percent)
{
    uint64_t wanted = (summary->handshakes * percent + 99) / 100, seen = 0;
    for (unsigned bucket = 0; bucket < SUMMARY_BUCKETS; bucket++) {
        seen += summary->buckets[bucket];
        if (seen >= wanted)
            return bucket_ns(bucket);
    }
    return 0;
}
