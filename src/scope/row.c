#include "scope/row.h"

_Static_assert(ANOMALY_KIND_COUNT <= 32, "an anomaly lacks its bit");

struct row row_of(const struct story *story)
{
    const struct verdict *verdict = &story->verdict;
    struct row row = {
        .client = story->client,
        .server = story->server,
        .id = story->id,
        .packets = verdict->packets,
        .open = (uint8_t)verdict->open,
        .close = (uint8_t)verdict->close,
        .closed_first = (uint8_t)verdict->closed_first,
        .reset_by = (uint8_t)verdict->reset_by,
        .start_ns = verdict->start_ns,
        .end_ns = verdict->end_ns,
        .handshake_ns = verdict->handshake_ns,
        .client_bytes = verdict->client_bytes,
        .server_bytes = verdict->server_bytes,
        .evicted = verdict->evicted,
    };
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        if (verdict->anomalies[kind].count > 0)
            row.anomalies |= UINT32_C(1) << kind;
    return row;
}
