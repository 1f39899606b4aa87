/* What holds always: a caller is in the list of his thread, and of no other, from the inbox to his end;
 * only that thread touches him. The last thing a thread does before it waits is to clear away callers
 * that are over, so that none disappears while a frame of his is being read. */
#include "file/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/service_state.h"
#include "file/shelf.h"

enum {
    NICENESS = 10,
    USUAL_CONNECTIONS = 16,
    MOST_THREADS = 64,
    DISK_THREADS = 2,
    READY_AT_ONCE = 64,
    LEAVING_S = 5,
    EXPIRE_EVERY_S = 3600
};
#define EXPIRE_AGE_NS (INT64_C(7) * 24 * 3600 * NS_PER_S)
#define MOST_TICK_NS (1 * NS_PER_S)

/* --- Callers --- */

static void end_transfer(struct thread *thread, struct transfer *transfer);

static void come_back(struct caller *caller)
{
    if (!list_linked(&caller->again))
        list_append(&caller->thread->again, &caller->again);
}

static void set_over(struct caller *caller)
{
    caller->state = CALLER_OVER;
    come_back(caller);
}

static void free_caller(struct caller *caller)
{
    list_remove(&caller->among);
    list_remove(&caller->again);
    link_done(&caller->link);
    atomic_fetch_sub(&caller->thread->service->connections, 1);
    free(caller);
}

/* He leaves his transfer; one whose control connection goes is broken off. */
static void leave_transfer(struct caller *caller)
{
    struct transfer *transfer = caller->transfer;
    if (!transfer)
        return;
    bool control = list_first(&transfer->links) == &caller->link.place;
    transfer_detach(transfer, &caller->link);
    caller->transfer = NULL;
    if (control)
        end_transfer(caller->thread, transfer);
}

/* Tells why, and closes in good order. */
void service_refuse(struct caller *caller, enum frame_error code, const char *sentence)
{
    leave_transfer(caller);
    if (refusal_send(&caller->link.channel, 0, code, true, 0, sentence)) {
        set_over(caller);
        return;
    }
    caller->state = CALLER_LEAVING;
    caller->leaving_by_ns = caller->thread->now_ns + LEAVING_S * NS_PER_S;
    come_back(caller);
}

/* The link said so. */
static void end_caller(struct caller *caller, int code)
{
    if (code == -EBADMSG)
        service_refuse(caller, FRAME_ERROR_MALFORMED,
                       "a frame of files that makes no sense");
    else if (code == -EMSGSIZE)
        service_refuse(caller, FRAME_ERROR_TOO_LARGE, "a frame longer than the limit");
    else if (code == -ENOMEM)
        service_refuse(caller, FRAME_ERROR_INTERNAL, "the server has no memory left");
    else {
        leave_transfer(caller);
        set_over(caller);
    }
}

/* The other links go with the control connection. */
static void end_transfer(struct thread *thread, struct transfer *transfer)
{
    list_for_each_safe (place, &transfer->links) {
        struct caller *caller = (struct caller *)list_member(place, struct link, place);
        transfer_detach(transfer, &caller->link);
        caller->transfer = NULL;
        set_over(caller);
    }
    const struct tally tally = transfer_tally(transfer);
    atomic_fetch_add(transfer->sending ? &thread->service->sent_bytes
                                       : &thread->service->received_bytes,
                     tally.moved_bytes);
    list_remove(&transfer->place);
    transfer_done(transfer);
    free(transfer);
}

/* --- Serving one --- */

static void stir(struct transfer *transfer)
{
    transfer->stirred = false;
    list_for_each (place, &transfer->links)
        come_back((struct caller *)list_member(place, struct link, place));
}

