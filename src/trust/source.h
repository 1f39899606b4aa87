/* Sources: the network addresses that strangers come from, and what is held against them.
 * An IPv4 address is a source; of IPv6 a /64 is, which is what one site has. Time is
 * passed in; from any thread.
 *
 * Each wrong guess is a debt that is paid off by waiting. Who owes SOURCES_PATIENCE or
 * more is refused until he owes less: a few mistakes are free, and from then on there is
 * one guess for each debt's time. The table is bounded: where it is full, who owes least
 * is forgotten. */
#ifndef WOSHOU_TRUST_SOURCE_H
#define WOSHOU_TRUST_SOURCE_H

#include <stdint.h>

#include "base/endpoint.h"

struct error;
struct sources;

int sources_new(struct sources **ret_sources, struct error *err);
/* Accepts null, leaves null. */
void sources_free(struct sources **sources);

/* A stranger more from there; how many there are now. */
unsigned sources_enter(struct sources *sources, const struct endpoint *source,
                       int64_t now_ns);
void sources_leave(struct sources *sources, const struct endpoint *source,
                   int64_t now_ns);

/* Adds to what the source owes; SOURCES_DEBT_MOST at most. */
void sources_owe(struct sources *sources, const struct endpoint *source, int64_t now_ns,
                 int64_t debt_ns);
/* How long it is still refused; 0: it is not. */
int64_t sources_refused_ns(struct sources *sources, const struct endpoint *source,
                           int64_t now_ns);

#define SOURCES_PATIENCE_NS INT64_C(15000000000)
#define SOURCES_DEBT_MOST_NS INT64_C(600000000000)

#endif
