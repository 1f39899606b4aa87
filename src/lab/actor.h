/* An actor: one socket on one host, and the program, a thread of its own, that makes the
 * calls on it. Orders come from the director, one at a time; an actor without one sleeps,
 * as the gate likes it.
 *
 * What it did stands in a log, which is the director's to read while all is at rest, or
 * after actor_stop. */
#ifndef WOSHOU_LAB_ACTOR_H
#define WOSHOU_LAB_ACTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "lab/experiment.h"
#include "wire/wire.h"

enum { ACTOR_HEARD = 64 };

/* One call, as it was made. */
struct actor_call {
    struct list_link link;
    const struct actor *actor;
    enum lab_call call;
    uint32_t id; /* the story's, 0 for one that no story has */
    int64_t enter_ns;
    int64_t return_ns;       /* UNSEEN_NS while it lasts */
    int64_t result;          /* or a negative errno */
    char heard[ACTOR_HEARD]; /* recv: the first of what came, terminated */
    bool used;               /* as evidence: nothing is evidence twice */
    /* accept: what the script calls the new socket, its two ends, and whether it has a
     * program by now. */
    const char *as;
    uint16_t local_port;
    struct endpoint peer;
    bool adopted;
};

struct actor {
    struct list_link link;
    struct wire *wire;
    struct lab_socket socket;
    int fd;        /* -1: none yet, or closed */
    uint16_t port; /* what a connect binds to first, 0: the kernel chooses */
    bool listens;
    uint16_t local_port;  /* of its connection, 0: it has none yet */
    struct endpoint peer; /* of its connection, or where it is to connect to */
    struct list log;      /* struct actor_call */
    struct program program;
    struct watch_call idle; /* what it sleeps in between orders */

    pthread_t thread;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    const struct lab_do *order; /* null: none */
    struct actor_call *entry;
    bool ready, stop;
    int failed; /* it could not begin */
    struct error *err;
};

/* Starts one; `fd` -1, or a socket it takes, which another has accepted. */
int actor_start(struct wire *wire, const struct lab_socket *socket, int fd,
                struct actor **ret_actor, struct error *err);
bool actor_busy(struct actor *actor);
/* Gives it an order; it must not be busy. The call is under way, in the gate's eyes, when
 * this returns. `peer` is where a connect goes. ERROR_MEMORY otherwise. */
int actor_order(struct actor *actor, const struct lab_do *order,
                const struct endpoint *peer);
/* Ends it, whatever it sleeps in, closes its socket, frees it and its log. No wire runs
 * any more: what this does is nobody's evidence. */
void actor_stop(struct actor **actor);

#endif
