/* What the contract's stories need: connections over loopback, threads that wait, and
 * short ways of saying "this is recorded now". The contract is told against
 * include/woshou/event.h alone and runs on every backend; each story is named after the
 * rule that it checks, and the tables at the ends of the files are the specification.
 *
 * Winsock's own rules (contract_wait, contract_network, contract_select) are told of
 * Winsock too, by the same source: contract_winsock.h says there what our names mean. */
#ifndef WOSHOU_EVENT_CONTRACT_H
#define WOSHOU_EVENT_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#ifdef _WIN32
#include "event/contract_winsock.h"
#else
#include <cmocka.h>

#include <netinet/in.h>

#include "woshou/event.h"
#endif

#define ALL_OF_IT WO_ALL_NETWORK_EVENTS
/* For what must come: long enough for the slowest machine, and only ever waited for by a
 * fault; of which Wine has some. */
#ifdef _WIN32
#define LONG_NS INT64_C(2000000000)
#else
#define LONG_NS INT64_C(20000000000)
#endif

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
int accept_plainly(const struct listener *listener);
/* A TCP socket of which nothing is known yet; and one on a free port of 127.0.0.1. */
int new_socket(void);
int bound_socket(struct sockaddr_in *ret_address);
/* An address where nobody listens. */
struct sockaddr_in nobodys_address(void);

/* Two ends of one TCP connection, neither selected. */
struct pair {
    int near, far;
};
struct pair connect_pair(void);
/* The same for two datagram sockets. */
struct pair connect_datagrams(void);
void close_pair(struct pair *pair);

/* Plain system calls on sockets that are not selected. */
void send_plainly(int fd, const char *text);
void send_urgently(int fd, char byte);
void receive_urgent_data_inline(int fd);
/* Receives and forgets what is there. */
void drain(int fd);
/* Ends the sending; the other end sees the end of the stream. */
void end_plainly(int fd);
void close_plainly(int fd);
/* Closes so that the other end sees a reset. */
void reset_plainly(int fd);
/* Whether calls on the socket, where nothing is to be received, return at once. */
bool never_blocks(int fd);

/* Waits for the event, then reads the record; fails where the record is not exactly
 * `events`. */
wo_network_events expect(int fd, wo_event *event, unsigned events);
/* The record, now, without waiting. */
unsigned recorded(int fd, wo_event *event);
/* Fails where the socket is selected. */
void expect_unselected(int fd, wo_event *event);

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

/* Inside: the calling thread's number; whether a thread sleeps; the wait itself. */
int thread_number(void);
bool thread_sleeps(int number);
int wait_for(struct waiting *waiting, int64_t timeout_ns);

#endif
