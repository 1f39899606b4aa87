/* A selection: what is recorded of one socket, for which event. There is one for each
 * descriptor number ever selected, in a table that grows and never moves.
 *
 * `event` says whether the socket is selected. It changes under the lock of the home of
 * the event that is left and of the event that is entered; everything else is under the
 * lock of the event's home, but for the two atomics, which the socket calls read on their
 * fast way. */
#ifndef WOSHOU_EVENT_SELECTION_H
#define WOSHOU_EVENT_SELECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/backend.h"
#include "event/object.h"

/* What a socket is, as far as the kernel's conditions mean different things of it. */
enum phase {
    PHASE_IDLE,       /* a stream that neither listens nor was connected */
    PHASE_CONNECTING, /* connect has begun */
    PHASE_CONNECTED,  /* connected, perhaps closed since */
    PHASE_LISTENING,
    PHASE_DATAGRAM,
    PHASES
};

/* Of a socket, for the socket calls. */
enum trait {
    TRAIT_EMPTY_AFTER_SHORT =
        1,             /* a short receive left nothing behind (TCP without urgent data) */
    TRAIT_DATAGRAM = 2 /* it has no end: nothing received is an empty datagram */
};

struct selection {
    _Alignas(CACHE_LINE) _Atomic(wo_event *) event; /* null: not selected */
    struct list_link link;                          /* in the event's `selections` */
    uint64_t token;  /* of the registration; reports with another one are dropped */
    uint64_t cookie; /* the kernel's name for the socket; 0: not asked yet */
    int fd;
    int unread; /* bytes of told data there were when the engine began to watch */
    atomic_uchar
        told; /* READ, ACCEPT, OOB: enumerated, and not yet re-enabled by a call */
    atomic_uchar traits;    /* enum trait */
    unsigned char wanted;   /* the mask */
    unsigned char recorded; /* and not yet enumerated; beyond `wanted` only what was
                               asked for before and comes once */
    unsigned char posted;   /* CONNECT, CLOSE: recorded once for this connection */
    unsigned char phase;    /* enum phase */
    bool write_armed;       /* the next room to send is to be recorded */
    bool registered;        /* the engine of the event's home watches the socket */
    bool reported;          /* it has reported it since */
    uint16_t connect_error; /* errno of WO_CONNECT */
    uint16_t close_error;   /* errno of WO_CLOSE */
    atomic_ushort
        failure; /* the connection's error, taken from the kernel and kept here */
};

/* The table. */
enum { SELECTION_PAGE = 1024, SELECTION_PAGES = 16384 };
extern _Atomic(struct selection *) selection_pages[SELECTION_PAGES];

/* The descriptor's entry in the table; null where there is none yet. Every call of ours
 * that takes a socket begins with it. */
static inline struct selection *selection_find(int fd)
{
    struct selection *page;

    if ((unsigned)fd >> TOKEN_FD_BITS)
        return NULL;
    page = atomic_load(&selection_pages[fd / SELECTION_PAGE]);
    return page ? &page[fd % SELECTION_PAGE] : NULL;
}
/* Makes it: null without memory, or for a descriptor beyond the table's 16 million. */
struct selection *selection_make(int fd);

/* Locks the home of the event that the socket is selected to and returns it; null, and
 * nothing locked, where it is not selected. `selection` may be null. */
struct poller *selection_lock(struct selection *selection);

/* Ends the selection, if there is one. Takes the lock itself. */
void selection_drop(struct selection *selection);

/* What follows needs that lock. */

/* Begins the selection of a socket whose `event` was just entered. `phase` as known or
 * probed. */
void selection_begin(struct selection *selection, unsigned wanted, enum phase phase,
                     unsigned traits);
/* Ends it: the engine watches no longer, the record is gone. */
void selection_end(struct selection *selection);
void selection_end_all(wo_event *event);

/* Lets the engine watch the socket, if it does not. 0 or a negated errno. */
int selection_register(struct selection *selection);
/* Lets the engine that has ceased to watch the socket watch it again. */
void selection_register_again(struct selection *selection);
/* Moves the socket from one engine to another; on failure it stays. */
int selection_change_engine(struct selection *selection, struct engine *from,
                            struct engine *to);
/* Moves all sockets of the event from one engine to another; on failure none. */
int selection_move_all(wo_event *event, struct engine *from, struct engine *to);

/* Begins to bring what a report will touch into the processor's cache: the entry, and the
 * event that the socket was selected to when it was registered, both at once. Needs no
 * lock. */
void selection_prefetch(uint64_t token);
/* The engine's report: records what it means, and sets the event. */
void selection_report(struct poller *poller, uint64_t token, unsigned conditions);
/* Notes how much of what was told is unread, for the first report after the engine is
 * changed. */
void selection_note_unread(struct selection *selection);
/* Asks the kernel how the socket is at this moment and records what is true, as after a
 * call that re-enables: what was told already and not re-enabled is not recorded again.
 */
void selection_look(struct selection *selection);

/* Records network events (those wanted of them) and sets the event. */
void selection_record(struct selection *selection, unsigned events);

/* What kind of socket it is, and what the socket calls must know of it. */
enum phase selection_probe(int fd, unsigned *ret_traits);

#endif
