/* What all connections of a capture come to: how many of each outcome, how long their
 * handshakes took, who refuses and who stays silent. Of constant size. */
#ifndef WOSHOU_SCOPE_SUMMARY_H
#define WOSHOU_SCOPE_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

struct buffer;
struct words;

enum { SUMMARY_SLOWEST = 5, SUMMARY_HOSTS = 64, SUMMARY_BUCKETS = 64 * 8 };

/* The servers that most often did a thing. More than there is room for push out the one
 * with the least, and inherit its count: counts are then upper bounds. */
struct summary_hosts {
    struct endpoint servers[SUMMARY_HOSTS];
    uint64_t counts[SUMMARY_HOSTS];
    uint32_t used;
    bool estimated;
};

struct summary {
    uint64_t connections, packets, evicted;
    uint64_t bytes;
    uint64_t open[OPEN_NOT_SEEN + 1], close[CLOSE_NONE + 1];
    uint64_t anomalies[ANOMALY_KIND_COUNT]; /* connections that have it */
    int64_t first_ns, last_ns;
    uint64_t handshakes;
    uint64_t buckets[SUMMARY_BUCKETS]; /* of handshakes, by their logarithm */
    struct {
        uint32_t id;
        int64_t ns;
    } slowest[SUMMARY_SLOWEST];
    struct summary_hosts refusing, silent;
};

void summary_add(struct summary *summary, const struct story *story);
/* So many of a hundred handshakes took no longer, within a twelfth; 0 without any. */
int64_t summary_handshake_ns(const struct summary *summary, unsigned percent);
/* Appends it, in lines of at most `width` columns, 0: however long; in ASCII, but for what
 * translations hold. */
void summary_print(const struct summary *summary, const struct words *words, int width,
                   bool ascii, struct buffer *buffer);

#endif
