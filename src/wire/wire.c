#include "wire/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/inside.h"

static bool has_hosts(enum wire_kind kind)
{
    return kind == WIRE_TUN || kind == WIRE_VETH;
}

const char *wire_kind_word(enum wire_kind kind)
{
    static const char *const words[] = {"best", "tun", "veth", "capture", "calls"};
    return words[kind];
}

/* --- Setting up, of what each kind needs --- */

static int open_diag(struct wire *wire, enum place place, struct error *err)
{
    if (!has_hosts(wire->kind))
        return diag_open(&wire->diag[place], err);
    int status = hosts_enter(&wire->hosts, place, err);
    if (status == 0)
        status = diag_open(&wire->diag[place], err);
    int back = hosts_enter(&wire->hosts, PLACE_WIRE, status ? NULL : err);
    return status ? status : back;
}

static int set_up(struct wire *wire, struct error *err)
{
    int status = 0;
    if (has_hosts(wire->kind)) {
        status = hosts_open(&wire->hosts, err);
        if (status == 0)
            status =
                link_open(&wire->link, wire->kind == WIRE_TUN ? &link_tun : &link_veth,
                          &wire->hosts, err);
    } else if (wire->kind == WIRE_CAPTURE) {
        wire->capture = link_open_stamped("lo", err);
        status = wire->capture < 0 ? wire->capture : 0;
    }
    if (status == 0 && wire->kind == WIRE_VETH)
        status = barrier_open(&wire->barrier, &wire->hosts, err);
    if (status == 0)
        status = open_diag(wire, PLACE_CLIENT, err);
    if (status == 0)
        status = open_diag(wire, PLACE_SERVER, err);
    return status;
}

static struct wire *new_wire(const struct wire_options *options)
{
    struct wire *wire = calloc(1, sizeof *wire);
    pthread_condattr_t attributes;

    if (!wire)
        return NULL;
    wire->options = *options;
    wire->kind = options->kind;
    wire->hosts = (struct hosts){.home = -1, .yard = -1, .host = {-1, -1}};
    wire->link = (struct link){.fd = {-1, -1}, .tap = {-1, -1}};
    wire->capture = -1;
    if (!wire->options.settle_ns)
        wire->options.settle_ns = WIRE_SETTLE_NS;
    wire->diag[0].fd = wire->diag[1].fd = -1;
    barrier_init(&wire->barrier);
    wire->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    list_init(&wire->injections);
    list_init(&wire->held);
    list_init(&wire->pairs);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (wire->wake < 0 || record_init(&wire->record) ||
        gate_init(&wire->gate, &clock_monotonic, &wire->record) ||
        pthread_mutex_init(&wire->lock, NULL) ||
        pthread_cond_init(&wire->moved, &attributes)) {
        if (wire->wake >= 0)
            close(wire->wake);
        free(wire);
        wire = NULL;
    }
    pthread_condattr_destroy(&attributes);
    return wire;
}

int wire_probe(enum wire_kind kind, struct error *err)
{
    int report[2];
    struct error reason = {0};

    if (pipe(report) < 0)
        return error_set_system(err, errno, "a pipe");
    pid_t child = fork();
    if (child < 0) {
        int system = errno;
        close(report[0]);
        close(report[1]);
        return error_set_system(err, system, "a child to try with");
    }
    if (child == 0) {
        struct wire *wire = new_wire(&(struct wire_options){.kind = kind});
        int status =
            wire ? set_up(wire, &reason) : error_set(&reason, ERROR_MEMORY, "no memory");
        /* The pipe holds far more than this; a short write shows as a short read. */
        ssize_t written = status ? write(report[1], &reason, sizeof reason) : 0;
        _exit(written < 0);
    }
    close(report[1]);
    ssize_t length = read(report[0], &reason, sizeof reason);
    close(report[0]);
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (length == (ssize_t)sizeof reason) {
        if (err)
            *err = reason;
        return reason.code;
    }
    if (length != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(err, ERROR_SYSTEM, "the try ended by itself");
    return 0;
}

/* The best kind that can be had; why the better ones cannot. */
static enum wire_kind choose(char *why_not, size_t size)
{
    static const enum wire_kind kinds[] = {WIRE_TUN, WIRE_VETH, WIRE_CAPTURE};
    size_t length = 0;
    why_not[0] = '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct error reason = {0};
        if (wire_probe(kinds[i], &reason) == 0)
            return kinds[i];
        int written = snprintf(why_not + length, size - length, "%s%s",
                               length ? "; " : "", reason.sentence);
        if (written > 0 && (size_t)written < size - length)
            length += (size_t)written;
    }
    return WIRE_CALLS;
}

