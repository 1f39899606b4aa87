/* wo_wait and wo_wait_next: waiting on an array of events.
 *
 * Nothing of the array is kept in the kernel or in the events. A wait locks the homes of
 * its events (one, but where some are in wait sets), looks through the array, and sleeps
 * with those homes until one of them has news; so that what it sees and takes, it sees
 * and takes at one moment.
 *
 * A long array is looked through as seldom as can be: the first look also checks the
 * arguments and finds out whether the first event's home is the home of all, and there is
 * another only after somebody was roused for something. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/backend.h"
#include "event/object.h"

enum { SEATS = 8 };
enum { MOVED = -EXDEV, NOT_YET = -EAGAIN }; /* codes of a scan; never the caller's */

struct wait {
    wo_event *const *events;
    size_t count;
    enum wo_wait_mode mode;
    size_t begin;    /* the search's first index; it goes round */
    uint64_t births; /* events made before; a younger one took a freed one's place */
    bool begun;      /* the whole array was looked through once, and is good */
    bool looked;     /* at what the kernel knows, at least once */
    struct waiter waiter;
    struct seat *seats; /* one for each home, in the order of the homes' addresses */
    size_t seat_count, seat_capacity;
    struct seat few[SEATS];
};

/* --- The homes --- */

static struct seat *seat_at(struct wait *wait, const struct poller *home)
{
    for (size_t i = 0; i < wait->seat_count; i++)
        if (wait->seats[i].poller == home)
            return &wait->seats[i];
    return NULL;
}

static int make_room(struct wait *wait)
{
    size_t capacity = wait->seat_capacity * 2;
    struct seat *more;

    if (wait->seat_count < wait->seat_capacity)
        return 0;
    assert(capacity > 0); /* there are the few to begin with */
    more = malloc(capacity * sizeof(*more));
    if (!more)
        return -ENOMEM;
    memcpy(more, wait->seats, wait->seat_count * sizeof(*more));
    if (wait->seats != wait->few)
        free(wait->seats);
    wait->seats = more;
    wait->seat_capacity = capacity;
    return 0;
}

static int add_seat(struct wait *wait, struct poller *home)
{
    size_t place = wait->seat_count;
    int code = make_room(wait);

    if (code < 0)
        return code;
    for (; place > 0 && wait->seats[place - 1].poller > home; place--)
        wait->seats[place] = wait->seats[place - 1];
    wait->seats[place] = (struct seat){.poller = home, .waiter = &wait->waiter};
    wait->seat_count++;
    return 0;
}

static void lock_homes(struct wait *wait)
{
    for (size_t i = 0; i < wait->seat_count; i++)
        poller_lock(wait->seats[i].poller);
}

static void unlock_homes(struct wait *wait)
{
    for (size_t i = wait->seat_count; i-- > 0;)
        poller_unlock(wait->seats[i].poller);
}

/* Finds the homes of the first `count` events, and leaves them locked. */
static int find_homes(struct wait *wait, size_t count)
{
    const struct poller *last = NULL;
    int code;

    wait->seat_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct poller *home =
            wait->events[i] ? atomic_load(&wait->events[i]->home) : NULL;

        if (!home)
            return -EINVAL;
        if (home == last || seat_at(wait, home))
            continue;
        code = add_seat(wait, home);
        if (code < 0)
            return code;
        last = home;
    }
    lock_homes(wait);
    for (size_t i = 0; i < wait->seat_count; i++) {
        assert(wait->seats[i].poller); /* add_seat was given a home */
        wait->seats[i].since = wait->seats[i].poller->moment;
        wait->seats[i].news = wait->seats[i].poller->news - 1; /* all of it is news */
    }
    return 0;
}

/* Whether anyone was roused, with any of the homes, since the last look through the
 * array. */
static bool has_news(struct wait *wait)
{
    bool news = false;

    for (size_t i = 0; i < wait->seat_count; i++) {
        struct seat *seat = &wait->seats[i];

        news = news || seat->news != seat->poller->news;
        seat->news = seat->poller->news;
    }
    return news;
}

/* --- Looking; the homes are locked --- */

/* The seat with the event's home; `hint` is the last event's. Negative for what is no
 * event, one that is not there any more, or one that is not with any home we hold. */
