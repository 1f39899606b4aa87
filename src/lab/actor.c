#include "lab/actor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

/* More than this may not fit the socket's buffer: such a send may sleep. */
enum { SEND_AT_ONCE = 16384 };

/* --- The calls --- */

static struct sockaddr_in address_of(const struct endpoint *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(endpoint->port)};
    memcpy(&address.sin_addr, endpoint->address, 4);
    return address;
}

static int set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

static int set_option(int fd, const struct lab_do *order)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    switch (order->option) {
    case OPTION_REUSEADDR: return set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    case OPTION_NODELAY: return set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    case OPTION_QUICKACK: return set(fd, IPPROTO_TCP, TCP_QUICKACK, order->value[0]);
    case OPTION_RCVBUF: return set(fd, SOL_SOCKET, SO_RCVBUF, order->value[0]);
    case OPTION_SNDBUF: return set(fd, SOL_SOCKET, SO_SNDBUF, order->value[0]);
    case OPTION_LINGER:
        return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    case OPTION_KEEPALIVE:
        if (set(fd, IPPROTO_TCP, TCP_KEEPIDLE, order->value[0]) < 0 ||
            set(fd, IPPROTO_TCP, TCP_KEEPINTVL, order->value[1]) < 0 ||
            set(fd, IPPROTO_TCP, TCP_KEEPCNT, order->value[2]) < 0)
            return -1;
        return set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    }
    return 0;
}

static int bind_port(int fd, uint16_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    return bind(fd, (struct sockaddr *)&any, sizeof any);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in here = {0};
    socklen_t length = sizeof here;
    return getsockname(fd, (struct sockaddr *)&here, &length) < 0 ? 0
                                                                  : ntohs(here.sin_port);
}

/* A socket that was bound already has its port. */
static int bind_and_listen(struct actor *actor, const struct lab_do *order)
{
    if (!port_of(actor->fd) && bind_port(actor->fd, order->port) < 0)
        return -1;
    actor->listens = listen(actor->fd, order->backlog) == 0;
    return actor->listens ? 0 : -1;
}

static int64_t connect_there(struct actor *actor, const struct lab_do *order)
{
    struct sockaddr_in there = address_of(&actor->peer);
    if (!order->text)
        return connect(actor->fd, (struct sockaddr *)&there, sizeof there);
    /* Data with the SYN: RFC 7413. */
    return sendto(actor->fd, order->text, order->length, MSG_FASTOPEN | MSG_NOSIGNAL,
                  (struct sockaddr *)&there, sizeof there);
}

static int64_t send_it(int fd, const struct lab_do *order)
{
    if (order->text)
        return send(fd, order->text, order->length, MSG_NOSIGNAL);
    char *filling = malloc(order->length);
    if (!filling)
        return errno = ENOMEM, -1;
    memset(filling, 'x', order->length);
    int64_t result = send(fd, filling, order->length, MSG_NOSIGNAL);
    int system = errno;
    free(filling);
    errno = system;
    return result;
}

static int64_t receive(int fd, const struct lab_do *order, struct actor_call *entry)
{
    char *bytes = malloc(order->most);
    if (!bytes)
        return errno = ENOMEM, -1;
    int64_t result = recv(fd, bytes, order->most, order->all ? MSG_WAITALL : 0);
    int system = errno;
    if (result > 0) {
        size_t kept = result < ACTOR_HEARD ? (size_t)result : ACTOR_HEARD - 1;
        memcpy(entry->heard, bytes, kept);
    }
    free(bytes);
    errno = system;
    return result;
}

static int64_t make(struct actor *actor, const struct lab_do *order,
                    struct actor_call *entry)
{
    int fd = actor->fd;
    switch (order->call) {
    case CALL_LISTEN: return bind_and_listen(actor, order);
    case CALL_BIND: return bind_port(fd, order->port);
    case CALL_CONNECT: return connect_there(actor, order);
    case CALL_ACCEPT: return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    case CALL_SEND: return send_it(fd, order);
    case CALL_RECV: return receive(fd, order, entry);
    case CALL_SHUTDOWN: return shutdown(fd, SHUT_WR);
    case CALL_SET: return set_option(fd, order);
    case CALL_CLOSE: actor->fd = -1; return close(fd);
    }
    return 0;
}

static bool may_sleep(const struct lab_do *order)
{
    return order->call == CALL_CONNECT || order->call == CALL_ACCEPT ||
           order->call == CALL_RECV ||
           (order->call == CALL_SEND && order->length > SEND_AT_ONCE);
}

/* Settings of a socket are no events of a connection. */
static bool is_event(enum lab_call call)
{
    return call != CALL_SET && call != CALL_BIND && call != CALL_LISTEN;
}

/* A program has a socket from its first call on, and one that connects has its port before
 * it does: so whoever looks knows which connection is whose. */
static void prepare(struct actor *actor, const struct lab_do *order)
{
    if (actor->fd < 0)
        actor->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (order->call != CALL_CONNECT)
        return;
    if (actor->port && !port_of(actor->fd))
        bind_port(actor->fd, actor->port);
    actor->local_port = port_of(actor->fd);
}

static struct endpoint peer_of(int fd)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    if (getpeername(fd, (struct sockaddr *)&from, &length) < 0)
        return (struct endpoint){0};
    return endpoint_from_address((struct sockaddr *)&from);
}

