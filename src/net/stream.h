/* A stream: one open connection, its event, and what could not be sent yet.
 *
 *     stream_connect or stream_adopt
 *     stream_select            which network events set `event`, from now on
 *     stream_receive, stream_send, and stream_flush on every WO_WRITE
 *     stream_finish            no more will be sent; receiving goes on
 *     stream_close
 *
 * Not for several threads at once. Functions return 0 (or a count) or a negated errno. */
#ifndef WOSHOU_NET_STREAM_H
#define WOSHOU_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/endpoint.h"
#include "net/address.h"
#include "woshou/event.h"

struct error;
struct watch;

struct stream {
    int fd;              /* -1: closed */
    wo_event *event;     /* manual reset, its own */
    struct watch *watch; /* borrowed until stream_close; may be null */
    struct endpoint local, peer;
    struct buffer unsent; /* bytes that wait for WO_WRITE */
    unsigned selected;    /* network events asked for */
    bool finish;          /* to be shut down for writing once `unsent` is empty */
};

/* The most that waits to be sent before stream_send refuses with -ENOBUFS. */
enum { STREAM_UNSENT_BYTES = 1 << 20 };

/* Connects, which is one announced call that blocks until the connection is made, has
 * failed, `stop` is set (ERROR_INTERRUPTED; may be null) or `timeout_ns` has passed
 * (WO_FOREVER: never). What follows is selected by the caller. On failure there is
 * nothing to close. */
int stream_connect(struct stream *ret_stream, const struct address *address,
                   wo_event *stop, int64_t timeout_ns, struct watch *watch,
                   struct error *err);

/* Takes an accepted descriptor and an event, both taken, whatever comes of it, and
 * selects `events`. On failure there is nothing to close. */
int stream_adopt(struct stream *ret_stream, int fd, const struct endpoint *peer,
                 wo_event *event, unsigned events, struct watch *watch);

int stream_select(struct stream *stream, unsigned events);

/* Bytes received, 0 once the peer has finished, or a negated errno. */
ssize_t stream_receive(struct stream *stream, void *buffer, size_t length);

/* Bytes that have come and wait to be received; 0 also where that cannot be learnt. */
size_t stream_unread(const struct stream *stream);

/* Sends what the system takes now, keeps a copy of the rest and asks for WO_WRITE. */
int stream_send(struct stream *stream, const void *bytes, size_t length);
/* Sends on; to be called when WO_WRITE is recorded. */
int stream_flush(struct stream *stream);
/* Shuts down for writing as soon as everything is sent: the peer reads to the end. */
int stream_finish(struct stream *stream);

/* Closes at once; what is unsent is dropped. Accepts one that is closed already. */
void stream_close(struct stream *stream);

#endif
