/* A tracker: packets of many connections in, one story a connection out.
 *
 *     tracker_new
 *     tracker_segment, tracker_icmp    in the order of the capture
 *     tracker_finish                   the capture has ended: all that is left comes out
 *     tracker_free
 *
 * A story comes out (`on_story`) once, when its connection has ended and a while has
 * passed in which stray segments of it may still have come; or when it was evicted; or at
 * the end. Its verdict is whole whatever was kept of its events. Memory is bounded: a
 * connection takes the same few hundred bytes however many packets it has, and there are
 * at most `connections_max` of them, of which a quarter may have ended: then the next one
 * that ends lets the first come out early. For one more than there is room for, an ended
 * one comes out early, or the one that has been silent longest is evicted, and counted.
 *
 * Pure: the only clock is the packets' own. Identical input gives identical output,
 * ids and all. */
#ifndef WOSHOU_TCP_TRACKER_H
#define WOSHOU_TCP_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp/story.h"

struct segment;
struct icmp_error;
struct tracker;

enum {
    TRACKER_CONNECTIONS = 65536, /* connections_max where none is given */
    TRACKER_CONNECTION_BYTES =
        832, /* what one takes at most, its places in the table included; its
                                anomalies and its events are not */
    TRACKER_EVENTS_MAX = 160 /* of one story, however long its connection */
};

struct tracker_options {
    size_t connections_max; /* 0: TRACKER_CONNECTIONS */
    int64_t linger_ns;      /* how long an ended connection waits for strays; 0: 10 s */
    /* Whether the events of the connection of that id are to be kept; null: none are. Ids
     * count from 1, in the order of first packets. */
    bool (*keeps)(void *owner, uint32_t id);
    /* The story is borrowed until it returns. Never null. */
    void (*on_story)(void *owner, const struct story *story);
    void *owner;
};

/* What tracker_segment is given of one; the segment is borrowed. */
struct tracker_segment {
    uint64_t number;
    int64_t t_ns;
    const struct segment *segment;
};

struct tracker_counts {
    uint64_t segments, icmp_errors;
    uint64_t connections; /* begun; the greatest id */
    uint64_t evicted;     /* before they had ended */
    uint64_t open;        /* now in the table */
};

/* 0, or ERROR_MEMORY. */
int tracker_new(const struct tracker_options *options, struct tracker **ret_tracker);
/* Frees it and leaves null; accepts null. What has not come out does not. */
void tracker_free(struct tracker **tracker);

/* One segment. `t_ns` may be PACKET_TIMELESS or go backwards. 0, or ERROR_MEMORY: then the
 * segment is not told of, and the tracker is as it was. */
int tracker_segment(struct tracker *tracker, uint64_t number, int64_t t_ns,
                    const struct segment *segment);
/* One after the other, as by tracker_segment, but faster: what the tracker has of the next
 * ones is fetched from memory while it looks at those before. */
int tracker_segments(struct tracker *tracker, const struct tracker_segment *segments,
                     size_t count);
/* An ICMP error that quotes a TCP segment. One whose connection is not known, or whose
 * number that end cannot have sent, changes nothing. */
void tracker_icmp(struct tracker *tracker, uint64_t number, int64_t t_ns,
                  const struct icmp_error *error);
/* Lets time pass without a packet: live, connections come out though all is silent. */
void tracker_advance(struct tracker *tracker, int64_t t_ns);
/* Everything that is left comes out, in the order of ids. */
void tracker_finish(struct tracker *tracker);

struct tracker_counts tracker_counts(const struct tracker *tracker);

#endif
