/* The article's client: connects, waits on exactly two events, its socket's and a stop
 * event, hands on every string that comes, perhaps answers once, and leaves when the
 * server closes, the stop event is set, or its time is over.
 *
 *     hello_client_open
 *     hello_client_run
 *     hello_client_close
 *
 * Several clients are several of these, each in a thread of its own, or run one after
 * another. */
#ifndef WOSHOU_HELLO_CLIENT_H
#define WOSHOU_HELLO_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "hello/message.h"
#include "net/address.h"
#include "net/stream.h"
#include "woshou/event.h"

struct clock;
struct error;
struct watch;

/* Most of a string that comes; longer ones are cut. */
enum { HELLO_CLIENT_BYTES = 64 * 1024 };

struct hello_client_options {
    const char *say; /* UTF-8, sent once after the first string came; null: nothing */
    int64_t for_ns;  /* leave this long after hello_client_open began; 0: never */
    const struct clock *clock; /* null: the system's monotonic clock */
    struct watch *watch;       /* null: unwatched */
    /* A string came, in UTF-8 from outside: make it visible before showing it. Called by
     * the thread in hello_client_run; the text is borrowed for the call. */
    void (*heard)(void *owner, const char *text, size_t length,
                  const struct message_faults *faults);
    void *owner;
};

struct hello_client {
    struct hello_client_options options;
    struct stream stream; /* its endpoints are known once it is open */
    struct message_reader reader;
    struct buffer answer; /* what is still to be said, encoded */
    int64_t deadline_ns;  /* 0: none */
};

/* Connects to the first of the addresses that answers. What the options point to is
 * borrowed until hello_client_close. ERROR_INTERRUPTED where `stop` was set meanwhile,
 * ERROR_TIMED_OUT where its time was over, else the last address's error. On failure
 * there is nothing to close. */
int hello_client_open(struct hello_client *ret_client,
                      const struct address_list *addresses,
                      const struct hello_client_options *options, wo_event *stop,
                      struct error *err);

/* Returns 0 when the server closed, `stop` was set or the time is over; ERROR_RESET where
 * the connection was lost. */
int hello_client_run(struct hello_client *client, wo_event *stop, struct error *err);

/* Closes at once. */
void hello_client_close(struct hello_client *client);

#endif
