/* A part of an experiment while it is played; for run.c and the stage_*.c alone.
 *
 * The director, one thread, takes the steps in turn. What touches the stories or the
 * wire's rules happens in the wire's thread while all is at rest (wire_at_rest), and the
 * director waits for it: so nothing here needs a lock. */
#ifndef WOSHOU_LAB_STAGE_H
#define WOSHOU_LAB_STAGE_H

#include "base/error.h"
#include "capture/decode.h"
#include "lab/actor.h"
#include "lab/run.h"

enum { STAGE_RULES_MAX = 64, STAGE_PACKETS_MAX = 256 };

/* Something the wire was told to do with packets to come. */
struct stage_rule {
    const struct lab_act *act;
    uint32_t left; /* how many more; LAB_ALWAYS: all */
    bool over;
};

/* A packet as it was sent, to be sent again. */
struct stage_packet {
    enum place from;
    size_t length;
    uint8_t *bytes;
};

struct stage {
    const struct lab_options *options;
    struct lab_part_result *result;
    struct wire *wire;
    struct list actors;
    struct list gone; /* those whose name another has now */
    uint16_t next_client_port;
    struct stage_rule rules[STAGE_RULES_MAX];
    size_t rule_count;
    bool cut;
    struct stage_packet packets[STAGE_PACKETS_MAX]; /* the last ones, round and round */
    size_t packet_count;
    int64_t step_ns;   /* when the present step began */
    int64_t cursor_ns; /* when the last evidence was seen; the next is not earlier */
    const struct lab_step *step; /* the present one, for what is done at rest */
    struct lab_finding *finding; /* of the present evidence */
    int status;                  /* what was done at rest has failed */
    struct error *err;
};

/* The socket of that name, or null. */
struct actor *stage_actor(const struct stage *stage, enum place place, const char *name);
/* Whether a story is the connection of the socket of that name on that host. */
bool stage_is_connection(const struct stage *stage, enum place place, const char *name,
                         const struct story *story);
int64_t stage_now_ns(void);

/* stage_wire.c: the wire's rule, its captures, and what a step tells it. */
struct wire_decision stage_decide(void *owner, const struct wire_packet *packet);
void stage_on_packet(void *owner, enum place host, bool leaves, int64_t t_ns,
                     const uint8_t *bytes, size_t length);
void stage_wire_act(void *owner, struct wire *wire);
void stage_forget_packets(struct stage *stage);

/* stage_see.c: looks for the present evidence and notes in its finding what it found:
 * FOUND, FOUND_UNSEEN while it may still come, or why it will not. */
void stage_see(void *owner, struct wire *wire);
/* Whether evidence that must never come has. */
void stage_see_never(void *owner, struct wire *wire);

#endif