static int check(struct wait *wait, const wo_event *event, struct seat **hint)
{
    const struct poller *home;

    if (!event)
        return -EINVAL;
    home = atomic_load(&event->home);
    if (!*hint || (*hint)->poller != home)
        *hint = seat_at(wait, home);
    if (!*hint)
        return MOVED;
    if (!atomic_load(&event->alive) || event->birth > wait->births)
        return wait->begun ? -ECANCELED : -EINVAL;
    return 0;
}

/* Looks at the indices from `from` to before `to`. */
static int find_between(struct wait *wait, size_t from, size_t to, size_t *ret_index)
{
    struct seat *seat = NULL;
    int found = NOT_YET;

    for (size_t i = from; i < to && (found == NOT_YET || !wait->begun); i++) {
        int code = check(wait, wait->events[i], &seat);

        if (code < 0)
            return code;
        if (found == NOT_YET && event_signalled(wait->events[i], seat->since)) {
            *ret_index = i;
            found = 0;
        }
    }
    return found;
}

static int find_any(struct wait *wait, size_t *ret_index)
{
    size_t behind;
    int code = find_between(wait, wait->begin, wait->count, ret_index);
    int code_behind;

    if (wait->begin == 0 || (code != NOT_YET && (code < 0 || wait->begun)))
        return code;
    code_behind = find_between(wait, 0, wait->begin, &behind);
    if (code == 0 && (code_behind == 0 || code_behind == NOT_YET))
        return 0;
    if (code_behind == 0)
        *ret_index = behind;
    return code_behind;
}

static int find_all(struct wait *wait, size_t *ret_index)
{
    struct seat *seat = NULL;
    uint64_t mark = event_new_mark();
    bool all = true;

    for (size_t i = 0; i < wait->count; i++) {
        wo_event *event = wait->events[i];
        int code = check(wait, event, &seat);

        if (code < 0)
            return code;
        if (event->mark == mark)
            return -EINVAL; /* twice in the array */
        event->mark = mark;
        all = all && event->set;
    }
    *ret_index = 0;
    return all ? 0 : NOT_YET;
}

static void take(struct wait *wait, size_t index)
{
    if (wait->mode == WO_ANY)
        event_take(wait->events[index]);
    for (size_t i = 0; wait->mode == WO_ALL && i < wait->count; i++)
        event_take(wait->events[i]);
}

/* --- Sleeping; the homes are locked before and after --- */

static void poll_seats(struct wait *wait, struct pollfd *pollfds, int64_t left_ns)
{
    struct timespec timeout = {.tv_sec = (time_t)(left_ns / NS_PER_S),
                               .tv_nsec = (long)(left_ns % NS_PER_S)};
    nfds_t count = 1;
    uint64_t wakes;
    ssize_t got;

    pollfds[0] = (struct pollfd){.fd = wait->waiter.wake, .events = POLLIN};
    for (size_t i = 0; i < wait->seat_count; i++) {
        const struct engine *engine = wait->seats[i].poller->engine;

        if (wait->seats[i].leads)
            pollfds[count++] = (struct pollfd){.fd = engine->backend->descriptor(engine),
                                               .events = POLLIN};
    }
    ppoll(pollfds, count, left_ns < 0 ? NULL : &timeout, NULL);
    got = read(wait->waiter.wake, &wakes, sizeof(wakes));
    (void)got; /* nothing there where another home had news */
}

/* With several homes: leads where nobody does, follows elsewhere, and polls the engines
 * it leads together with an eventfd that the others' leaders write. */
static int sleep_on_several(struct wait *wait, int64_t deadline_ns)
{
    struct pollfd *pollfds = malloc((wait->seat_count + 1) * sizeof(*pollfds));
    int code = 0;

    if (!pollfds)
        return -ENOMEM;
    if (wait->waiter.wake < 0)
        wait->waiter.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wait->waiter.wake < 0) {
        code = -errno;
        goto out;
    }
    atomic_store(&wait->waiter.roused, 0);
    for (size_t i = 0; i < wait->seat_count; i++) {
        struct seat *seat = &wait->seats[i];

        poller_sit(seat);
        if (seat->leads)
            deadline_ns = poller_deadline_ns(seat->poller, deadline_ns);
    }
    unlock_homes(wait);
    poll_seats(wait, pollfds, time_left_ns(deadline_ns));
    lock_homes(wait);
    for (size_t i = 0; i < wait->seat_count; i++)
        poller_rise(&wait->seats[i]);
