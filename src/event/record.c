/* What the kernel's conditions mean in network events: the rules of recording.
 *
 * Conditions come from the engine's reports and from looks. A report is an edge:
 * something changed, so data that is there is new, unless the change is explained by
 * something else found in the same report. A look, and an engine's first report of a
 * socket, says only how things are. In those two cases what was told (enumerated, and not
 * re-enabled by a call since) is not recorded again. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "event/backend.h"
#include "event/selection.h"

/* --- Asking the kernel --- */

static int option(int fd, int name)
{
    int value = 0;
    socklen_t length = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &length) < 0 ? 0 : value;
}

static int unread_bytes(int fd)
{
    int bytes = 0;

    return ioctl(fd, FIONREAD, &bytes) < 0 ? 0 : bytes;
}

static enum phase phase_of_tcp(unsigned char state)
{
    switch (state) {
    case TCP_LISTEN: return PHASE_LISTENING;
    case TCP_SYN_SENT: return PHASE_CONNECTING;
    case TCP_CLOSE: return PHASE_IDLE;
    default: return PHASE_CONNECTED;
    }
}

enum phase selection_probe(int fd, unsigned *ret_traits)
{
    struct sockaddr_storage peer;
    socklen_t peer_length = sizeof(peer);
    unsigned char state; /* the first member of struct tcp_info */
    socklen_t state_length = sizeof(state);

    *ret_traits = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &state_length) == 0) {
        *ret_traits = TRAIT_EMPTY_AFTER_SHORT;
        return phase_of_tcp(state);
    }
    if (option(fd, SO_TYPE) == SOCK_DGRAM || option(fd, SO_TYPE) == SOCK_RAW) {
        *ret_traits = TRAIT_DATAGRAM;
        return PHASE_DATAGRAM;
    }
    if (option(fd, SO_ACCEPTCONN))
        return PHASE_LISTENING;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) == 0)
        return PHASE_CONNECTED;
    return PHASE_IDLE;
}

/* The socket's error is there once: whoever reads it keeps it. */
static int take_failure(struct selection *selection)
{
    int failure = atomic_load(&selection->failure);

    if (failure)
        return failure;
    failure = option(selection->fd, SO_ERROR);
    atomic_store(&selection->failure, (unsigned short)failure);
    return failure;
}

/* --- What is found, by phase --- */

static unsigned post_once(struct selection *selection, unsigned event)
{
    if (!(selection->wanted & event) || (selection->posted & event))
        return 0;
    selection->posted |= (unsigned char)event;
    return event;
}

static unsigned find_urgent(struct selection *selection, unsigned conditions)
{
    if (!(conditions & POLLPRI)) {
        if (atomic_load(&selection->told) & WO_OOB)
            atomic_fetch_and(&selection->told, (unsigned char)~WO_OOB);
        return 0;
    }
    /* A receive stops at urgent data, so that a short one says nothing any more. */
    atomic_fetch_and(&selection->traits, (unsigned char)~TRAIT_EMPTY_AFTER_SHORT);
    if (atomic_load(&selection->told) & WO_OOB || option(selection->fd, SO_OOBINLINE))
        return 0;
    return WO_OOB & selection->wanted;
}

/* Windows reports a reset here as ECONNABORTED, while recv says ECONNRESET. A reset shows
 * as an error of a socket that is shut down; an error alone may be the error queue's. */
static unsigned find_closed(struct selection *selection, unsigned conditions)
{
    bool reset = (conditions & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP) ||
                 atomic_load(&selection->failure);
    unsigned found;

    if (!(conditions & (POLLRDHUP | POLLHUP)))
        return 0;
    found = post_once(selection, WO_CLOSE);
    if (found)
        selection->close_error = reset ? ECONNABORTED : 0;
    return found;
}

/* `elsewhere`: the report is explained without new data, or is no edge. After the peer's
 * end no data can be new, and the end itself makes the socket readable without being
 * data. */
static bool data_is_there(const struct selection *selection, unsigned conditions,
                          bool elsewhere)
{
    bool ended = conditions & (POLLRDHUP | POLLHUP);

    if (!(conditions & POLLIN) || !(selection->wanted & WO_READ))
        return false;
    if ((atomic_load(&selection->told) & WO_READ) && (elsewhere || ended))
        return false;
    return !ended || unread_bytes(selection->fd) > 0;
}

static unsigned find_room(struct selection *selection, unsigned conditions)
{
    if (!(conditions & POLLOUT) || (conditions & POLLHUP) || !selection->write_armed ||
        !(selection->wanted & WO_WRITE))
        return 0;
    selection->write_armed = false;
    return WO_WRITE;
}

