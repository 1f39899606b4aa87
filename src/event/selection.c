/* The table of selections, and their life: begun, registered, moved, ended. What reports
 * mean is in record.c. */
#include "event/selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/backend.h"

_Static_assert(SELECTION_PAGE *SELECTION_PAGES == 1 << TOKEN_FD_BITS,
               "a token names every entry");

/* Above the descriptor a token has the place of the event that the socket was registered
 * for, so that both can be fetched at once, and above that the registration's generation.
 * Generations come again after a million registrations of one descriptor: no thread
 * sleeps so long between taking a report and reading it. */
enum { GENERATION_SHIFT = TOKEN_FD_BITS + EVENT_PLACE_BITS };

/* Pages are added with a compare-and-swap and stay, so that a look-up takes no lock. */
_Atomic(struct selection *) selection_pages[SELECTION_PAGES];

struct selection *selection_make(int fd)
{
    struct selection *found = selection_find(fd);
    struct selection *page = NULL, *fresh;

    if (found || (unsigned)fd >> TOKEN_FD_BITS)
        return found;
    fresh = aligned_alloc(CACHE_LINE, SELECTION_PAGE * sizeof(*fresh));
    if (!fresh)
        return NULL;
    memset(fresh, 0, SELECTION_PAGE * sizeof(*fresh));
    for (int i = 0; i < SELECTION_PAGE; i++)
        fresh[i].fd = fd / SELECTION_PAGE * SELECTION_PAGE + i;
    if (!atomic_compare_exchange_strong(&selection_pages[fd / SELECTION_PAGE], &page,
                                        fresh))
        free(fresh); /* another thread was first */
    return selection_find(fd);
}

struct poller *selection_lock(struct selection *selection)
{
    while (selection) {
        wo_event *event = atomic_load(&selection->event);
        struct poller *home;

        if (!event)
            return NULL;
        home = event_lock(event);
        if (atomic_load(&selection->event) == event)
            return home;
        poller_unlock(home);
    }
    return NULL;
}

void selection_drop(struct selection *selection)
{
    struct poller *home = selection_lock(selection);

    if (!home)
        return;
    selection_end(selection);
    poller_unlock(home);
}

void selection_begin(struct selection *selection, unsigned wanted, enum phase phase,
                     unsigned traits)
{
    wo_event *event = atomic_load(&selection->event);

    list_append(&event->selections, &selection->link);
    atomic_store(&selection->told, 0);
    atomic_store(&selection->traits, (unsigned char)traits);
    atomic_store(&selection->failure, 0);
    selection->wanted = (unsigned char)wanted;
    selection->recorded = selection->posted = 0;
    selection->phase = (unsigned char)phase;
    selection->write_armed = phase == PHASE_CONNECTED || phase == PHASE_DATAGRAM;
    selection->registered = false;
    selection->connect_error = selection->close_error = 0;
    selection->cookie = 0;
}

static struct engine *engine_of(const struct selection *selection)
{
    return atomic_load(&atomic_load(&selection->event)->home)->engine;
}

/* Reports of the old token, perhaps still in some thread's hands, are known by it. */
static void renew_token(struct selection *selection)
{
    const wo_event *event = atomic_load(&selection->event);
    uint64_t generation = (selection->token >> GENERATION_SHIFT) + 1;

    selection->token = generation << GENERATION_SHIFT |
                       (uint64_t)event->place << TOKEN_FD_BITS | (uint32_t)selection->fd;
}

void selection_prefetch(uint64_t token)
{
    __builtin_prefetch(selection_find(token_fd(token)), 1);
    __builtin_prefetch(event_at((unsigned)(token >> TOKEN_FD_BITS) & EVENT_PLACE_MASK),
                       1);
}

static void unwatch(struct selection *selection, struct engine *engine)
{
    if (selection->registered)
        engine->backend->remove(engine, selection->fd, selection->token);
    selection->registered = false;
}

static int watch(struct selection *selection, struct engine *engine)
{
    int code;

    renew_token(selection);
    selection->reported = false;
    selection_note_unread(selection);
    code = engine->backend->add(engine, selection->fd, selection->token);
    if (code == -EEXIST) {
        /* The number was closed behind our back and used again by a copy of the same
         * socket. */
        engine->backend->remove(engine, selection->fd, selection->token);
        code = engine->backend->add(engine, selection->fd, selection->token);
    }
    selection->registered = code == 0;
    return code;
}

void selection_end(struct selection *selection)
{
    unwatch(selection, engine_of(selection));
    list_remove(&selection->link);
    renew_token(selection);
    selection->recorded = selection->wanted = 0;
    atomic_store(&selection->traits, 0);
    atomic_store(&selection->told, 0);
    atomic_store(&selection->event, NULL);
}

void selection_end_all(wo_event *event)
{
    struct list_link *link;

    while ((link = list_first(&event->selections)) != NULL)
        selection_end(list_member(link, struct selection, link));
}

int selection_register(struct selection *selection)
{
    return selection->registered ? 0 : watch(selection, engine_of(selection));
}

/* The engine's next report counts as news: better one too many than one too few. Where it
 * fails nothing can be told to anyone; the next wo_select tries again. */
void selection_register_again(struct selection *selection)
{
    selection->registered = false;
    watch(selection, engine_of(selection));
    selection->reported = true;
}

/* No report is lost on the way: an engine reports what is ready when a socket is added.
 */
int selection_change_engine(struct selection *selection, struct engine *from,
                            struct engine *to)
{
    int code;

    if (!selection->registered)
        return 0;
    unwatch(selection, from);
    code = watch(selection, to);
    if (code < 0)
        watch(selection, from); /* it was there a moment ago */
    return code;
}

/* Moves those in front of `end` back. */
static void move_back(wo_event *event, const struct list_link *end, struct engine *from,
                      struct engine *to)
{
    list_for_each (link, &event->selections) {
        if (link == end)
            return;
        selection_change_engine(list_member(link, struct selection, link), from, to);
    }
}

int selection_move_all(wo_event *event, struct engine *from, struct engine *to)
{
    list_for_each (link, &event->selections) {
        struct selection *selection = list_member(link, struct selection, link);
        int code = selection_change_engine(selection, from, to);

        if (code < 0) {
            move_back(event, link, to, from);
            return code;
        }
    }
    return 0;
}
