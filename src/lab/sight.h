/* What was seen, and whether it is what a script expects: patterns against the events of
 * stories. Pure. */
#ifndef WOSHOU_LAB_SIGHT_H
#define WOSHOU_LAB_SIGHT_H

#include <stdbool.h>

#include "lab/experiment.h"
#include "tcp/story.h"

struct segment;

enum sight_kind { SIGHT_NONE, SIGHT_PACKET, SIGHT_STATE, SIGHT_CALL };

/* One event of a story, by what stays the same while the story grows. */
struct sight {
    enum sight_kind kind;
    int story; /* index; -1: of none */
    int64_t t_ns;
    enum place place;     /* of a call or a state */
    uint64_t number;      /* of a packet */
    uint32_t call;        /* of a call's return */
    enum tcp_state state; /* of a state */
};

struct sight sight_of(const struct event *event, int story);
bool sight_equal(const struct sight *a, const struct sight *b);

/* Whether an event is such a packet, sent by a host: what the wire slipped in is no
 * evidence of what a host does. The connection's name is the caller's to look at. */
bool sight_is_packet(const struct lab_packet *packet, const struct story *story,
                     const struct event *event);
/* The same of a segment that passes, as far as it says so itself. */
bool sight_is_segment(const struct lab_packet *packet, enum place from,
                      const struct segment *segment);
bool sight_is_state(const struct lab_evidence *evidence, const struct event *event);

/* The state an end was last seen in; STATE_NONE before it was seen in any. */
enum tcp_state sight_last_state(const struct story *story, enum place place);

#endif