static void *run(void *owner)
{
    struct wire *wire = owner;
    if (has_hosts(wire->kind))
        relay_run(wire);
    else
        loopback_run(wire);
    return NULL;
}

int wire_open(const struct wire_options *options, struct wire **ret_wire,
              struct error *err)
{
    struct wire *wire = new_wire(options);
    if (!wire)
        return error_set(err, ERROR_MEMORY, "no memory for a wire");
    if (wire->kind == WIRE_BEST)
        wire->kind = choose(wire->why_not_better, sizeof wire->why_not_better);
    int status = set_up(wire, err);
    if (status == 0) {
        if (wire->kind == WIRE_CALLS) {
            wire->gate.on_call = loopback_on_call;
            wire->gate.owner = wire;
        }
        wire->last_moved_ns = clock_now_ns(wire->gate.clock);
        int system = pthread_create(&wire->thread, NULL, run, wire);
        wire->thread_started = system == 0;
        if (system)
            status = error_set_system(err, system, "a thread for the wire");
    }
    if (status) {
        wire_close(&wire);
        return status;
    }
    *ret_wire = wire;
    return 0;
}

static void stop_thread(struct wire *wire)
{
    uint64_t one = 1;
    if (!wire->thread_started)
        return;
    atomic_store(&wire->stop, true);
    ssize_t woken = write(wire->wake, &one, sizeof one);
    (void)woken; /* it looks around by itself every WIRE_IDLE_NS all the same */
    pthread_join(wire->thread, NULL);
    wire->thread_started = false;
}

void wire_close(struct wire **wire_pointer)
{
    struct wire *wire = *wire_pointer;
    if (!wire)
        return;
    stop_thread(wire);
    list_for_each_safe (link, &wire->pairs)
        free(list_member(link, struct wire_pair, link));
    diag_close(&wire->diag[0]);
    diag_close(&wire->diag[1]);
    barrier_close(&wire->barrier);
    link_close(&wire->link);
    if (wire->capture >= 0)
        close(wire->capture);
    hosts_close(&wire->hosts);
    gate_done(&wire->gate);
    record_done(&wire->record);
    pthread_cond_destroy(&wire->moved);
    pthread_mutex_destroy(&wire->lock);
    close(wire->wake);
    free(wire);
    *wire_pointer = NULL;
}

/* --- For programs and whoever set them up --- */

enum wire_kind wire_kind(const struct wire *wire)
{
    return wire->kind;
}

const char *wire_why_not_better(const struct wire *wire)
{
    return wire->why_not_better;
}

struct endpoint wire_server(const struct wire *wire, uint16_t port)
{
    const uint8_t *address = link_addresses[PLACE_SERVER];
    if (has_hosts(wire->kind))
        return endpoint_ipv4(address[0], address[1], address[2], address[3], port);
    return endpoint_ipv4(127, 9, 0, 2, port);
}

int wire_enter_program(struct wire *wire, enum place place, struct program *ret_program,
                       struct error *err)
{
    if (has_hosts(wire->kind)) {
        int status = hosts_enter(&wire->hosts, place, err);
        if (status)
            return status;
    }
    int status = gate_enter_program(&wire->gate, place, ret_program);
    return status ? error_set(err, status, "a program's thread cannot be watched: /proc")
                  : 0;
}

void wire_leave_program(struct program *program)
{
    gate_leave_program(program);
}

