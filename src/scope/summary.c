#include "scope/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "draw/fill.h"
#include "draw/words.h"

/* --- adding --- */

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

static int64_t bucket_ns(unsigned bucket)
{
    unsigned power = bucket / 8;
    return (int64_t)((UINT64_C(8) + bucket % 8) << (power - 3));
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

/* --- printing --- */

static void format_ms(int64_t ns, char text[32])
{
    double ms = (double)ns / NS_PER_MS;
    snprintf(text, 32, ms < 10 ? "%.2f" : "%.1f", ms);
}

static int64_t percentile_ns(const struct summary *summary, unsigned percent)
{
    uint64_t wanted = (summary->handshakes * percent + 99) / 100, seen = 0;
    for (unsigned bucket = 0; bucket < SUMMARY_BUCKETS; bucket++) {
        seen += summary->buckets[bucket];
        if (seen >= wanted)
            return bucket_ns(bucket);
    }
    return 0;
}

static void print_total(const struct summary *summary, const struct words *words,
                        struct buffer *buffer)
{
    char connections[24], packets[24], seconds[32];
    snprintf(connections, sizeof connections, "%" PRIu64, summary->connections);
    snprintf(packets, sizeof packets, "%" PRIu64, summary->packets);
    snprintf(seconds, sizeof seconds, "%.3f",
             (double)(summary->last_ns - summary->first_ns) / NS_PER_S);
    const struct fill fills[] = {
        {"connections", connections}, {"packets", packets}, {"seconds", seconds}};
    fill_append(buffer,
                words->say(summary->connections == 1
                               ? N_("one connection, {packets} packets, {seconds} s")
                               : N_("{connections} connections, {packets} packets, "
                                    "{seconds} s")),
                fills, 3);
    buffer_append_char(buffer, '\n');
}

static void print_count(struct buffer *buffer, uint64_t count, const char *word,
                        bool *first)
{
    if (count == 0)
        return;
    buffer_append_format(buffer, "%s%" PRIu64 " %s", *first ? "" : ", ", count, word);
    *first = false;
}

static void print_words(const struct summary *summary, const struct words *words,
                        struct buffer *buffer)
{
    bool first = true;
    buffer_append_text(buffer, words->say(N_("opened: ")));
    for (int word = 0; word <= OPEN_NOT_SEEN; word++)
        print_count(buffer, summary->open[word], open_word((enum open_word)word), &first);
    buffer_append_char(buffer, '\n');
    first = true;
    buffer_append_text(buffer, words->say(N_("closed: ")));
    for (int word = 0; word <= CLOSE_NONE; word++)
        print_count(buffer, summary->close[word], close_word((enum close_word)word),
                    &first);
    buffer_append_char(buffer, '\n');
    first = true;
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++) {
        if (first && summary->anomalies[kind])
            buffer_append_text(buffer, words->say(N_("connections with anomalies: ")));
        print_count(buffer, summary->anomalies[kind],
                    anomaly_word((enum anomaly_kind)kind), &first);
    }
    if (!first)
        buffer_append_char(buffer, '\n');
}

static void print_handshakes(const struct summary *summary, const struct words *words,
                             struct buffer *buffer)
{
    char median[32], high[32], ms[32];
    if (summary->handshakes == 0)
        return;
    format_ms(percentile_ns(summary, 50), median);
    format_ms(percentile_ns(summary, 95), high);
    fill_append(buffer,
                words->say(N_("handshakes: median about {median} ms, 95 % within about "
                              "{high} ms; slowest: ")),
                (const struct fill[]){{"median", median}, {"high", high}}, 2);
    for (int i = 0; i < SUMMARY_SLOWEST && summary->slowest[i].id; i++) {
        format_ms(summary->slowest[i].ns, ms);
        buffer_append_format(buffer, "%s%s ms (id %" PRIu32 ")", i ? ", " : "", ms,
                             summary->slowest[i].id);
    }
    buffer_append_char(buffer, '\n');
}

/* The five with the most, most first. */
static void print_hosts(const struct summary_hosts *hosts, const char *title,
                        const struct words *words, struct buffer *buffer)
{
    bool shown[SUMMARY_HOSTS] = {false};
    if (hosts->used == 0)
        return;
    buffer_append_text(buffer, words->say(title));
    for (int place = 0; place < 5; place++) {
        uint32_t best = SUMMARY_HOSTS;
        for (uint32_t i = 0; i < hosts->used; i++)
            if (!shown[i] &&
                (best == SUMMARY_HOSTS || hosts->counts[i] > hosts->counts[best]))
                best = i;
        if (best == SUMMARY_HOSTS)
            break;
        shown[best] = true;
        char text[ENDPOINT_TEXT];
        buffer_append_format(buffer, "%s%s (%s%" PRIu64 ")", place ? ", " : "",
                             endpoint_format(&hosts->servers[best], text),
                             hosts->estimated ? "<= " : "", hosts->counts[best]);
    }
    buffer_append_text(buffer, hosts->used > 5 ? ", ...\n" : "\n");
}

void summary_print(const struct summary *summary, const struct words *words,
                   struct buffer *buffer)
{
    char evicted[24];

    if (summary->connections == 0)
        return;
    print_total(summary, words, buffer);
    print_words(summary, words, buffer);
    print_handshakes(summary, words, buffer);
    print_hosts(&summary->refusing, N_("refuse: "), words, buffer);
    print_hosts(&summary->silent, N_("stay silent: "), words, buffer);
    if (summary->evicted == 0)
        return;
    snprintf(evicted, sizeof evicted, "%" PRIu64, summary->evicted);
    fill_append(buffer,
                words->say(N_("{evicted} connections were given up before their end, for "
                              "want of room: --max-connections gives more")),
                &(struct fill){"evicted", evicted}, 1);
    buffer_append_char(buffer, '\n');
}
