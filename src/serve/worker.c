#include "serve/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/call.h"
#include "serve/log.h"
#include "text/text.h"
#include "trust/door.h"
#include "trust/token_store.h"

enum { READY_AT_ONCE = 256 };
#define REVIEW_NS (2 * NS_PER_S)

struct arrival {
    struct arrival *next;
    enum arrival_kind kind;
    int fd;
    wo_event *event;
    struct endpoint peer;
};

struct guest {
    struct task task;
    struct worker *worker;
    struct door_guest at_door;
    struct list_link link;
};

/* --- Guests --- */

static void forget(struct guest *guest)
{
    list_remove(&guest->link);
    free(guest);
}

static void adopt(struct worker *worker, struct door_guest *at_door)
{
    uint32_t token = (uint32_t)strtoul(at_door->token_id, NULL, 16);
    if (token && worker->review_ns == INT64_MAX)
        worker->review_ns = worker->now_ns + REVIEW_NS;
    desk_adopt(worker->desk, &at_door->channel, at_door->name, at_door->client_id, token);
}

static void welcome(struct guest *guest)
{
    struct worker *worker = guest->worker;
    struct door_guest *at_door = &guest->at_door;
    if (at_door->business == BUSINESS_TEXT) {
        adopt(worker, at_door);
    } else if (at_door->business == BUSINESS_FILE && worker->files.adopt) {
        wo_set_remove(worker->set, at_door->channel.event);
        worker->files.adopt(worker->files.owner, at_door);
    } else {
        refusal_send(&at_door->channel, 0, FRAME_ERROR_BUSINESS, true, 0,
                     "the server does not do that business");
        channel_close(&at_door->channel);
    }
}

static void step(struct guest *guest)
{
    struct worker *worker = guest->worker;
    switch (door_step(&guest->at_door, &worker->scratch, worker->now_ns)) {
    case DOOR_STILL: return;
    case DOOR_READY: welcome(guest); break;
    case DOOR_OVER:
        if (guest->at_door.refused) {
            atomic_fetch_add(&worker->refused, 1);
            log_event(LOG_WARNING, "refused", &guest->at_door.channel.peer,
                      guest->at_door.why);
        }
        door_dismiss(&guest->at_door);
        break;
    }
    forget(guest);
}

static void guest_ready(struct task *task)
{
    step((struct guest *)task);
}

static void admit(struct worker *worker, const struct arrival *arrival)
{
    wo_event *event = arrival->event;
    struct guest *guest = calloc(1, sizeof *guest);
    if (!guest) {
        wo_close(arrival->fd);
        wo_event_free(&event);
        return;
    }
    guest->task.ready = guest_ready;
    guest->worker = worker;
    int code = door_admit(worker->door, arrival->fd, event, &arrival->peer, NULL,
                          worker->now_ns, &guest->at_door);
    if (code) {
        if (code == -EBUSY)
            log_event(LOG_WARNING, "too-many-strangers", &arrival->peer, NULL);
        free(guest);
        return;
    }
    list_append(&worker->guests, &guest->link);
    if (wo_set_add(worker->set, guest->at_door.channel.event, &guest->task)) {
        door_dismiss(&guest->at_door);
        forget(guest);
        return;
    }
    step(guest);
}

/* --- What is handed over --- */

void worker_hand(struct worker *worker, enum arrival_kind kind, int fd, wo_event *event,
                 const struct endpoint *peer)
{
    struct arrival *arrival = malloc(sizeof *arrival);
    if (!arrival) {
        wo_close(fd);
        wo_event_free(&event);
        return;
    }
    *arrival = (struct arrival){.kind = kind, .fd = fd, .event = event, .peer = *peer};
    pthread_mutex_lock(&worker->lock);
    bool wake = !worker->first;
    if (worker->last)
        worker->last->next = arrival;
    else
        worker->first = arrival;
    worker->last = arrival;
    pthread_mutex_unlock(&worker->lock);
    if (wake)
        wo_event_set(worker->wake);
}

static void take(struct worker *worker, const struct arrival *arrival)
{
    if (arrival->kind == ARRIVAL_LINES)
        desk_adopt_lines(worker->desk, arrival->fd, arrival->event, &arrival->peer);
    else
        admit(worker, arrival);
}

