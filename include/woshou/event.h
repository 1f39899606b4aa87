/* woshou/event.h: Winsock's event-select model for C programs on Linux.
 *
 * An event is a flag that threads wait on. A program makes events of its own, and asks for network
 * events of a socket (data to read, a connection to accept, ...) to be recorded and to set an event.
 * One wait covers both, for any of the events or for all, as many as there are: Winsock's limit of
 * 64 is not here.
 *
 * The life of a socket in this model:
 *
 *     wo_event *event;
 *     wo_event_new(WO_MANUAL_RESET, &event);
 *     wo_select(fd, event, WO_READ | WO_CLOSE);        the socket is non-blocking from here on
 *     for (;;) {
 *         wo_wait(events, 2, WO_ANY, WO_FOREVER, &index);
 *         wo_enumerate(fd, event, &network);           reads and clears the record, resets the event
 *         if (network.events & WO_READ)  wo_recv(fd, ...);
 *         if (network.events & WO_CLOSE) break;
 *     }
 *     wo_close(fd);
 *     wo_event_free(&event);
 *
 * Rules, Winsock's:
 *  - A network event is recorded once and stays recorded, and its event set, until wo_enumerate
 *    reads it. After that it is recorded again only by something new, or after the call that
 *    re-enables it finds its condition still true: wo_recv for WO_READ, wo_accept for WO_ACCEPT,
 *    wo_send or wo_sendfile that failed with -EAGAIN for WO_WRITE. A call that fails re-enables too
 *    (wo_accept with -EMFILE leaves its connection recorded), but for a wo_recv that failed with
 *    -EFAULT. Use these calls, not recv() and its kin, on a selected socket: plain calls do not
 *    re-enable. New data and a new connection are recorded again also without such a call.
 *  - WO_CONNECT and WO_CLOSE are recorded once for a connection. WO_CLOSE is recorded as soon as
 *    the peer's end or reset arrives, with data unread or not; that data is still to be received.
 *    A closure is never WO_READ. A reset is WO_CLOSE with ECONNABORTED, while wo_recv says
 *    -ECONNRESET.
 *  - Where data that was enumerated and not received is joined by new data, and the kernel tells of
 *    it together with the peer's end or with room to send, WO_READ is recorded by the next wo_recv
 *    and not before: nothing tells the two apart at a price worth paying on every enumeration.
 *  - A socket accepted by accept() and not by wo_accept looks like one that was connected: WO_CONNECT,
 *    where asked for, is recorded of it.
 *  - Linux keeps one byte of urgent data: while one was told and not received, another is not
 *    recorded. It tells no ENETDOWN: WO_READ, WO_WRITE, WO_OOB and WO_ACCEPT come without an error.
 *    And one's own shutdown(fd, SHUT_RD) looks like the peer's end, and is recorded as WO_CLOSE.
 *  - Where Windows and its documentation differ, this library follows Windows.
 *
 * Errors: every function returns 0 (or a count, where it says so) or a negated errno. Outputs are
 * named ret_x and untouched on failure. Nothing here prints, exits or changes a signal's handling;
 * wo_send never raises SIGPIPE.
 *
 * Threads: every function may be called from any thread. wo_event_set and wo_event_reset may also
 * be called from a signal handler. Times are nanoseconds on the monotonic clock.
 *
 * Processes: the child of a fork shares the parent's kernel objects and none of its threads. Until
 * it calls exec or _exit it may do plain system calls, close(fd) of the sockets it inherited
 * included, and must call nothing of this library if the parent had called any of it; the
 * library's own descriptors are closed by exec. A parent that wants to wait in both processes forks
 * first. */
#ifndef WOSHOU_EVENT_H
#define WOSHOU_EVENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WO_VERSION_MAJOR 0
#define WO_VERSION_MINOR 1
#define WO_VERSION_PATCH 0

#if defined(__GNUC__)
#define WO_API __attribute__((visibility("default")))
#else
#define WO_API
#endif

/* --- Events --- */

/* An event: set or not. Made by wo_event_new, freed by wo_event_free. */
typedef struct wo_event wo_event;

enum wo_reset {
    WO_MANUAL_RESET = 0, /* stays set until wo_event_reset (WSACreateEvent) */
    WO_AUTO_RESET = 1    /* the wait that returns for it resets it (CreateEvent) */
};

/* Makes an event, not set. -EINVAL for another `reset`, -ENOMEM, -EMFILE or -ENFILE. */
WO_API int wo_event_new(enum wo_reset reset, wo_event **ret_event);

/* Frees the event and leaves null; accepts null. Sockets selected to it are selected no more, and
 * it leaves its wait set. A thread that waits on it at that moment returns with -ECANCELED. */
