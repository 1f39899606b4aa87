/* The server: one wait set with the stop event, the ports, and an event a conversation.
 *
 * What holds always:
 *  - A conversation is in exactly one queue, that of its phase. All in a queue have the
 *    same patience, so its first is the first whose time is over, and no timer is kept for
 *    any.
 *  - A port that met the end of descriptors or memory is out of the set until its time
 *    comes, so that a connection which cannot be accepted wakes nobody. */
#include "hello/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "hello/conversation.h"
#include "net/call.h"
#include "net/listener.h"

#define SILENCE_NS (60 * NS_PER_S)    /* default of options.silence_ns */
#define PAUSE_NS (500 * NS_PER_MS)    /* ends a string that brings no zero */
#define DRAIN_NS (5 * NS_PER_S)       /* for what is left out */
#define RESUME_NS (100 * NS_PER_MS)   /* for a port that could not accept */
#define TELL_AGAIN_NS (60 * NS_PER_S) /* between two lines about that */
enum { READY_AT_ONCE = 64 };

struct port {
    struct listener listener;
    int64_t resume_ns; /* 0: in the set */
    struct list_link link;
};

struct queue {
    struct list conversations; /* by since_ns */
    int64_t patience_ns;
};

struct hello_server {
    struct hello_server_options options;
    struct buffer greeting;
    wo_set *set;
    struct list ports;
    struct queue queues[CONVERSATION_TIMED_PHASES];
    struct conversation *spare; /* made before accepting; null: still to be made */
    int64_t told_full_ns; /* when it was last told of the lack of descriptors; 0: never */
    _Atomic uint64_t open, served;
};

/* --- Life --- */

static int64_t now_ns(const struct hello_server *server)
{
    return clock_now_ns(server->options.clock);
}

static void fill_defaults(struct hello_server_options *options)
{
    if (!options->greeting)
        options->greeting = "hello";
    if (!options->silence_ns)
        options->silence_ns = SILENCE_NS;
    if (!options->clock)
        options->clock = &clock_monotonic;
}

int hello_server_new(const struct hello_server_options *options,
                     struct hello_server **ret_server, struct error *err)
{
    struct hello_server *server = calloc(1, sizeof *server);
    if (!server)
        return error_set_system(err, ENOMEM, "starting the server");
    server->options = *options;
    fill_defaults(&server->options);
    buffer_init(&server->greeting, MESSAGE_BYTES);
    list_init(&server->ports);
    const int64_t patience_ns[CONVERSATION_TIMED_PHASES] = {
        [CONVERSATION_WAITING] = server->options.silence_ns,
        [CONVERSATION_HEARING] = PAUSE_NS,
        [CONVERSATION_DRAINING] = DRAIN_NS};
    for (int phase = 0; phase < CONVERSATION_TIMED_PHASES; phase++) {
        list_init(&server->queues[phase].conversations);
        server->queues[phase].patience_ns = patience_ns[phase];
    }
    const char *greeting = server->options.greeting;
    int code = message_encode(greeting, strlen(greeting), &server->greeting, err);
    int made = code ? 0 : wo_set_new(&server->set);
    if (made)
        code = error_set_system(err, -made, "starting the server");
    if (code)
        hello_server_free(&server);
    else
        *ret_server = server;
    return code;
}

static void close_port(struct port *port)
{
    list_remove(&port->link);
    listener_close(&port->listener);
    free(port);
}

void hello_server_free(struct hello_server **server_address)
{
    struct hello_server *server = *server_address;
    if (!server)
        return;
    list_for_each_safe (link, &server->ports)
        close_port(list_member(link, struct port, link));
    for (int phase = 0; phase < CONVERSATION_TIMED_PHASES; phase++)
        list_for_each_safe (link, &server->queues[phase].conversations) {
            struct conversation *conversation =
                list_member(link, struct conversation, link);
            list_remove(link);
            conversation_free(&conversation);
        }
    conversation_free(&server->spare);
    wo_set_free(&server->set);
    buffer_done(&server->greeting);
    free(server);
    *server_address = NULL;
}

uint64_t hello_server_open_count(const struct hello_server *server)
{
    return atomic_load_explicit(&server->open, memory_order_relaxed);
}

uint64_t hello_server_served_count(const struct hello_server *server)
{
    return atomic_load_explicit(&server->served, memory_order_relaxed);
}

/* --- Conversations --- */

/* Closes the conversation where it is over, else dates it in the queue of its phase. */
static void settle(struct hello_server *server, struct conversation *conversation)
{
    list_remove(&conversation->link);
    if (conversation->phase != CONVERSATION_OVER) {
        conversation->since_ns = now_ns(server);
        list_append(&server->queues[conversation->phase].conversations,
                    &conversation->link);
        return;
    }
    conversation_free(&conversation);
    atomic_fetch_sub(&server->open, 1);
    atomic_fetch_add(&server->served, 1);
}

static void start_conversation(struct hello_server *server,
                               struct conversation *conversation, int fd,
                               const struct endpoint *peer)
{
    atomic_fetch_add(&server->open, 1);
    int code = wo_set_add(server->set, conversation->stream.event, conversation);
    conversation_start(conversation, fd, peer, &server->greeting);
    if (code) /* without it nothing would ever be heard of this conversation */
        conversation->phase = CONVERSATION_OVER;
    settle(server, conversation);
}

/* The conversations whose time is over, of one queue. */
static void end_overdue(struct hello_server *server, struct queue *queue)
{
    for (struct list_link *link; (link = list_first(&queue->conversations));) {
        struct conversation *conversation = list_member(link, struct conversation, link);
        if (conversation->since_ns + queue->patience_ns > now_ns(server))
            return;
        conversation_on_time(conversation);
        settle(server, conversation);
    }
}