int wire_set(struct wire *wire, enum place place, const char *name, const char *value,
             struct error *err)
{
    if (!has_hosts(wire->kind))
        return error_set(err, ERROR_UNSUPPORTED,
                         "%s cannot be set on the loopback, which is everybody's", name);
    return hosts_set(&wire->hosts, place, name, value, err);
}

int wire_at_rest(struct wire *wire, void (*look)(void *owner, struct wire *wire),
                 void *owner, int64_t patience_ns)
{
    uint64_t one = 1;
    int64_t give_up_ns = clock_now_ns(wire->gate.clock) + patience_ns;
    struct timespec until = {give_up_ns / NS_PER_S, give_up_ns % NS_PER_S};
    int status = 0;

    if (!has_hosts(wire->kind))
        return ERROR_UNSUPPORTED;
    pthread_mutex_lock(&wire->lock);
    wire->look = look;
    wire->look_owner = owner;
    ssize_t woken = write(wire->wake, &one, sizeof one);
    (void)woken; /* it looks around by itself every WIRE_IDLE_NS all the same */
    while (wire->look && (status == 0 || wire->looking)) {
        if (wire->looking)
            pthread_cond_wait(&wire->moved, &wire->lock);
        else if (wire->failed || atomic_load(&wire->stop))
            status = ERROR_ABORTED;
        else if (clock_now_ns(wire->gate.clock) >= give_up_ns)
            status = ERROR_TIMED_OUT;
        else
            pthread_cond_timedwait(&wire->moved, &wire->lock, &until);
    }
    if (!wire->look)
        status = 0;
    wire->look = NULL;
    pthread_mutex_unlock(&wire->lock);
    return status;
}

int wire_ask(struct wire *wire, enum place place, const struct endpoint *client,
             const struct endpoint *server, struct diag_answer *ret_answer)
{
    const struct endpoint *local = place == PLACE_CLIENT ? client : server;
    const struct endpoint *remote = place == PLACE_CLIENT ? server : client;
    return diag_ask(&wire->diag[place], local, remote, ret_answer);
}

int wire_wait_quiet(struct wire *wire, int64_t quiet_ns, int64_t patience_ns)
{
    int64_t give_up_ns = clock_now_ns(wire->gate.clock) + patience_ns;
    int status = 0;

    pthread_mutex_lock(&wire->lock);
    for (;;) {
        /* By the wire's own looks, not by the clock: its thread may have been kept from looking. */
        if (wire->on_the_way == 0 && wire->looked_ns - wire->last_moved_ns >= quiet_ns)
            break;
        if (clock_now_ns(wire->gate.clock) >= give_up_ns) {
            status = ERROR_TIMED_OUT;
            break;
        }
        struct timespec until = {give_up_ns / NS_PER_S, give_up_ns % NS_PER_S};
        pthread_cond_timedwait(&wire->moved, &wire->lock, &until);
    }
    pthread_mutex_unlock(&wire->lock);
    return status;
}

int wire_stop(struct wire *wire)
{
    bool grown;
    stop_thread(wire);
    gate_take_turn(&wire->gate);
    int64_t now_ns = clock_now_ns(wire->gate.clock);
    list_for_each (link, &wire->pairs) {
        const struct wire_pair *pair = list_member(link, struct wire_pair, link);
        wire_look(wire, PLACE_CLIENT, pair, now_ns);
        wire_look(wire, PLACE_SERVER, pair, now_ns);
    }
    gate_give_turn(&wire->gate);
    int status = record_flush(&wire->record, &grown);
    for (size_t i = 0; i < record_story_count(&wire->record); i++) {
        struct story *story = record_story(&wire->record, i);
        int inferred = story_infer_states(story), judged = story_judge(story);
        status = status ? status : inferred ? inferred : judged;
    }
    return status ? status : wire->failed;
}

size_t wire_story_count(const struct wire *wire)
{
    return record_story_count(&wire->record);
}

struct story *wire_story(const struct wire *wire, size_t index)
{
    return record_story(&wire->record, index);
}
