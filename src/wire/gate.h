/* The gate: programs under test and the wire take turns, so that what a snapshot of both
 * kernels shows is what a packet's delivery did, and not what a program did since.
 *
 * A program is a thread. It holds the turn during its short calls, and gives it back
 * while it is in a call that may block. The wire takes the turn around a delivery and its
 * snapshots; before it, it lets the programs come to rest: each one asleep in a call that
 * blocks. So a program woken by one packet has acted on it before the next is delivered,
 * whatever the scheduler does.
 *
 * A program's calls come in through the watch it hands to the live tower, and go to a
 * recorder. */
#ifndef WOSHOU_WIRE_GATE_H
#define WOSHOU_WIRE_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/watch.h"
#include "tcp/story.h"

struct record;
struct record_call;

struct gate {
    pthread_mutex_t turn;
    pthread_mutex_t lock; /* over `programs` */
    struct list programs;
    atomic_int running; /* programs not inside a call that may block */
    const struct clock *clock;
    struct record *record;
    /* Called with the turn held on either side of each call, with what is known of it;
     * may be null. Where nothing can be asked per packet, the loopback asks per call. */
    void (*on_call)(void *owner, enum place place, const struct record_call *call);
    void *owner;
};

struct program {
    struct watch watch; /* hand this out; first, so that it is the program */
    struct gate *gate;
    struct list_link link;
    enum place place;
    int stat;       /* the thread's /proc stat file */
    uint32_t call;  /* of the call under way */
    uint64_t inode; /* and of its socket */
};

int gate_init(struct gate *gate, const struct clock *clock, struct record *record);
void gate_done(struct gate *gate);

/* The calling thread becomes a program, running; it stays one until gate_leave_program,
 * by the same thread. */
int gate_enter_program(struct gate *gate, enum place place, struct program *ret_program);
void gate_leave_program(struct program *program);

/* For the wire. Waits until every program is asleep in a call that blocks, at most
 * `patience_ns`; whether that came about. */
bool gate_settle(struct gate *gate, int64_t patience_ns);
void gate_take_turn(struct gate *gate);
void gate_give_turn(struct gate *gate);

#endif
