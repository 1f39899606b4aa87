/* wo_select, wo_enumerate, wo_close: asking for network events, and reading the record.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "event/selection.h"

/* These are not found again by a look: a narrower mask hides them and forgets the others.
 */
enum { ONCE = WO_WRITE | WO_CONNECT | WO_CLOSE };

/* Makes it non-blocking; -EBADF, -ENOTSOCK. */
static int prepare_socket(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    int flags;

    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return errno == EBADF || errno == ENOTSOCK ? -errno : 0;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 ||
        (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
        return -errno;
    return 0;
}

/* What no other socket ever has; 0 where the kernel does not tell. */
static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t length = sizeof(cookie);

    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) < 0 ? 0 : cookie;
}

/* -EAGAIN: another thread selected it just now. */
static int select_first(struct selection *selection, wo_event *event, unsigned wanted)
{
    struct poller *home = event_lock(event);
    wo_event *none = NULL;
    enum phase phase;
    unsigned traits;
    int code = -EINVAL;

    if (!atomic_load(&event->alive))
        goto out;
    code = -EAGAIN;
    if (!atomic_compare_exchange_strong(&selection->event, &none, event))
        goto out;
    phase = selection_probe(selection->fd, &traits);
    selection_begin(selection, wanted, phase, traits);
    selection->cookie = cookie_of(selection->fd);
    code = selection_register(selection);
    if (code < 0)
        selection_end(selection);
out:
    poller_unlock(home);
    return code;
}

/* Moves the selection from its event to another, and its socket to that one's engine. */
static int change_event(struct selection *selection, wo_event *event)
{
    wo_event *old = atomic_load(&selection->event);
    int code = 0;

    if (event == old)
        return 0;
    if (atomic_load(&event->home) != atomic_load(&old->home))
        code = selection_change_engine(selection, atomic_load(&old->home)->engine,
                                       atomic_load(&event->home)->engine);
    if (code < 0)
        return code;
    list_remove(&selection->link);
    list_append(&event->selections, &selection->link);
    atomic_store(&selection->event, event);
    return 0;
}

/* Whether the number is another socket's by now: the program closed the one that was
 * selected with close. */
static bool is_another(struct selection *selection)
{
    uint64_t before = selection->cookie;

    selection->cookie = cookie_of(selection->fd);
    return before && before != selection->cookie;
}

/* -EAGAIN: another thread changed or ended the selection meanwhile, or it was of another
 * socket and is ended. */
static int select_again(struct selection *selection, wo_event *old, wo_event *event,
                        unsigned wanted)
{
    unsigned added;
    bool watched;
    int code = -EAGAIN;

    event_lock_two(old, event);
    if (atomic_load(&selection->event) != old)
        goto out;
    code = -EINVAL;
    if (!atomic_load(&event->alive))
        goto out;
    code = -EAGAIN;
    if (is_another(selection)) {
        selection_end(selection);
        goto out;
    }
    code = change_event(selection, event);
    watched = selection->registered;
    if (code == 0)
        code = selection_register(selection);
    if (code < 0)
        goto out;
    added = wanted & ~(unsigned)selection->wanted;
    selection->wanted = (unsigned char)wanted;
    selection->recorded &= (unsigned char)(wanted | ONCE);
    selection_record(selection, selection->recorded);
    /* What is newly asked for may have come long ago. A fresh registration reports it
     * itself. */
    if (added && watched)
        selection_look(selection);
out:
    event_unlock_two(old, event);
    return code;
}

int wo_select(int fd, wo_event *event, unsigned events)
{
    struct selection *selection;
    int code;

    if (events & ~WO_ALL_NETWORK_EVENTS || (events && !event))
        return -EINVAL;
    code = prepare_socket(fd);
    if (code < 0)
        return code;
    if (!events) {
        selection_drop(selection_find(fd));
        return 0;
    }
    selection = selection_make(fd);
    if (!selection)
        return -ENOMEM;
    do {
        wo_event *old = atomic_load(&selection->event);

        code = old ? select_again(selection, old, event, events)
                   : select_first(selection, event, events);
    } while (code == -EAGAIN);
    return code;
}

static int error_of(const struct selection *selection, int bit)
{
    return bit == WO_CONNECT_BIT ? selection->connect_error
           : bit == WO_CLOSE_BIT ? selection->close_error
                                 : 0;
}

static void copy_record(const struct selection *selection, wo_network_events *ret_network)
{
    unsigned shown = selection->recorded & selection->wanted;

    ret_network->events = shown;
    for (unsigned left = shown; left; left &= left - 1) {
        int bit = __builtin_ctz(left);

        ret_network->errors[bit] = error_of(selection, bit);
    }
}

/* Both locked: the selection's home and the event's. */
static void enumerate(struct selection *selection, wo_event *event,
                      wo_network_events *ret_network)
{
    copy_record(selection, ret_network);
    atomic_fetch_or(&selection->told,
                    selection->recorded & (WO_READ | WO_ACCEPT | WO_OOB));
    selection->recorded &= (unsigned char)~selection->wanted;
    if (event)
        event_clear(event);
}

/* One try. -EAGAIN: another thread changed the selection meanwhile. -ENODATA: nothing is
 * recorded, which may only mean that nobody has looked since; a program that enumerates
 * without waiting must see what there is. */
static int try_to_enumerate(struct selection *selection, wo_event *event, bool looked,
                            wo_network_events *ret_network)
{
    wo_event *selected = selection ? atomic_load(&selection->event) : NULL;
    wo_event *reset = event ? event : selected;
    int code = 0;

    if (!selected)
        return -EINVAL;
    event_lock_two(selected, reset);
    if (atomic_load(&selection->event) != selected)
        code = -EAGAIN;
    else if (!atomic_load(&reset->alive))
        code = -EINVAL;
    else if (!(selection->recorded & selection->wanted) && !looked)
        code = -ENODATA;
    else
        enumerate(selection, event, ret_network);
    event_unlock_two(selected, reset);
    return code;
}

static void look_for_reports(struct selection *selection)
{
    struct poller *home = selection_lock(selection);

    if (!home)
        return;
    poller_look(home);
    poller_unlock(home);
}

int wo_enumerate(int fd, wo_event *event, wo_network_events *ret_network)
{
    struct selection *selection = selection_find(fd);
    bool looked = false;
    int code;

    if (!ret_network)
        return -EINVAL;
    do {
        code = try_to_enumerate(selection, event, looked, ret_network);
        if (code == -ENODATA) {
            look_for_reports(selection);
            looked = true;
        }
    } while (code == -EAGAIN || code == -ENODATA);
    return code;
}

int wo_close(int fd)
{
    selection_drop(selection_find(fd));
    return close(fd) < 0 ? -errno : 0;
}