/* 1: come back. */
static int serve_new(struct caller *caller)
{
    struct thread *thread = caller->thread;
    struct frame frame;
    int code = channel_enumerate(&caller->link.channel, NULL);
    while (code >= 0 && caller->state == CALLER_NEW &&
           (code = channel_next(&caller->link.channel, &thread->scratch, &frame)) == 1) {
        caller->link.heard_ns = thread->now_ns;
        caller->link.pinged_ns = 0;
        code = service_take_request(caller, &frame);
        code = code > 0 ? 0 : code;
    }
    return code < 0 ? code : caller->state == CALLER_AT_WORK;
}

static void serve(struct caller *caller)
{
    struct thread *thread = caller->thread;
    int code = 0;
    if (caller->state == CALLER_LEAVING) {
        channel_enumerate(&caller->link.channel, NULL);
        if (channel_drain(&caller->link.channel, &thread->scratch) != 0)
            set_over(caller);
        return;
    }
    if (caller->state == CALLER_NEW)
        code = serve_new(caller);
    else if (caller->state == CALLER_AT_WORK)
        code = transfer_serve(caller->transfer, &caller->link, &thread->scratch,
                              thread->now_ns);
    if (code < 0)
        end_caller(caller, code);
    else if (code == 1)
        come_back(caller);
    if (caller->transfer && caller->transfer->stirred)
        stir(caller->transfer);
}

/* --- The loop --- */

static void take_inbox(struct thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    wo_event_reset(thread->inbox_event);
    while (!list_empty(&thread->inbox)) {
        struct caller *caller =
            list_member(list_first(&thread->inbox), struct caller, among);
        list_remove(&caller->among);
        list_append(&thread->callers, &caller->among);
        come_back(caller);
        if (wo_set_add(thread->set, caller->link.channel.event, caller))
            set_over(caller);
    }
    pthread_mutex_unlock(&thread->lock);
}

/* Jobs that are done have something to say on the control connections of their transfers. */
static void take_disk(struct thread *thread)
{
    for (struct disk_job *job; (job = disk_port_take(&thread->port));)
        receiving_settle(job); /* a link that failed says so when it is served next */
    list_for_each (place, &thread->transfers)
        stir(list_member(place, struct transfer, place));
}

/* A connection that takes nothing of what it asked for: what is under way there goes over the others. */
static bool is_stalled(const struct caller *caller, int64_t heartbeat_ns)
{
    const struct transfer *transfer = caller->transfer;
    return transfer && transfer->sending && transfer->link_count > 1 &&
           list_first(&transfer->links) != &caller->link.place &&
           sending_waits_for(transfer->sending, &caller->link) &&
           caller->thread->now_ns - caller->link.moved_ns > heartbeat_ns;
}

static void drop_stalled(struct caller *caller)
{
    struct transfer *transfer = caller->transfer;
    leave_transfer(caller);
    set_over(caller);
    stir(transfer);
}

/* Who has not said anything is asked, and who does not answer is dead. */
static void look_at_clock(struct thread *thread)
{
    int64_t heartbeat_ns = thread->service->options.heartbeat_ns;
    wo_event_reset(thread->tick);
    list_for_each (place, &thread->callers) {
        struct caller *caller = list_member(place, struct caller, among);
        struct link *link = &caller->link;
        int64_t silent_ns = thread->now_ns - link->heard_ns;
        if (caller->state == CALLER_LEAVING) {
            if (thread->now_ns > caller->leaving_by_ns)
                set_over(caller);
        } else if (caller->state == CALLER_OVER) {
            continue;
        } else if (is_stalled(caller, heartbeat_ns)) {
            drop_stalled(caller);
        } else if (silent_ns > 2 * heartbeat_ns) {
            service_refuse(caller, FRAME_ERROR_TIMEOUT, "nothing was heard for too long");
        } else if (silent_ns > heartbeat_ns && !link->pinged_ns &&
                   link_ping(link, thread->now_ns)) {
            end_caller(caller, -ECONNRESET);
        }
    }
    struct file_service *service = thread->service;
    if (thread == service->threads && service->shelf &&
        thread->now_ns > service->expire_ns) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        shelf_expire(service->shelf, now.tv_sec * NS_PER_S, EXPIRE_AGE_NS);
        service->expire_ns = thread->now_ns + EXPIRE_EVERY_S * NS_PER_S;
    }
}

