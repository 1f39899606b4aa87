/* The wire: two hosts joined by this program. Every packet passes through its hands: it
 * can be passed, dropped, delayed, duplicated, and others can be slipped in; before and
 * after each delivery both kernels are asked for the connection's state. What programs on
 * the hosts do is recorded as they call. All of it ends in stories.
 *
 * Where hosts of our own cannot be had, the loopback serves: its packets are only
 * watched, or, where even that is forbidden, the programs' calls and the kernel's states
 * alone are recorded. `wire_kind` tells, and whoever shows the result says so.
 *
 *     wire_open(&options, &wire, &err)       before any thread is made
 *     per program, in a thread of its own:
 *         wire_enter_program(wire, PLACE_SERVER, &program, &err)
 *         ... sockets, with &program.watch ...
 *         wire_leave_program(&program)
 *     wire_wait_quiet(wire, ...)
 *     wire_stop(wire)                        last looks, verdicts
 *     wire_story(wire, i)
 *     wire_close(&wire)
 *
 * Nothing is left behind, however the process ends: hosts and devices hang on its
 * descriptors. */
#ifndef WOSHOU_WIRE_WIRE_H
#define WOSHOU_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "tcp/story.h"
#include "wire/gate.h"

struct error;
struct segment;
struct wire;

enum wire_kind {
    WIRE_BEST, /* the first below that can be had */
    WIRE_TUN,  /* two hosts, TUN devices: everything is seen */
    WIRE_VETH, /* two hosts, veth pairs: the same, where /dev/net/tun is out of reach */
    WIRE_CAPTURE, /* the loopback, captured: packets are seen, not held; states late or
                     missed */
    WIRE_CALLS    /* the loopback: calls, and states at calls; no packets */
};

/* What to do with one packet. */
enum wire_act { WIRE_PASS, WIRE_DROP, WIRE_DELAY, WIRE_DUPLICATE, WIRE_HOLD };

struct wire_decision {
    enum wire_act act;
    int64_t
        delay_ns;  /* WIRE_DELAY: on top of the wire's own; WIRE_DUPLICATE: of the copy */
    uint32_t hold; /* WIRE_HOLD: what wire_release will ask for */
};

struct wire_packet {
    enum place from;
    const struct segment *segment;
    uint32_t nth; /* from 1: among that end's packets with the same flags, and payload or
                     none */
    const uint8_t *bytes; /* the whole IP packet, borrowed for the call */
    size_t length;
};

/* Decides about each TCP packet, in the wire's thread; may call wire_inject. */
struct wire_rule {
    struct wire_decision (*decide)(void *owner, const struct wire_packet *packet);
    void *owner;
};

struct wire_options {
    enum wire_kind kind;
    int64_t delay_ns;      /* of every packet: the wire's length. Loopbacks have none */
    struct wire_rule rule; /* .decide null: everything passes */
    int64_t settle_ns; /* how long it waits for programs to come to rest before it goes on
                          regardless; 0: WIRE_SETTLE_NS */
    /* A packet as a capture at `host` would have it: as it leaves, or as it arrives; in
     * the wire's thread. Not of loopbacks. May be null. */
    void (*on_packet)(void *owner, enum place host, bool leaves, int64_t t_ns,
                      const uint8_t *bytes, size_t length);
    /* The stories have grown; in the wire's thread, which they belong to until
     * wire_stop. */
    void (*on_growth)(void *owner, struct wire *wire);
    void *owner;
};

/* Makes the hosts and starts the wire. WIRE_BEST tries each kind in a child first, so
 * that a failed try leaves no trace in this process. `ret_wire` is closed with
 * wire_close. */
int wire_open(const struct wire_options *options, struct wire **ret_wire,
              struct error *err);
/* Stops, frees and leaves null; accepts null. No program may be on its hosts any more. */
void wire_close(struct wire **wire);

/* Whether a kind can be had by this process: tried in a child, which ends. 0 or why
 * not. */
int wire_probe(enum wire_kind kind, struct error *err);

enum wire_kind wire_kind(const struct wire *wire);
/* Why no better kind could be had: the errors of those tried, "" where the best was. */
const char *wire_why_not_better(const struct wire *wire);
/* "tun", "veth", "capture", "calls": as options and JSON have it. */
const char *wire_kind_word(enum wire_kind kind);
/* Where the server's host is: the address programs bind there, with `port`. */
struct endpoint wire_server(const struct wire *wire, uint16_t port);

/* The calling thread moves to a host and becomes a program there, until it leaves. */
int wire_enter_program(struct wire *wire, enum place place, struct program *ret_program,
                       struct error *err);
void wire_leave_program(struct program *program);

/* A setting of a host ("ipv4/tcp_fin_timeout"); ERROR_UNSUPPORTED on a loopback. From the
 * thread that opened the wire. */
int wire_set(struct wire *wire, enum place place, const char *name, const char *value,
             struct error *err);

/* Waits until all is at rest: every program asleep in a call that blocks, or gone; no
 * packet unread, none on its way but those a rule holds or delays. Then looks at both ends
 * of every connection, brings the stories up to date, and calls `look` in the wire's
 * thread: while it runs, nothing moves. It may read the stories, ask, release and inject.
 * At most `patience_ns`: 0, ERROR_TIMED_OUT, ERROR_ABORTED once the wire has ended, or
 * ERROR_UNSUPPORTED on a loopback, which never rests for certain. */
int wire_at_rest(struct wire *wire, void (*look)(void *owner, struct wire *wire),
                 void *owner, int64_t patience_ns);

/* For a `look`. What a host's kernel says of a connection now; a negative code where it
 * says nothing. */
struct diag_answer;
int wire_ask(struct wire *wire, enum place place, const struct endpoint *client,
             const struct endpoint *server, struct diag_answer *ret_answer);
/* For a `look`. Lets the packets go that a rule holds under that number, the first `most`
 * of them, in the order in which they came; how many there were. */
size_t wire_release(struct wire *wire, uint32_t hold, size_t most);

/* Slips an IP packet in, as if `from` had sent it, to be delivered at once. From any
 * thread. The bytes are copied. ERROR_UNSUPPORTED on a loopback, ERROR_ABORTED once the
 * wire has ended. */
int wire_inject(struct wire *wire, enum place from, const uint8_t *bytes, size_t length);

/* Waits until nothing has moved on the wire, and nothing was on its way, for `quiet_ns`;
 * at most `patience_ns`. 0 or ERROR_TIMED_OUT. */
int wire_wait_quiet(struct wire *wire, int64_t quiet_ns, int64_t patience_ns);

/* Takes a last look at both ends of every connection, ends the wire's thread, infers what
 * nobody saw and judges the stories, which belong to the caller's thread from then on. */
int wire_stop(struct wire *wire);

/* In the order they began. Borrowed until wire_close. */
size_t wire_story_count(const struct wire *wire);
struct story *wire_story(const struct wire *wire, size_t index);

#endif
