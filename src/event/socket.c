/* The socket calls of selected sockets. Each is the system's call and, where Winsock's
 * re-enables a network event, a look whether its condition still holds. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include "event/selection.h"

static struct selection *selected(int fd)
{
    struct selection *selection = selection_find(fd);

    return selection && atomic_load(&selection->event) ? selection : NULL;
}

/* Looks, unless `event` is recorded and its event object set: then there is nothing to
 * add. */
static void look_for(struct selection *selection, unsigned event)
{
    struct poller *home = selection_lock(selection);

    if (!home)
        return;
    if (selection->wanted & event &&
        !(selection->recorded & event && atomic_load(&selection->event)->set))
        selection_look(selection);
    poller_unlock(home);
}

static bool has_trait(const struct selection *selection, enum trait trait)
{
    return atomic_load_explicit(&selection->traits, memory_order_relaxed) & trait;
}

/* The kernel tells a connection's error once, to whichever call comes first; WO_CONNECT
 * and WO_CLOSE are still to tell it. */
static void keep_failure(struct selection *selection, int code)
{
    if (has_trait(selection, TRAIT_DATAGRAM))
        return;
    if (code == ECONNRESET || code == ECONNREFUSED || code == ETIMEDOUT ||
        code == EHOSTUNREACH || code == ENETUNREACH)
        atomic_store(&selection->failure, (unsigned short)code);
}

/* --- Receiving and sending --- */

/* `told` is cleared before the call: data that comes while it runs is new again. */
static void enable_read(struct selection *selection, int flags)
{
    unsigned char enabled = flags & MSG_OOB ? WO_READ | WO_OOB : WO_READ;

    if (atomic_load_explicit(&selection->told, memory_order_relaxed) & enabled)
        atomic_fetch_and(&selection->told, (unsigned char)~enabled);
}

static bool left_nothing(const struct selection *selection, ssize_t received,
                         size_t length, int flags)
{
    return has_trait(selection, TRAIT_EMPTY_AFTER_SHORT) && (size_t)received < length &&
           !(flags & (MSG_PEEK | MSG_OOB | MSG_TRUNC | MSG_ERRQUEUE));
}

/* The end of a connection that failed, whose error the kernel has told already. */
static ssize_t end_of_stream(struct selection *selection)
{
    return -atomic_load(&selection->failure);
}

/* What there is besides is still to be received. */
static ssize_t fail_to_receive(struct selection *selection, int code)
{
    keep_failure(selection, code);
    if (code == EFAULT) /* Windows does not re-enable then */
        atomic_fetch_or(&selection->told, WO_READ);
    else if (code != EAGAIN)
        look_for(selection, WO_READ | WO_OOB);
    return -code;
}

ssize_t wo_recv(int fd, void *buffer, size_t length, int flags)
{
    struct selection *selection = selected(fd);
    ssize_t received;

    if (!selection) {
        received = recv(fd, buffer, length, flags);
        return received < 0 ? -errno : received;
    }
    enable_read(selection, flags);
    received = recv(fd, buffer, length, flags);
    if (received < 0)
        return fail_to_receive(selection, errno);
    if (received == 0 && length > 0 && !has_trait(selection, TRAIT_DATAGRAM))
        return end_of_stream(selection);
    if (!left_nothing(selection, received, length, flags))
        look_for(selection, WO_READ | WO_OOB);
    return received;
}

/* Room may have come between the failed send and the arming: look. */
static void arm_write(struct selection *selection)
{
    struct poller *home = selection_lock(selection);

    if (!home)
        return;
    selection->write_armed = true;
    if (selection->wanted & WO_WRITE)
        selection_look(selection);
    else
        selection->recorded &= (unsigned char)~WO_WRITE;
    poller_unlock(home);
}

/* After a send that failed with the errno `code`. */
static ssize_t send_failed(struct selection *selection, int code)
{
    if (selection && code == EAGAIN)
        arm_write(selection);
    else if (selection)
        keep_failure(selection, code);
    return -code;
}

ssize_t wo_send(int fd, const void *buffer, size_t length, int flags)
{
    struct selection *selection = selected(fd);
    ssize_t sent = send(fd, buffer, length, flags | MSG_NOSIGNAL);

    return sent < 0 ? send_failed(selection, errno) : sent;
}

/* sendfile has no flag against SIGPIPE, which it raises in the calling thread: it is held back meanwhile,
 * and taken away where it came of this call. A count, or a negated errno. */
