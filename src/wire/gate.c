#include "wire/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/record.h"

int gate_init(struct gate *gate, const struct clock *clock, struct record *record)
{
    *gate = (struct gate){.clock = clock, .record = record};
    list_init(&gate->programs);
    if (pthread_mutex_init(&gate->turn, NULL))
        return ERROR_MEMORY;
    if (pthread_mutex_init(&gate->lock, NULL)) {
        pthread_mutex_destroy(&gate->turn);
        return ERROR_MEMORY;
    }
    return 0;
}

void gate_done(struct gate *gate)
{
    pthread_mutex_destroy(&gate->turn);
    pthread_mutex_destroy(&gate->lock);
}

/* --- A program's calls --- */

static uint64_t inode_of(int fd)
{
    struct stat status;
    return fd >= 0 && fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static struct endpoint local_endpoint(int fd)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return (struct endpoint){0};
    return endpoint_from_address((struct sockaddr *)&address);
}

/* Calls that belong to no connection are watched for turns, and not recorded. */
static bool recorded(const struct watch_call *call)
{
    static const char *const none[] = {"socket", "bind", "listen"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (strcmp(call->name, none[i]) == 0)
            return false;
    return call->fd >= 0;
}

static void note(struct program *program, int64_t t_ns, const struct watch_call *call,
                 bool returns)
{
    struct gate *gate = program->gate;
    struct record_call half = {.name = call->name,
                               .call = program->call,
                               .returns = returns,
                               .inode = program->inode,
                               .result = call->result};
    if (!recorded(call))
        return;
    if (returns && strcmp(call->name, "accept") == 0 && call->result >= 0) {
        half.new_inode = inode_of((int)call->result);
        half.local = local_endpoint((int)call->result);
        half.peer = call->peer;
        half.has_ends = true;
    } else if (returns && strcmp(call->name, "connect") == 0) {
        half.local = local_endpoint(call->fd);
        half.peer = call->peer;
        half.has_ends = true;
    }
    record_call(gate->record, t_ns, program->place, &half);
    if (gate->on_call)
        gate->on_call(gate->owner, program->place, &half);
}

static void enter(struct watch *watch, const struct watch_call *call)
{
    struct program *program = (struct program *)watch;
    struct gate *gate = program->gate;

    pthread_mutex_lock(&gate->turn);
    program->call = record_next_call(gate->record);
    program->inode = inode_of(call->fd);
    note(program, clock_now_ns(gate->clock), call, false);
    if (call->may_block) {
        atomic_fetch_sub(&gate->running, 1);
        pthread_mutex_unlock(&gate->turn);
    }
}

static void leave(struct watch *watch, const struct watch_call *call)
{
    struct program *program = (struct program *)watch;
    struct gate *gate = program->gate;
    int64_t t_ns = clock_now_ns(gate->clock);

    if (call->may_block) {
        atomic_fetch_add(&gate->running, 1);
        pthread_mutex_lock(&gate->turn);
    }
    note(program, t_ns, call, true);
    pthread_mutex_unlock(&gate->turn);
}

int gate_enter_program(struct gate *gate, enum place place, struct program *ret_program)
{
    int stat = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
    if (stat < 0)
        return error_code_from_errno(errno);
    *ret_program = (struct program){.watch = {.enter = enter, .leave = leave},
                                    .gate = gate,
                                    .place = place,
                                    .stat = stat};
    atomic_fetch_add(&gate->running, 1);
    pthread_mutex_lock(&gate->lock);
    list_append(&gate->programs, &ret_program->link);
    pthread_mutex_unlock(&gate->lock);
    return 0;
}

void gate_leave_program(struct program *program)
{
    struct gate *gate = program->gate;
    pthread_mutex_lock(&gate->lock);
    list_remove(&program->link);
    pthread_mutex_unlock(&gate->lock);
    atomic_fetch_sub(&gate->running, 1);
    close(program->stat);
}

/* --- The wire's side --- */

/* Whether the thread sleeps: a woken one is runnable from the moment the kernel woke it,
 * so that this sees it before it has run at all. */
static bool asleep(const struct program *program)
{
    char text[512];
    ssize_t length = pread(program->stat, text, sizeof text - 1, 0);
    if (length <= 0)
        return false;
    text[length] = '\0';
    const char *name_end = strrchr(text, ')'); /* a thread's name may hold anything */
    return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static bool at_rest(struct gate *gate)
{
    bool rest = atomic_load(&gate->running) == 0;
    pthread_mutex_lock(&gate->lock);
    list_for_each (link, &gate->programs) {
        if (!rest)
            break;
        rest = asleep(list_member(link, struct program, link));
    }
    pthread_mutex_unlock(&gate->lock);
    /* One that slept may have been running again by the time the last was looked at. */
    return rest && atomic_load(&gate->running) == 0;
}

bool gate_settle(struct gate *gate, int64_t patience_ns)
{
    const struct timespec pause = {.tv_nsec = 20 * NS_PER_US};
    int64_t give_up_ns = clock_now_ns(gate->clock) + patience_ns;
    while (!at_rest(gate)) {
        if (clock_now_ns(gate->clock) >= give_up_ns)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

void gate_take_turn(struct gate *gate)
{
    pthread_mutex_lock(&gate->turn);
}

void gate_give_turn(struct gate *gate)
{
    pthread_mutex_unlock(&gate->turn);
}
