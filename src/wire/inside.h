/* The wire's inside, shared by its files and by nobody else. */
#ifndef WOSHOU_WIRE_INSIDE_H
#define WOSHOU_WIRE_INSIDE_H

#include <stdatomic.h>

#include "base/list.h"
#include "capture/decode.h"
#include "wire/barrier.h"
#include "wire/diag.h"
#include "wire/hosts.h"
#include "wire/link.h"
#include "wire/record.h"
#include "wire/wire.h"

/* How long the wire waits for programs to come to rest before it goes on regardless, and
 * how often it looks around when nothing happens. */
#define WIRE_SETTLE_NS (50 * NS_PER_MS)
#define WIRE_IDLE_NS (10 * NS_PER_MS)

/* A four-tuple that was seen, and its sockets' inodes where they are known. */
struct wire_pair {
    struct list_link link;
    struct endpoint client, server;
    uint64_t inode[2];
};

struct wire {
    struct wire_options options;
    enum wire_kind kind;
    char why_not_better[512];

    struct hosts hosts;
    struct link link;
    int capture; /* a packet socket on the loopback */
    struct diag diag[2];
    struct barrier barrier;
    uint64_t segments; /* that were sent or have arrived: the relay's count */
    struct gate gate;
    struct record record;

    pthread_t thread;
    bool thread_started;
    int wake; /* an eventfd: something to do, or to stop */
    atomic_bool stop;
    atomic_int failed; /* sticky: what ended its work */

    pthread_mutex_t lock; /* over the rest of this part */
    pthread_cond_t moved;
    int64_t last_moved_ns;
    int64_t looked_ns; /* when the wire's thread last found nothing to do */
    size_t on_the_way;
    struct list injections; /* struct delivery of relay.c */
    struct list held;       /* the same; the wire's thread's alone */

    /* A request to look while all is at rest; `look` null: there is none. */
    void (*look)(void *owner, struct wire *wire);
    void *look_owner;
    bool looking; /* it is being called */

    struct list pairs; /* struct wire_pair; with the turn held */
};

/* What each kind does in the wire's thread until wire->stop. */
void relay_run(struct wire *wire);
void loopback_run(struct wire *wire);
/* WIRE_CALLS: looks at states as calls come (struct gate's on_call). */
void loopback_on_call(void *owner, enum place place, const struct record_call *call);

/* Notes that a packet was put on its way (+1) or came off it (-1), or (0) just moved. */
void wire_note_moved(struct wire *wire, int on_the_way);

/* Notes that the wire's thread looked everywhere and found nothing to do. */
void wire_note_idle(struct wire *wire);

/* Remembers a pair; the one known where it is. Null when memory ran out. */
struct wire_pair *wire_remember(struct wire *wire, const struct endpoint *client,
                                const struct endpoint *server);

/* Remembers the pair of a segment that one of them sends. */
struct wire_pair *wire_remember_segment(struct wire *wire, enum place from,
                                        const struct segment *segment);

/* Asks a host for the state of a pair and records the answer for time `t_ns`. */
void wire_look(struct wire *wire, enum place place, const struct wire_pair *pair,
               int64_t t_ns);

/* Sorts what was recorded into the stories, and says so to whoever wants to know. */
void wire_flush(struct wire *wire);

/* Sleeps until a descriptor of the two (-1: none) is readable, the wire is woken, or
 * `until_ns`. */
void wire_sleep(struct wire *wire, const int fds[2], int64_t until_ns);

#endif