static ssize_t sendfile_quietly(int fd, int file, off_t *offset, size_t length)
{
    const struct timespec at_once = {0};
    sigset_t pipe, before, pending;
    ssize_t sent;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigemptyset(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    if (sigismember(&before, SIGPIPE))
        sigpending(&pending);
    sent = sendfile(fd, file, offset, length);
    if (sent < 0)
        sent = -errno;
    if (sent == -EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return sent;
}

ssize_t wo_sendfile(int fd, int file, int64_t *offset, size_t length)
{
    struct selection *selection = selected(fd);
    off_t place;
    ssize_t sent;

    if (!offset)
        return -EINVAL;
    place = (off_t)*offset;
    sent = sendfile_quietly(fd, file, &place, length);
    if (sent < 0)
        return send_failed(selection, (int)-sent);
    *offset = place;
    return sent;
}

/* --- Connecting and accepting --- */

/* Before the call, so that a report that comes while it runs is understood. Returns the
 * phase before. */
static enum phase begin_connect(struct selection *selection)
{
    enum phase phase = selection->phase;

    if (phase != PHASE_IDLE)
        return phase;
    selection->phase = PHASE_CONNECTING;
    selection->posted &= (unsigned char)~(WO_CONNECT | WO_CLOSE);
    selection->recorded &= selection->wanted;
    atomic_store(&selection->told, 0);
    atomic_store(&selection->failure, 0);
    return phase;
}

static void end_connect(struct selection *selection, enum phase before, int code)
{
    struct poller *home = selection_lock(selection);

    if (!home)
        return;
    if (code != 0 && before == PHASE_IDLE && selection->phase == PHASE_CONNECTING) {
        selection->phase = PHASE_IDLE; /* it failed at once: the caller knows */
    } else {
        keep_failure(selection, code);
        selection_look(selection);
    }
    poller_unlock(home);
}

/* After a connect that failed in the background the next one only says so (ECONNABORTED,
 * where the error was read before), and the one after it connects. */
static int connect_now(int fd, const struct sockaddr *address, socklen_t length,
                       enum phase before)
{
    if (connect(fd, address, length) == 0)
        return 0;
    if (errno != ECONNABORTED || before != PHASE_IDLE)
        return errno;
    return connect(fd, address, length) < 0 ? errno : 0;
}

int wo_connect(int fd, const struct sockaddr *address, socklen_t address_length)
{
    struct selection *selection = selection_find(fd);
    struct poller *home = selection_lock(selection);
    enum phase before;
    int code;

    if (!home)
        return connect(fd, address, address_length) < 0 ? -errno : 0;
    before = begin_connect(selection);
    poller_unlock(home);
    code = connect_now(fd, address, address_length, before);
    if (code != EINPROGRESS && code != EALREADY)
        end_connect(selection, before, code);
    return -code;
}

/* Selects the accepted socket as its listener is. The kernel need not watch it for what
 * no connection does: a listener's mask is often WO_ACCEPT alone, and an event of its own
 * comes next. */
static int inherit(struct selection *listener, int fd)
{
    struct selection *selection = selection_make(fd);
    struct poller *home;
    wo_event *event;
    unsigned wanted;
    bool entered;
    int code = 0;

    if (!selection)
        return -ENOMEM;
    do {
        wo_event *none = NULL;

        selection_drop(selection); /* of a socket that was closed with close */
        home = selection_lock(listener);
        if (!home)
            return 0;
        event = atomic_load(&listener->event);
        entered = atomic_compare_exchange_strong(&selection->event, &none, event);
        if (!entered)
            poller_unlock(home);
    } while (!entered);
    wanted = listener->wanted;
    selection_begin(selection, wanted, PHASE_CONNECTED,
                    atomic_load(&listener->traits) & TRAIT_EMPTY_AFTER_SHORT);
    selection->posted = WO_CONNECT;
    if (wanted & (WO_READ | WO_WRITE | WO_OOB | WO_CLOSE))
        code = selection_register(selection);
    if (code < 0)
        selection_end(selection);
    poller_unlock(home);
    return code;
}

int wo_accept(int fd, struct sockaddr *ret_address, socklen_t *address_length)
{
    struct selection *listener = selected(fd);
    int accepted, code;

    if (!listener) {
        accepted = accept4(fd, ret_address, address_length, SOCK_CLOEXEC);
        return accepted < 0 ? -errno : accepted;
    }
    atomic_fetch_and(&listener->told, (unsigned char)~WO_ACCEPT);
    accepted = accept4(fd, ret_address, address_length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0) {
        code = errno;
        if (code != EAGAIN) /* the connection still waits */
            look_for(listener, WO_ACCEPT);
        return -code;
    }
    code = inherit(listener, accepted);
    look_for(listener, WO_ACCEPT);
    if (code == 0)
        return accepted;
    close(accepted);
    return code;
}
