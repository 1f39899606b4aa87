/* What the contract's stories need: connections over loopback, threads that wait, and
 * short ways of saying "this is recorded now". The contract is told against
 * include/woshou/event.h alone and runs on every backend; each story is named after the
 * rule that it checks. */
#ifndef WOSHOU_EVENT_CONTRACT_H
#define WOSHOU_EVENT_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <pthread.h>

#include "woshou/event.h"

#define ALL_OF_IT WO_ALL_NETWORK_EVENTS
/* For what must come: long enough for the slowest machine, and only ever waited for by a
 * fault. */
#define LONG_NS INT64_C(20000000000)

wo_event *new_event(enum wo_reset reset);
/* Whether the event is set at this moment; takes an auto-reset one. */
bool is_set(wo_event *event);
/* Waits until it is set, and fails if it is not. */
void await(wo_event *event);

/* A listening socket on a free port of 127.0.0.1, and connections to it by plain calls.
 */
struct listener {
    int fd;
    struct sockaddr_in address;
};
struct listener listen_somewhere(void);
int connect_plainly(const struct listener *listener);
/* An address where nobody listens. */
struct sockaddr_in nobodys_address(void);

/* Two ends of one TCP connection, neither selected. */
struct pair {
    int near, far;
};
struct pair connect_pair(void);
void close_pair(struct pair *pair);

void send_plainly(int fd, const char *text);
/* Closes so that the other end sees a reset. */
void reset_plainly(int fd);

/* Waits for the event, then reads the record; fails where the record is not exactly
 * `events`. */
wo_network_events expect(int fd, wo_event *event, unsigned events);
/* The record, now, without waiting. */
unsigned recorded(int fd, wo_event *event);

/* A thread that makes one wait; `result` and `index` are there once it is joined. */
struct waiting {
    wo_event *events[4];
    size_t count;
    enum wo_wait_mode mode;
    int64_t timeout_ns; /* 0: LONG_NS */
    wo_set *set;        /* waits on it instead, where not null */
    wo_ready ready[4];
    int result;
    size_t index;
    pthread_t thread;
    int id; /* of the thread, once it runs */
    pthread_barrier_t running;
};
/* Starts it, and returns once the thread sleeps in its wait. */
void start_waiting(struct waiting *waiting);
void finish_waiting(struct waiting *waiting);

#endif