WO_API void wo_event_free(wo_event **event);

/* Sets the event: the threads in wo_wait for any return, all for a manual-reset event and one for
 * an auto-reset event, even if it is reset before they run. From any thread or a signal handler;
 * setting a set event does nothing. -EINVAL for null or a freed event. */
WO_API int wo_event_set(wo_event *event);

/* Resets the event. From any thread or a signal handler. -EINVAL for null or a freed event. */
WO_API int wo_event_reset(wo_event *event);

/* --- Timers --- */

/* Sets the event `due_ns` from now (0: at the first occasion) and then every `period_ns` (0: only
 * once), in place of a timer that the event had. A timer sets its event while some thread waits
 * on it, or looks with a timeout of 0; never early. Times that passed meanwhile are one setting,
 * and the next comes at the first of its times that is still ahead. A timer costs no descriptor
 * and no thread, there may be tens of thousands, and they cost what is due. Freeing the event ends
 * it. From any thread, also while another waits; not from a signal handler. -EINVAL for null, a
 * freed event or a negative time. */
WO_API int wo_timer_set(wo_event *event, int64_t due_ns, int64_t period_ns);

/* Ends the event's timer: it will not set the event any more. Whether the event is set stays as it
 * is. 0 also where it had no timer; -EINVAL for null or a freed event. */
WO_API int wo_timer_cancel(wo_event *event);

/* --- Network events --- */

enum wo_network_event {
    WO_READ = 1 << 0,    /* data to receive                               (FD_READ) */
    WO_WRITE = 1 << 1,   /* connected, or room again after -EAGAIN         (FD_WRITE) */
    WO_OOB = 1 << 2,     /* urgent data, without SO_OOBINLINE              (FD_OOB) */
    WO_ACCEPT = 1 << 3,  /* a connection waits to be accepted              (FD_ACCEPT) */
    WO_CONNECT = 1 << 4, /* a connect has ended, well or with an error     (FD_CONNECT) */
    WO_CLOSE = 1 << 5    /* the peer closed, or the connection is gone     (FD_CLOSE) */
};

/* Their bits' numbers, which are their errors' places: errors[WO_CONNECT_BIT]. */
enum wo_network_event_bit {
    WO_READ_BIT = 0,
    WO_WRITE_BIT = 1,
    WO_OOB_BIT = 2,
    WO_ACCEPT_BIT = 3,
    WO_CONNECT_BIT = 4,
    WO_CLOSE_BIT = 5
};
#define WO_NETWORK_EVENTS 6 /* how many kinds there are: bits 0 to 5 */
#define WO_ALL_NETWORK_EVENTS ((1u << WO_NETWORK_EVENTS) - 1)

/* What wo_enumerate read: which events, and for the event of bit b its errno in errors[b]
 * (0: none; WO_READ_BIT and its kin are the places). Slots of events that are not set are left as they were. */
typedef struct wo_network_events {
    unsigned events;
    int errors[WO_NETWORK_EVENTS];
} wo_network_events;

/* Asks for the network events in `events` of the socket `fd` to be recorded and to set `event`, in
 * place of what was asked before; makes the socket non-blocking.
 *
 * What was recorded before and not yet enumerated survives where the new mask has it, and sets the
 * new event; what the new mask has not is hidden until a mask has it again. What was enumerated is
 * not reported again; what is newly asked for and is so already (data is there, the connection is
 * made) is recorded. With `events` 0 nothing more is asked for, the record is forgotten, and
 * `event` is ignored.
 *
 * The event is borrowed until the socket is selected elsewhere, closed with wo_close, or the event
 * freed. -EBADF, -ENOTSOCK, -EINVAL (no event, a freed one, or unknown bits), -ENOMEM, -ENOSPC (the
 * system's limit of watched descriptors). */
WO_API int wo_select(int fd, wo_event *event, unsigned events);

/* Copies and clears the record of the socket's network events and resets `event` (null: resets
 * none), all as one step. -EINVAL where the socket is not selected or an argument is no good;
 * nothing is changed then. */
WO_API int wo_enumerate(int fd, wo_event *event, wo_network_events *ret_network);

/* The socket calls of a selected socket; they re-enable its network events as said above. They
 * return what the system's call returns, or a negated errno; -EAGAIN where it would block, and
 * -EINPROGRESS where wo_connect goes on until WO_CONNECT. On a socket that is not selected they are
 * the plain system calls, but for SIGPIPE and close-on-exec.
 *
 * wo_accept gives a non-blocking, close-on-exec socket that is selected to the listener's event
 * with the listener's mask, as in Winsock; select it to an event of its own next. */
