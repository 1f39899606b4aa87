/* What the kernel must do for the library, as a table of operations: one per way of
 * asking it.
 *
 * An engine watches sockets and reports, for each, that something about it changed and
 * what its conditions are now. Reports are edges: one is owed for every change (new data,
 * a new connection, room to send, a closure), and one at the start for a socket that is
 * already ready; a condition that merely goes on is not reported again. More reports than
 * owed are allowed, fewer are not.
 *
 * Any thread may call any operation, several at once; nothing of the engine needs a lock.
 */
#ifndef WOSHOU_EVENT_BACKEND_H
#define WOSHOU_EVENT_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/filled.h"

struct engine;

/* A token is what a socket is added with and reported by. Its low bits are the socket's
 * number; the others mean nothing to an engine. */
enum { TOKEN_FD_BITS = 24 };

static inline int token_fd(uint64_t token)
{
    return (int)(token & ((1u << TOKEN_FD_BITS) - 1));
}

/* One report: the token, and the socket's conditions as poll() names them (POLLIN,
 * POLLOUT, POLLPRI, POLLRDHUP, POLLERR, POLLHUP). */
struct report {
    uint64_t token;
    unsigned conditions;
};

/* The token of reports that only say: engine_wake was called. */
#define WAKE_TOKEN UINT64_MAX
/* Among the conditions: the engine has ceased to watch the socket for a reason of its
 * own, and the socket is to be added again. Changes meanwhile are reported then. */
#define REPORT_LAPSED (1u << 31)

struct backend {
    const char *name;
    /* 0 and an engine, or a negated errno. */
    int (*open)(struct engine **ret_engine);
    void (*close)(struct engine *engine);
    /* Begins to watch. The socket is borrowed until `remove`, or until it is closed. */
    int (*add)(struct engine *engine, int fd, uint64_t token);
    /* Ends watching; reports already taken by `wait` may still be on their way. */
    void (*remove)(struct engine *engine, int fd, uint64_t token);
    /* Waits for reports, at most `timeout_ns` (0: only looks; negative: for ever).
     * Returns how many, 0 when the time is over or a signal came, or a negated errno. */
    int (*wait)(struct engine *engine, struct report *ret_reports, size_t capacity,
                int64_t timeout_ns);
    /* Makes one `wait`, this or the next, return with WAKE_TOKEN. Safe in a signal
     * handler. */
    void (*wake)(struct engine *engine);
    /* A descriptor that poll() finds readable when `wait` would return something. */
    int (*descriptor)(const struct engine *engine);
};

/* Every engine begins with this. */
struct engine {
    const struct backend *backend;
};

extern const struct backend backend_epoll;
extern const struct backend backend_uring; /* where the build has liburing */

/* Opens an engine of the backend that the process wants; of epoll, where that one cannot
 * be had (an old kernel, a seccomp profile, a limit). */
int engine_open(struct engine **ret_engine);

#endif