static unsigned see_connected(struct selection *selection, unsigned conditions, bool edge)
{
    unsigned found = post_once(selection, WO_CONNECT);

    found |= find_urgent(selection, conditions);
    found |= find_room(selection, conditions);
    found |= find_closed(selection, conditions);
    if (data_is_there(selection, conditions, found || !edge))
        found |= WO_READ;
    return found;
}

/* A connect that failed: not a reset, which says that the connection was made before. */
static bool connect_failed(int failure)
{
    return failure != ECONNRESET && failure != EPIPE;
}

static unsigned see_connecting(struct selection *selection, unsigned conditions,
                               bool edge)
{
    if (conditions & (POLLERR | POLLHUP)) {
        int failure = take_failure(selection);
        unsigned found;

        if (!failure)
            return 0; /* a look before connect had begun */
        if (connect_failed(failure)) {
            found = post_once(selection, WO_CONNECT);
            if (found) {
                selection->connect_error = (uint16_t)failure;
                selection->phase = PHASE_IDLE;
                atomic_store(&selection->failure, 0);
            }
            return found;
        }
    } else if (!(conditions & POLLOUT)) {
        return 0;
    }
    /* It may write from the moment it is connected, though it is closed again by now. */
    selection->phase = PHASE_CONNECTED;
    selection->write_armed = !(selection->wanted & WO_WRITE);
    return (WO_WRITE & selection->wanted) | see_connected(selection, conditions, edge);
}

static unsigned see_listening(struct selection *selection, unsigned conditions, bool edge)
{
    if (!(conditions & POLLIN) || (!edge && atomic_load(&selection->told) & WO_ACCEPT))
        return 0;
    return WO_ACCEPT & selection->wanted;
}

static unsigned see_datagram(struct selection *selection, unsigned conditions, bool edge)
{
    unsigned found = find_room(selection, conditions);

    /* An error (a port found closed) is there to be received, too. */
    if (conditions & (POLLIN | POLLERR) &&
        !(atomic_load(&selection->told) & WO_READ && (found || !edge)))
        found |= WO_READ & selection->wanted;
    return found;
}

static unsigned see(struct selection *selection, unsigned conditions, bool edge);

/* The program may have called listen or connect itself since: ask. A stream never
 * connected shows as hung up and writable, which means nothing here; with an error, it
 * was a connect that failed. */
static unsigned see_idle(struct selection *selection, unsigned conditions, bool edge)
{
    unsigned traits;
    enum phase phase = selection_probe(selection->fd, &traits);

    if (phase == PHASE_IDLE && !(conditions & POLLERR) &&
        !atomic_load(&selection->failure))
        return 0;
    if (phase == PHASE_IDLE)
        return see_connecting(selection, conditions, edge);
    selection->phase = (unsigned char)phase;
    selection->write_armed = true;
    return see(selection, conditions, edge);
}

static unsigned see(struct selection *selection, unsigned conditions, bool edge)
{
    static unsigned (*const by_phase[PHASES])(struct selection *, unsigned, bool) = {
        [PHASE_IDLE] = see_idle,           [PHASE_CONNECTING] = see_connecting,
        [PHASE_CONNECTED] = see_connected, [PHASE_LISTENING] = see_listening,
        [PHASE_DATAGRAM] = see_datagram,
    };

    return by_phase[selection->phase](selection, conditions, edge);
}

/* --- Recording --- */

void selection_record(struct selection *selection, unsigned events)
{
    events &= selection->wanted;
    if (!events)
        return;
    selection->recorded |= (unsigned char)events;
    event_signal(atomic_load(&selection->event));
}

void selection_note_unread(struct selection *selection)
{
    bool told = atomic_load(&selection->told) & WO_READ;

    selection->unread = told ? unread_bytes(selection->fd) : 0;
}

/* The first report only says how things are; unless there is more to read than when it
 * was asked for, which is news. */
static bool is_news(const struct selection *selection)
{
    if (selection->reported)
        return true;
    return (atomic_load(&selection->told) & WO_READ) &&
           unread_bytes(selection->fd) > selection->unread;
}

void selection_report(struct poller *poller, uint64_t token, unsigned conditions)
{
    struct selection *selection = selection_find(token_fd(token));
    wo_event *event = selection ? atomic_load(&selection->event) : NULL;
    bool edge;

    if (!event || atomic_load(&event->home) != poller || selection->token != token)
        return;
    edge = is_news(selection);
    selection->reported = true;
    if (conditions & REPORT_LAPSED)
        selection_register_again(selection);
    conditions &= ~REPORT_LAPSED;
    if (conditions)
        selection_record(selection, see(selection, conditions, edge));
}

void selection_look(struct selection *selection)
{
    struct pollfd pollfd = {.fd = selection->fd,
                            .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP};

    if (poll(&pollfd, 1, 0) < 0)
        return;
    selection_record(selection, see(selection, (unsigned)pollfd.revents, false));
}
