/* A connection's anomalies: how many of each kind, and which packets show them. Of
 * constant size: what comes late is only counted. */
#ifndef WOSHOU_TCP_TROUBLE_H
#define WOSHOU_TCP_TROUBLE_H

#include <stdint.h>

#include "tcp/story.h"

enum { TROUBLE_NOTES = 24 };

struct trouble {
    uint32_t total;
    uint32_t counts[ANOMALY_KIND_COUNT];
    uint8_t used;
    uint8_t kinds[TROUBLE_NOTES];
    uint64_t numbers[TROUBLE_NOTES]; /* of packets, in the order they came */
};

/* Keeps the number of one more where there is room: the first of a kind always has it. */
static inline void trouble_note(struct trouble *trouble, enum anomaly_kind kind,
                                uint64_t number)
{
    enum { RESERVED = ANOMALY_KIND_COUNT, COMMON = TROUBLE_NOTES - RESERVED };
    uint32_t count = ++trouble->counts[kind];
    trouble->total++;
    if (count > STORY_EVIDENCE_MAX || trouble->used == TROUBLE_NOTES ||
        (count > 1 && trouble->used >= COMMON))
        return;
    trouble->kinds[trouble->used] = (uint8_t)kind;
    trouble->numbers[trouble->used++] = number;
}

/* The packets of one kind: as many as were kept, and how many there were. */
static inline void trouble_evidence(const struct trouble *trouble, enum anomaly_kind kind,
                                    struct evidence *ret_evidence)
{
    uint32_t kept = 0;
    for (uint8_t i = 0; i < trouble->used && kept < STORY_EVIDENCE_MAX; i++)
        if (trouble->kinds[i] == kind)
            ret_evidence->packets[kept++] = trouble->numbers[i];
    ret_evidence->kept = kept;
    ret_evidence->count = trouble->counts[kind];
}

#endif