static void carry_out(struct actor *actor, const struct lab_do *order,
                      struct actor_call *entry)
{
    prepare(actor, order);
    struct watch_call call = {.name = lab_call_word(order->call),
                              .fd = is_event(order->call) ? actor->fd : -1,
                              .may_block = may_sleep(order)};
    if (order->call == CALL_CONNECT)
        call.peer = actor->peer;
    watch_enter(&actor->program.watch, &call);
    entry->id = is_event(order->call) ? actor->program.call : 0;
    entry->enter_ns = clock_monotonic_ns();
    int64_t result = make(actor, order, entry);
    entry->result = call.result = result < 0 ? -errno : result;
    entry->return_ns = clock_monotonic_ns();
    if (order->call == CALL_ACCEPT && result >= 0) {
        entry->local_port = port_of((int)result);
        entry->peer = call.peer = peer_of((int)result);
    }
    watch_leave(&actor->program.watch, &call);
}

/* --- The thread --- */

static struct actor_call *new_entry(struct actor *actor, const struct lab_do *order)
{
    struct actor_call *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    entry->actor = actor;
    entry->call = order->call;
    entry->as = order->as;
    entry->enter_ns = entry->return_ns = UNSEEN_NS;
    list_append(&actor->log, &entry->link);
    return entry;
}

static void close_at_end(struct actor *actor, const struct lab_do *order)
{
    static const struct lab_do closing = {.call = CALL_CLOSE};
    struct actor_call *entry;
    if (order->then_close && actor->entry->result == 0 &&
        (entry = new_entry(actor, &closing)))
        carry_out(actor, &closing, entry);
}

/* Sleeps until there is an order; null: it is to end. Its sleep begins with the lock held,
 * and ends, in the gate's eyes, with the order. */
static const struct lab_do *wait_for_order(struct actor *actor)
{
    pthread_mutex_lock(&actor->lock);
    while (!actor->order && !actor->stop)
        pthread_cond_wait(&actor->changed, &actor->lock);
    const struct lab_do *order = actor->stop ? NULL : actor->order;
    pthread_mutex_unlock(&actor->lock);
    return order;
}

/* Done, and asleep in the gate's eyes before anybody can give the next order. */
static void report(struct actor *actor)
{
    pthread_mutex_lock(&actor->lock);
    watch_enter(&actor->program.watch, &actor->idle);
    actor->order = NULL;
    actor->ready = true;
    pthread_cond_broadcast(&actor->changed);
    pthread_mutex_unlock(&actor->lock);
}

static void *live(void *owner)
{
    struct actor *actor = owner;
    const struct lab_do *order;

    actor->failed =
        wire_enter_program(actor->wire, actor->socket.place, &actor->program, actor->err);
    if (actor->failed) {
        pthread_mutex_lock(&actor->lock);
        actor->ready = true;
        pthread_cond_broadcast(&actor->changed);
        pthread_mutex_unlock(&actor->lock);
        return NULL;
    }
    report(actor);
    while ((order = wait_for_order(actor))) {
        carry_out(actor, order, actor->entry);
        close_at_end(actor, order);
        report(actor);
    }
    watch_leave(&actor->program.watch, &actor->idle);
    wire_leave_program(&actor->program);
    return NULL;
}

/* --- For the director --- */

static void free_actor(struct actor *actor)
{
    list_for_each_safe (link, &actor->log)
        free(list_member(link, struct actor_call, link));
    if (actor->fd >= 0)
        close(actor->fd);
    pthread_cond_destroy(&actor->changed);
    pthread_mutex_destroy(&actor->lock);
    free(actor);
}

int actor_start(struct wire *wire, const struct lab_socket *socket, int fd,
                struct actor **ret_actor, struct error *err)
{
    struct actor *actor = calloc(1, sizeof *actor);
    if (!actor)
        return error_set(err, ERROR_MEMORY, "no memory for a program");
    actor->wire = wire;
    actor->socket = *socket;
    actor->fd = fd;
    actor->err = err;
    actor->idle = (struct watch_call){.name = "wait", .fd = -1, .may_block = true};
    list_init(&actor->log);
    pthread_mutex_init(&actor->lock, NULL);
    pthread_cond_init(&actor->changed, NULL);
    int system = pthread_create(&actor->thread, NULL, live, actor);
    if (system) {
        free_actor(actor);
        return error_set_system(err, system, "a thread for a program");
    }
    pthread_mutex_lock(&actor->lock);
    while (!actor->ready)
        pthread_cond_wait(&actor->changed, &actor->lock);
    pthread_mutex_unlock(&actor->lock);
    int failed = actor->failed;
    if (failed) {
        pthread_join(actor->thread, NULL);
        free_actor(actor);
        return failed;
    }
    *ret_actor = actor;
    return 0;
}

bool actor_busy(struct actor *actor)
{
    pthread_mutex_lock(&actor->lock);
    bool busy = actor->order != NULL;
    pthread_mutex_unlock(&actor->lock);
    return busy;
}

int actor_order(struct actor *actor, const struct lab_do *order,
                const struct endpoint *peer)
{
    struct actor_call *entry = new_entry(actor, order);
    if (!entry)
        return ERROR_MEMORY;
    if (peer)
        actor->peer = *peer;
    pthread_mutex_lock(&actor->lock);
    /* On its behalf: from now on the gate waits for it, before it has woken up. */
    watch_leave(&actor->program.watch, &actor->idle);
    actor->entry = entry;
    actor->order = order;
    pthread_cond_broadcast(&actor->changed);
    pthread_mutex_unlock(&actor->lock);
    return 0;
}

void actor_stop(struct actor **actor_pointer)
{
    struct actor *actor = *actor_pointer;
    if (!actor)
        return;
    pthread_mutex_lock(&actor->lock);
    actor->stop = true;
    pthread_cond_broadcast(&actor->changed);
    pthread_mutex_unlock(&actor->lock);
    /* Whatever it sleeps in ends with its connection. */
    if (actor_busy(actor) && actor->fd >= 0)
        shutdown(actor->fd, SHUT_RDWR);
    pthread_join(actor->thread, NULL);
    free_actor(actor);
    *actor_pointer = NULL;
}