static void take_handed(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    struct arrival *arrival = worker->first;
    worker->first = worker->last = NULL;
    bool stop = worker->stop;
    int64_t by_ns = worker->stop_by_ns;
    pthread_mutex_unlock(&worker->lock);
    for (struct arrival *next; arrival; arrival = next) {
        next = arrival->next;
        take(worker, arrival);
        free(arrival);
    }
    if (stop && !worker->drain_by_ns) {
        worker->drain_by_ns = by_ns;
        desk_drain(worker->desk);
    }
}

static void woken(struct task *task)
{
    (void)task; /* what was handed over is taken in every turn */
}

/* --- The thread --- */

static bool is_done(const struct worker *worker)
{
    if (!worker->drain_by_ns)
        return false;
    return worker->now_ns >= worker->drain_by_ns ||
           (desk_is_empty(worker->desk) && list_empty(&worker->guests));
}

static bool stays(void *owner, uint32_t token)
{
    const struct worker *worker = owner;
    char id[TOKEN_ID_TEXT];
    snprintf(id, sizeof id, "%08x", token);
    return token_store_has(worker->tokens, id, time(NULL));
}

/* A token that was revoked, or has expired, is good no more for who came in with it, too. */
static void review(struct worker *worker)
{
    if (worker->now_ns >= worker->review_ns)
        worker->review_ns = desk_review(worker->desk, stays, worker)
                                ? worker->now_ns + REVIEW_NS
                                : INT64_MAX;
}

static void turn(struct worker *worker, int64_t *next_ns)
{
    wo_ready ready[READY_AT_ONCE];
    int64_t wait_ns = WO_FOREVER;
    int64_t until_ns = *next_ns;
    if (worker->drain_by_ns && worker->drain_by_ns < until_ns)
        until_ns = worker->drain_by_ns;
    if (worker->review_ns < until_ns)
        until_ns = worker->review_ns;
    if (until_ns != INT64_MAX) {
        int64_t now_ns = clock_monotonic_ns();
        wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    }
    int count = call_set_wait(NULL, worker->set, ready, READY_AT_ONCE, wait_ns);
    worker->now_ns = clock_monotonic_ns();
    desk_begin(worker->desk, worker->now_ns);
    for (int i = 0; i < count; i++) {
        struct task *task = ready[i].owner;
        task->ready(task);
    }
    take_handed(worker);
    review(worker);
    *next_ns = desk_turn(worker->desk);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    int64_t next_ns = INT64_MAX;
    while (!is_done(worker))
        turn(worker, &next_ns);
    list_for_each_safe (link, &worker->guests) {
        struct guest *guest = list_member(link, struct guest, link);
        door_dismiss(&guest->at_door);
        forget(guest);
    }
    desk_close(worker->desk);
    return NULL;
}

static void close_all(struct worker *worker)
{
    wo_event_free(&worker->wake);
    wo_set_free(&worker->set);
    channel_scratch_done(&worker->scratch);
    pthread_mutex_destroy(&worker->lock);
}

int worker_start(struct worker *worker, struct desk *desk, struct door *door,
                 struct token_store *tokens, const struct server_files *files)
{
    *worker = (struct worker){.task.ready = woken,
                              .desk = desk,
                              .door = door,
                              .tokens = tokens,
                              .files = *files,
                              .review_ns = INT64_MAX};
    worker->now_ns = clock_monotonic_ns();
    pthread_mutex_init(&worker->lock, NULL);
    list_init(&worker->guests);
    int code = channel_scratch_init(&worker->scratch, CHANNEL_SCRATCH_BYTES);
    if (!code)
        code = wo_set_new(&worker->set);
    if (!code)
        code = wo_event_new(WO_AUTO_RESET, &worker->wake);
    if (!code)
        code = wo_set_add(worker->set, worker->wake, &worker->task);
    if (!code)
        code = desk_open(desk, worker->set, &worker->scratch);
    if (!code) {
        code = -pthread_create(&worker->thread, NULL, run, worker);
        if (code)
            desk_close(desk);
    }
    if (code)
        close_all(worker);
    return code;
}

void worker_stop(struct worker *worker, int64_t by_ns)
{
    pthread_mutex_lock(&worker->lock);
    worker->stop = true;
    worker->stop_by_ns = by_ns;
    pthread_mutex_unlock(&worker->lock);
    wo_event_set(worker->wake);
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    close_all(worker);
}
