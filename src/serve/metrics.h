/* The server's figures, in Prometheus' text format, for GET /metrics on a port of this machine.
 * Private to serve/. One thread's: the one that accepts. */
#ifndef WOSHOU_SERVE_METRICS_H
#define WOSHOU_SERVE_METRICS_H

#include <stdint.h>

#include "base/endpoint.h"
#include "base/list.h"
#include "history/history.h"
#include "serve/server.h"
#include "text/text.h"
#include "woshou/event.h"

struct server;

struct server_counts {
    struct text_counts text;
    struct history_counts history;
    struct server_file_counts files;
    uint64_t strangers, accepted, refused, pauses;
};
/* From any thread, while the server runs. */
struct server_counts server_counts(struct server *server);

struct metrics {
    wo_set *set;
    struct server *server;
    struct list visits; /* by when they came */
    unsigned count;
};

void metrics_init(struct metrics *metrics, wo_set *set, struct server *server);
/* Accepts one that was never begun. */
void metrics_done(struct metrics *metrics);
/* Takes an accepted socket and an event, whatever comes of it. */
void metrics_adopt(struct metrics *metrics, int fd, wo_event *event,
                   const struct endpoint *peer);
/* Closes who takes too long; when to be called at the latest, INT64_MAX for no such time. */
int64_t metrics_turn(struct metrics *metrics, int64_t now_ns);

#endif