/* --- Ports --- */

int hello_server_listen(struct hello_server *server, const struct address *address,
                        struct endpoint *ret_local, struct error *err)
{
    struct port *port = calloc(1, sizeof *port);
    if (!port)
        return error_set_system(err, ENOMEM, "listening");
    int code = listener_open(&port->listener, address, server->options.backlog,
                             server->options.watch, err);
    if (code) {
        free(port);
        return code;
    }
    list_append(&server->ports, &port->link);
    int added = wo_set_add(server->set, port->listener.event, port);
    if (added) {
        close_port(port);
        return error_set_system(err, -added, "listening");
    }
    if (ret_local)
        *ret_local = port->listener.local;
    return 0;
}

/* The kernel keeps the connections that cannot be accepted now; they are asked for again
 * later. */
static void pause_port(struct hello_server *server, struct port *port, int code)
{
    int64_t now = now_ns(server);
    wo_set_remove(server->set, port->listener.event);
    port->resume_ns = now + RESUME_NS;
    if (server->told_full_ns && now - server->told_full_ns < TELL_AGAIN_NS)
        return;
    server->told_full_ns = now;
    struct error err;
    error_set_system(&err, -code, "new connections wait, %" PRIu64 " are open",
                     hello_server_open_count(server));
    server->options.reports.told(server->options.reports.owner, NULL, err.sentence);
}

/* Whether a failed accept concerns that one connection, or none at all (accept(2)). */
static bool passes(int code)
{
    switch (error_code_from_errno(-code)) {
    case ERROR_AGAIN:
    case ERROR_ABORTED:
    case ERROR_RESET:
    case ERROR_TIMED_OUT:
    case ERROR_UNREACHABLE:
    case ERROR_INTERRUPTED: return true;
    default: return code == -EPROTO || code == -ENOPROTOOPT || code == -EOPNOTSUPP;
    }
}

/* One connection for one WO_ACCEPT: accepting records it again where more wait. */
static void accept_one(struct hello_server *server, struct port *port)
{
    struct endpoint peer;
    struct conversation *spare = server->spare;
    int code = spare ? 0 : conversation_new(&server->options, &spare);
    int fd = code ? code : listener_accept(&port->listener, &peer);
    server->spare = fd < 0 ? spare : NULL;
    if (fd >= 0)
        start_conversation(server, spare, fd, &peer);
    else if (!passes(fd))
        pause_port(server, port, fd);
}

static void on_port(struct hello_server *server, struct port *port)
{
    wo_network_events network = {0};
    wo_enumerate(port->listener.fd, port->listener.event, &network);
    if (network.events & WO_ACCEPT)
        accept_one(server, port);
}

static void resume_ports(struct hello_server *server)
{
    list_for_each (link, &server->ports) {
        struct port *port = list_member(link, struct port, link);
        if (!port->resume_ns || port->resume_ns > now_ns(server))
            continue;
        if (wo_set_add(server->set, port->listener.event, port)) {
            port->resume_ns = now_ns(server) + RESUME_NS;
            continue;
        }
        port->resume_ns = 0;
        accept_one(server, port);
    }
}

static struct port *port_of(const struct hello_server *server, const wo_event *event)
{
    list_for_each (link, &server->ports) {
        struct port *port = list_member(link, struct port, link);
        if (port->listener.event == event)
            return port;
    }
    return NULL;
}

/* --- The loop --- */

/* How long may be waited until some time is over. */
static int64_t patience_ns(const struct hello_server *server)
{
    int64_t next_ns = INT64_MAX;
    for (int phase = 0; phase < CONVERSATION_TIMED_PHASES; phase++) {
        const struct queue *queue = &server->queues[phase];
        const struct list_link *link = list_first(&queue->conversations);
        if (!link)
            continue;
        int64_t over_ns =
            list_member(link, struct conversation, link)->since_ns + queue->patience_ns;
        next_ns = over_ns < next_ns ? over_ns : next_ns;
    }
    list_for_each (link, &server->ports) {
        int64_t resume_ns = list_member(link, struct port, link)->resume_ns;
        if (resume_ns && resume_ns < next_ns)
            next_ns = resume_ns;
    }
    if (next_ns == INT64_MAX)
        return WO_FOREVER;
    int64_t left_ns = next_ns - now_ns(server);
    return left_ns > 0 ? left_ns : 0;
}

static void on_ready(struct hello_server *server, const wo_ready *ready)
{
    struct port *port = port_of(server, ready->event);
    if (port) {
        on_port(server, port);
        return;
    }
    struct conversation *conversation = ready->owner;
    if (conversation_on_network(conversation))
        settle(server, conversation);
}

/* Waits and serves once; -ECANCELED once `stop` is set. */
static int turn(struct hello_server *server, const wo_event *stop)
{
    wo_ready ready[READY_AT_ONCE];
    int count = call_set_wait(server->options.watch, server->set, ready, READY_AT_ONCE,
                              patience_ns(server));
    if (count < 0 && count != -ETIMEDOUT)
        return count;
    for (int i = 0; i < count; i++) {
        if (ready[i].event == stop)
            return -ECANCELED;
        on_ready(server, &ready[i]);
    }
    for (int phase = 0; phase < CONVERSATION_TIMED_PHASES; phase++)
        end_overdue(server, &server->queues[phase]);
    resume_ports(server);
    return 0;
}

int hello_server_run(struct hello_server *server, wo_event *stop, struct error *err)
{
    int code = wo_set_add(server->set, stop, NULL);
    if (code)
        return error_set_system(err, -code, "waiting");
    while (!code)
        code = turn(server, stop);
    wo_set_remove(server->set, stop);
    return code == -ECANCELED ? 0 : error_set_system(err, -code, "waiting");
}
