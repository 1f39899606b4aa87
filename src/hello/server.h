/* The article's server: to everyone who connects it says hello, reads one string of at
 * most 200 bytes, hands it on, and closes. Thousands of conversations at once, in one
 * thread.
 *
 *     hello_server_new       nothing is opened yet
 *     hello_server_listen    once a port
 *     hello_server_run       until its stop event is set
 *     hello_server_free
 *
 * A string is complete at its zero, at 200 bytes, when the peer finishes, or when nothing
 * more comes for half a second, for not everybody sends the zero. Whoever never says
 * anything is closed after `silence_ns`. Out of descriptors, new connections wait in the
 * kernel's queue, and are asked for again by a timer; what is open goes on. */
#ifndef WOSHOU_HELLO_SERVER_H
#define WOSHOU_HELLO_SERVER_H

#include <stdint.h>

#include "base/endpoint.h"
#include "hello/message.h"
#include "net/address.h"
#include "woshou/event.h"

struct clock;
struct error;
struct watch;
struct hello_server;

/* All are called by the thread that runs the server, with `owner`; the peer and the text
 * are borrowed for the call. */
struct hello_reports {
    /* A string came, complete or as far as it came: UTF-8 from outside, so make it
     * visible before showing it. Its faults, if any, were told of in a line before. */
    void (*said)(void *owner, const struct endpoint *peer, const char *text,
                 size_t length);
    /* Something went wrong, told in one line without control characters; peer null where
     * it concerns the server and no conversation. */
    void (*told)(void *owner, const struct endpoint *peer, const char *sentence);
    void *owner;
};

struct hello_server_options {
    const char *greeting;      /* UTF-8; null: "hello" */
    int64_t silence_ns;        /* 0: 60 s */
    int backlog;               /* 0: the system's most */
    const struct clock *clock; /* null: the system's monotonic clock */
    struct watch *watch;       /* null: unwatched */
    struct hello_reports reports;
};

/* The options are copied, and what they point to is borrowed until hello_server_free.
 * ERROR_LIMIT or ERROR_CORRUPT for a greeting that is none, ERROR_MEMORY,
 * ERROR_DESCRIPTORS. */
int hello_server_new(const struct hello_server_options *options,
                     struct hello_server **ret_server, struct error *err);
/* Accepts null, leaves null. Closes whatever is open. */
void hello_server_free(struct hello_server **server);

/* Listens at one more address; `ret_local` (may be null) gets it with its real port.
 * Before hello_server_run, and by the thread that will run: these are that program's
 * calls. */
int hello_server_listen(struct hello_server *server, const struct address *address,
                        struct endpoint *ret_local, struct error *err);

/* Serves until `stop` is set, then returns 0 with the conversations still open. */
int hello_server_run(struct hello_server *server, wo_event *stop, struct error *err);

/* Conversations open now, and those that have ended; from any thread. */
uint64_t hello_server_open_count(const struct hello_server *server);
uint64_t hello_server_served_count(const struct hello_server *server);

#endif