static void take_ready(struct thread *thread, const wo_ready *ready)
{
    if (ready->event == thread->inbox_event)
        take_inbox(thread);
    else if (ready->event == thread->port.event)
        take_disk(thread);
    else if (ready->event == thread->tick)
        look_at_clock(thread);
    else if (ready->owner)
        come_back(ready->owner);
}

/* Everybody in the list has one turn; who comes back meanwhile has the next one in the next round. */
static void serve_all(struct thread *thread)
{
    struct list round;
    list_init(&round);
    while (!list_empty(&thread->again)) {
        struct list_link *place = list_first(&thread->again);
        list_remove(place);
        list_append(&round, place);
    }
    while (!list_empty(&round)) {
        struct caller *caller = list_member(list_first(&round), struct caller, again);
        list_remove(&caller->again);
        if (caller->state == CALLER_OVER)
            free_caller(caller);
        else
            serve(caller);
    }
}

static bool is_ending(struct thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    bool ending = thread->ending;
    pthread_mutex_unlock(&thread->lock);
    return ending;
}

static void end_all(struct thread *thread)
{
    take_inbox(thread);
    list_for_each_safe (place, &thread->callers) {
        struct caller *caller = list_member(place, struct caller, among);
        leave_transfer(caller);
        refusal_send(&caller->link.channel, 0, FRAME_ERROR_DRAINING, true, 0,
                     "the server ends");
    }
    list_for_each_safe (place, &thread->callers)
        free_caller(list_member(place, struct caller, among));
    disk_port_wait(&thread->port);
    for (struct disk_job *job; (job = disk_port_take(&thread->port));)
        receiving_settle(job);
}

static void *run(void *argument)
{
    struct thread *thread = argument;
    wo_ready ready[READY_AT_ONCE];
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
    int64_t tick_ns = thread->service->options.heartbeat_ns / 2;
    tick_ns = tick_ns < MOST_TICK_NS ? tick_ns : MOST_TICK_NS;
    wo_timer_set(thread->tick, tick_ns, tick_ns);
    while (!is_ending(thread)) {
        int64_t timeout_ns = list_empty(&thread->again) ? WO_FOREVER : 0;
        int count = wo_set_wait(thread->set, ready, READY_AT_ONCE, timeout_ns);
        thread->now_ns = clock_monotonic_ns();
        for (int i = 0; i < count; i++)
            take_ready(thread, &ready[i]);
        serve_all(thread);
    }
    end_all(thread);
    return NULL;
}

/* --- Life --- */

static int start_thread(struct file_service *service, struct thread *thread,
                        struct error *err)
{
    thread->service = service;
    list_init(&thread->callers);
    list_init(&thread->again);
    list_init(&thread->transfers);
    list_init(&thread->inbox);
    pthread_mutex_init(&thread->lock, NULL);
    thread->now_ns = clock_monotonic_ns();
    int code = disk_port_init(&thread->port, err);
    if (code)
        return code;
    code = wo_set_new(&thread->set);
    if (!code)
        code = wo_event_new(WO_MANUAL_RESET, &thread->inbox_event);
    if (!code)
        code = wo_event_new(WO_MANUAL_RESET, &thread->tick);
    if (!code)
        code = channel_scratch_init(&thread->scratch, CHANNEL_SCRATCH_BYTES);
    if (!code)
        code = wo_set_add(thread->set, thread->inbox_event, NULL);
    if (!code)
        code = wo_set_add(thread->set, thread->tick, NULL);
    if (!code)
        code = wo_set_add(thread->set, thread->port.event, NULL);
    if (!code)
        code = -pthread_create(&thread->thread, NULL, run, thread);
    return code ? error_set_system(err, -code, "starting a thread for files") : 0;
}

