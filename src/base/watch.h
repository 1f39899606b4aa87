/* Watching a program's calls: whoever makes socket calls announces each, as it enters and
 * as it returns, to a watcher it was given; whoever wants evidence is that watcher. This
 * stands on the ground floor because the live tower announces and the evidence tower
 * listens, and neither knows the other. Without a watcher (a null pointer) nothing is
 * announced and nothing is paid. */
#ifndef WOSHOU_BASE_WATCH_H
#define WOSHOU_BASE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"

struct watch_call {
    const char
        *name; /* "connect", "accept", "recv" …: the call as manuals name it; static */
    int fd;    /* the socket it is made on; -1 when on none */
    bool may_block; /* it may sleep in the kernel: the watcher must not hold others up
                       between enter and leave */
    struct endpoint
        peer; /* connect: where to; accept: from whom, once it returned; else family 0 */
    int64_t result; /* on leaving: what it returned (accept: the new descriptor), or the
                       negative errno it failed with */
};

/* Both are called by the thread that makes the call, outside of any lock of the caller's.
 * `enter` runs just before the call and `leave` just after it, with the same call, its
 * result and peer filled in. `leave` may wait (a laboratory holds programs that way); the
 * call's time of return is taken on entering `leave`. A call that returned must not be
 * made again by them. */
struct watch {
    void (*enter)(struct watch *watch, const struct watch_call *call);
    void (*leave)(struct watch *watch, const struct watch_call *call);
};

static inline void watch_enter(struct watch *watch, const struct watch_call *call)
{
    if (watch)
        watch->enter(watch, call);
}

static inline void watch_leave(struct watch *watch, const struct watch_call *call)
{
    if (watch)
        watch->leave(watch, call);
}

#endif
