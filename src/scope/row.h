/* A row: what a table and its filters need of one connection, packed, so that a million
 * of them fit into memory. */
#ifndef WOSHOU_SCOPE_ROW_H
#define WOSHOU_SCOPE_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

struct row {
    struct endpoint client, server;
    uint32_t id;
    uint32_t packets;
    uint32_t anomalies; /* bits, 1 << enum anomaly_kind */
    uint8_t open, close, closed_first, reset_by;
    int64_t start_ns, end_ns;
    int64_t handshake_ns; /* UNSEEN_NS: there was none, or it was not seen */
    uint64_t client_bytes, server_bytes;
    bool evicted;
};

struct row row_of(const struct story *story);

#endif