out:
    free(pollfds);
    return code;
}

/* Takes what the engines have, without sleeping. Each home alone is unlocked meanwhile,
 * so no other lock may be held. */
static int look_at_homes(struct wait *wait)
{
    int code = 0;

    unlock_homes(wait);
    for (size_t i = 0; i < wait->seat_count && code == 0; i++) {
        struct poller *home = wait->seats[i].poller;

        poller_lock(home);
        if (home->open)
            code = poller_look(home);
        poller_unlock(home);
    }
    lock_homes(wait);
    return code;
}

static int sleep_once(struct wait *wait, int64_t deadline_ns)
{
    int code;

    if (wait->seat_count == 1)
        return poller_sleep(&wait->seats[0], deadline_ns);
    code = sleep_on_several(wait, deadline_ns);
    return code < 0 ? code : look_at_homes(wait);
}

/* --- The wait; the homes are locked --- */

/* One look through the array. An event further back may be set while one in front of it
 * is only known to the kernel: take the kernel's reports before the first answer. */
static int try_once(struct wait *wait, size_t *ret_index)
{
    int code =
        wait->mode == WO_ALL ? find_all(wait, ret_index) : find_any(wait, ret_index);

    wait->begun = wait->begun || code == 0 || code == NOT_YET;
    if (code == 0 && wait->mode == WO_ANY && *ret_index != wait->begin && !wait->looked) {
        wait->looked = true;
        code = look_at_homes(wait);
        if (code == 0)
            code = find_any(wait, ret_index);
    }
    if (code == 0)
        take(wait, *ret_index);
    return code;
}

static int wait_until(struct wait *wait, int64_t deadline_ns, size_t *ret_index)
{
    for (;;) {
        int code = has_news(wait) ? try_once(wait, ret_index) : NOT_YET;

        if (code == NOT_YET && wait->looked && time_left_ns(deadline_ns) == 0)
            return -ETIMEDOUT;
        if (code != NOT_YET)
            return code;
        code = sleep_once(wait, deadline_ns);
        if (code < 0)
            return code;
        wait->looked = true;
    }
}

static int wait_on_array(struct wait *wait, int64_t timeout_ns, size_t *ret_index)
{
    int64_t deadline_ns = deadline_after_ns(timeout_ns);
    int code;

    if (!wait->events || wait->count == 0 || timeout_ns < WO_FOREVER)
        return -EINVAL;
    wait->births = event_births();
    wait->waiter.wake = -1;
    wait->seats = wait->few;
    wait->seat_capacity = SEATS;
    code = find_homes(wait, 1);
    while (code == 0) {
        code = wait_until(wait, deadline_ns, ret_index);
        for (size_t i = 0; i < wait->seat_count; i++)
            poller_leave(wait->seats[i].poller);
        unlock_homes(wait);
        if (code != MOVED)
            break;
        code = find_homes(wait, wait->count);
    }
    if (wait->waiter.wake >= 0)
        close(wait->waiter.wake);
    if (wait->seats != wait->few)
        free(wait->seats);
    return code;
}

int wo_wait(wo_event *const *events, size_t count, enum wo_wait_mode mode,
            int64_t timeout_ns, size_t *ret_index)
{
    struct wait wait = {.events = events, .count = count, .mode = mode};
    size_t index = 0;
    int code;

    if (mode != WO_ANY && mode != WO_ALL)
        return -EINVAL;
    code = wait_on_array(&wait, timeout_ns, &index);
    if (code == 0 && ret_index)
        *ret_index = index;
    return code;
}

int wo_wait_next(wo_event *const *events, size_t count, int64_t timeout_ns, size_t *index)
{
    struct wait wait = {.events = events, .count = count, .mode = WO_ANY};
    size_t found = 0;
    int code;

    if (!index)
        return -EINVAL;
    wait.begin = *index < count ? (*index + 1) % count : 0;
    code = wait_on_array(&wait, timeout_ns, &found);
    if (code == 0)
        *index = found;
    return code;
}