WO_API int wo_accept(int fd, struct sockaddr *ret_address, socklen_t *address_length);
WO_API int wo_connect(int fd, const struct sockaddr *address, socklen_t address_length);
WO_API ssize_t wo_recv(int fd, void *buffer, size_t length, int flags);
WO_API ssize_t wo_send(int fd, const void *buffer, size_t length, int flags);
/* Sends from a file without a copy of its bytes: up to `length` of them from `*offset` on, which is moved
 * on by what was sent. As wo_send else: never raises SIGPIPE, and where it fails with -EAGAIN, WO_WRITE is
 * recorded once there is room. 0 where the file ends before `*offset`. */
WO_API ssize_t wo_sendfile(int fd, int file, int64_t *offset, size_t length);
/* Ends the selection and closes. The only right way to close a selected socket: with close() the
 * selection stays, and may keep the connection open, until another socket of that number is selected
 * or accepted. */
WO_API int wo_close(int fd);

/* --- Waiting --- */

enum wo_wait_mode {
    WO_ANY = 0, /* return for the lowest index that is set */
    WO_ALL = 1 /* return once all are set at one moment; then, and only then, take them */
};

#define WO_FOREVER INT64_C(-1)

/* Waits until any or all of `count` events are set, at most `timeout_ns` (0: only looks;
 * WO_FOREVER). Returns 0 and the index (0 for WO_ALL) in `ret_index` (may be null), having reset
 * the auto-reset events it returns for. -ETIMEDOUT; -EINVAL for no events, a null, an unknown mode
 * or, with WO_ALL, the same event twice; -ECANCELED where one of them was freed meanwhile. A
 * signal's handler runs, and the wait goes on: set an event in it to end the wait. */
WO_API int wo_wait(wo_event *const *events, size_t count, enum wo_wait_mode mode,
                   int64_t timeout_ns, size_t *ret_index);

/* As wo_wait for any, but fair: the search begins behind `*index`, the index that the last call gave,
 * and goes round, so that an event that is always set starves no other. For the first call pass
 * count - 1 or SIZE_MAX (or more): it begins at 0. Waiting costs what `count` is; for thousands of
 * events take a wait set. -EINVAL also for a null `index`. */
WO_API int wo_wait_next(wo_event *const *events, size_t count, int64_t timeout_ns,
                        size_t *index);

/* A wait set: events kept together, so that a wait costs what is ready and not what is waited on.
 * An event is in at most one set. */
typedef struct wo_set wo_set;

/* One event that is ready: it, and what wo_set_add was given with it. */
typedef struct wo_ready {
    wo_event *event;
    void *owner;
} wo_ready;

/* -ENOMEM, -EMFILE, -ENFILE. */
WO_API int wo_set_new(wo_set **ret_set);
/* Frees the set and leaves null; accepts null. The events in it live on, in no set. A thread that
 * waits on it at that moment returns with -ECANCELED. */
WO_API void wo_set_free(wo_set **set);
/* Adds an event, and `owner`, which is handed back with it and never looked at. -EEXIST where the
 * event is in a set already, -EINVAL, -ENOMEM. May be called while another thread waits. */
WO_API int wo_set_add(wo_set *set, wo_event *event, void *owner);
/* Takes it out; from any thread, also while another waits. After it returns no later wait gives
 * the event. -ENOENT where it is not in this set. */
WO_API int wo_set_remove(wo_set *set, wo_event *event);
/* Waits until some events of the set are set, at most `timeout_ns`, and gives up to `capacity` of
 * them, those that became ready first first; a manual-reset event that stays set is given again
 * after the others had their turn. Returns how many (at least 1); -ETIMEDOUT; -EINVAL; -ECANCELED
 * where the set was freed meanwhile. */
WO_API int wo_set_wait(wo_set *set, wo_ready *ret_ready, size_t capacity,
                       int64_t timeout_ns);

/* --- How the kernel is asked --- */

/* Chooses the backend by its name: "epoll", which is used unless another is asked for, or
 * "io_uring" where the library was built with it. Before the first event or set is made, and over
 * what the environment's WOSHOU_EVENT_BACKEND says. Where the chosen one cannot be set up (an old
 * kernel, a seccomp profile, a limit), epoll is used all the same; and none is tried that was not
 * asked for. -EBUSY once one is in use, -ENOENT for an unknown name, -EINVAL for null. */
WO_API int wo_backend_choose(const char *name);
/* The name of the backend in use; before the first use, of the one that will be tried. */
WO_API const char *wo_backend_name(void);

#ifdef __cplusplus
}
#endif

#endif