static void free_thread(struct thread *thread)
{
    channel_scratch_done(&thread->scratch);
    wo_event_free(&thread->inbox_event);
    wo_event_free(&thread->tick);
    disk_port_done(&thread->port);
    wo_set_free(&thread->set);
    pthread_mutex_destroy(&thread->lock);
}

static int start_threads(struct file_service *service, unsigned count, struct error *err)
{
    service->threads = calloc(count, sizeof *service->threads);
    if (!service->threads)
        return error_set(err, ERROR_MEMORY, "no memory for the file service");
    int code = 0;
    for (; !code && service->thread_count < count; service->thread_count++) {
        code = start_thread(service, &service->threads[service->thread_count], err);
        service->started += !code;
    }
    return code;
}

static unsigned usual_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 2 ? 2 : cores > MOST_THREADS ? MOST_THREADS : (unsigned)cores;
}

int file_service_new(const struct file_service_options *options,
                     struct file_service **ret_service, struct error *err)
{
    struct file_service *service = calloc(1, sizeof *service);
    if (!service)
        return error_set(err, ERROR_MEMORY, "no memory for the file service");
    service->options = *options;
    if (!options->heartbeat_ns)
        service->options.heartbeat_ns = GREETING_HEARTBEAT_MS * NS_PER_MS;
    if (!options->connections)
        service->options.connections = USUAL_CONNECTIONS;
    unsigned count = options->threads ? options->threads : usual_threads();
    int code = options->sink
                   ? 0
                   : shelf_open(options->files, options->incoming, &service->shelf, err);
    if (!code)
        code = disk_new(DISK_THREADS, NICENESS, &service->disk, err);
    if (!code)
        code = start_threads(service, count, err);
    if (code) {
        file_service_free(&service);
        return code;
    }
    *ret_service = service;
    return 0;
}

void file_service_free(struct file_service **pointer)
{
    struct file_service *service = *pointer;
    if (!service)
        return;
    for (unsigned i = 0; i < service->started; i++) {
        struct thread *thread = &service->threads[i];
        pthread_mutex_lock(&thread->lock);
        thread->ending = true;
        wo_event_set(thread->inbox_event);
        pthread_mutex_unlock(&thread->lock);
    }
    for (unsigned i = 0; i < service->started; i++)
        pthread_join(service->threads[i].thread, NULL);
    for (unsigned i = 0; i < service->thread_count; i++)
        free_thread(&service->threads[i]);
    disk_free(&service->disk);
    shelf_close(&service->shelf);
    free(service->threads);
    free(service);
    *pointer = NULL;
}

/* A client's connections all come to the same thread: its transfers' links share their state. */
static struct thread *thread_of(struct file_service *service, const uint8_t *client_id)
{
    const struct check check = check_of(client_id, GREETING_CLIENT_ID_BYTES);
    return &service->threads[check.bytes[0] % service->thread_count];
}

void file_service_adopt(struct file_service *service, struct channel *channel,
                        const struct file_guest *guest)
{
    struct caller *caller = calloc(1, sizeof *caller);
    if (!caller || link_init(&caller->link, channel, clock_monotonic_ns())) {
        channel_close(channel);
        free(caller);
        return;
    }
    struct thread *thread = thread_of(service, guest->client_id);
    caller->thread = thread;
    memcpy(caller->client_id, guest->client_id, sizeof caller->client_id);
    strncpy(caller->name, guest->name, sizeof caller->name - 1);
    atomic_fetch_add(&service->connections, 1);
    pthread_mutex_lock(&thread->lock);
    list_append(&thread->inbox, &caller->among);
    wo_event_set(thread->inbox_event);
    pthread_mutex_unlock(&thread->lock);
}

struct file_service_counts file_service_counts(const struct file_service *service)
{
    return (struct file_service_counts){.connections = service->connections,
                                        .received_bytes = service->received_bytes,
                                        .sent_bytes = service->sent_bytes,
                                        .received_roots = service->received_roots,
                                        .sent_roots = service->sent_roots,
                                        .failed_roots = service->failed_roots};
}
