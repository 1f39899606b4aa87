/* Who does what: the server is one thread on the server's host, the client one thread on
 * the client's; the caller sees to it that the client starts once the server listens, and
 * waits until the wire is quiet. */
#include "lab/scene.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "hello/client.h"
#include "hello/server.h"
#include "net/address.h"

enum { CLIENTS_MAX = 3 };

/* A scene is over when nothing has moved for longer than the kernel delays an
 * acknowledgement. */
#define QUIET_NS (60 * NS_PER_MS)
#define PATIENCE_NS (20 * NS_PER_S)

static const struct script {
    const char *name;
    int connections;
    const char *say[CLIENTS_MAX];
} scripts[SCENE_COUNT] = {
    [SCENE_HELLO] = {"hello", 1, {"woshou"}},
    [SCENE_THREE] = {"three", 3, {"one", "two", "three"}},
    [SCENE_REFUSED] = {"refused", 1, {NULL}},
};

struct play {
    const struct script *script;
    struct wire *wire;
    int64_t delay_ns;       /* the wire's length */
    struct endpoint server; /* where the client goes */
    bool refused;           /* nobody listens there */
    wo_event *stop, *server_stop;
    sem_t ready; /* the server listens, or has failed */
    int server_status, client_status;
    struct error server_error, client_error; /* mean something where a status is not 0 */
};

const char *scene_name(enum scene scene)
{
    return scripts[scene].name;
}

int scene_connections(enum scene scene)
{
    return scripts[scene].connections;
}

/* What the programs say to each other shows on the wire; nobody else listens. */
static void ignore_heard(void *owner, const char *text, size_t length,
                         const struct message_faults *faults)
{
    (void)owner, (void)text, (void)length, (void)faults;
}

static void ignore_said(void *owner, const struct endpoint *peer, const char *text,
                        size_t length)
{
    (void)owner, (void)peer, (void)text, (void)length;
}

static void ignore_told(void *owner, const struct endpoint *peer, const char *sentence)
{
    (void)owner, (void)peer, (void)sentence;
}

/* --- The server's program --- */

/* On a loopback, which is everybody's, a port is closed for certain only while somebody
 * has it and does not listen. */
static int hold_closed_port(struct play *play)
{
    struct address address = address_from_endpoint(&play->server);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address.storage, address.length) < 0 ||
        getsockname(fd, (struct sockaddr *)&address.storage, &address.length) < 0)
        play->server_status =
            error_set_system(&play->server_error, errno, "a port where nobody listens");
    else
        play->server = endpoint_from_address((struct sockaddr *)&address.storage);
    return fd;
}

static void listen_and_serve(struct play *play, struct watch *watch)
{
    struct hello_server_options options = {
        .watch = watch, .reports = {.said = ignore_said, .told = ignore_told}};
    struct hello_server *server = NULL;
    struct address address = address_from_endpoint(&play->server);

    int status = hello_server_new(&options, &server, &play->server_error);
    if (status == 0)
        status =
            hello_server_listen(server, &address, &play->server, &play->server_error);
    play->server_status = status;
    sem_post(&play->ready);
    if (status == 0)
        play->server_status =
            hello_server_run(server, play->server_stop, &play->server_error);
    hello_server_free(&server);
}

static void *run_server(void *owner)
{
    struct play *play = owner;
    struct program program;

    play->server_status =
        wire_enter_program(play->wire, PLACE_SERVER, &program, &play->server_error);
    if (play->server_status) {
        sem_post(&play->ready);
        return NULL;
    }
    if (play->refused) {
        int fd = hold_closed_port(play);
        sem_post(&play->ready);
        struct watch_call rest = {.name = "wait", .fd = -1, .may_block = true};
        watch_enter(&program.watch, &rest);
        wo_wait(&play->server_stop, 1, WO_ANY, WO_FOREVER, NULL);
        watch_leave(&program.watch, &rest);
        if (fd >= 0)
            close(fd);
    } else {
        listen_and_serve(play, &program.watch);
    }
    wire_leave_program(&program);
    return NULL;
}

/* --- The client's program --- */

/* Opens all its connections, and only then uses one after the other: it holds them all at
 * once. */
static void converse(struct play *play, struct watch *watch)
{
    struct hello_client clients[CLIENTS_MAX];
    struct address_list there = {.count = 1,
                                 .addresses = {address_from_endpoint(&play->server)}};
    int open = 0, status = 0;

    for (; open < play->script->connections; open++) {
        struct hello_client_options options = {
            .say = play->script->say[open], .watch = watch, .heard = ignore_heard};
        status = hello_client_open(&clients[open], &there, &options, play->stop,
                                   &play->client_error);
        if (status)
            break;
    }
    for (int i = 0; i < open; i++) {
        if (status == 0)
            status = hello_client_run(&clients[i], play->stop, &play->client_error);
        hello_client_close(&clients[i]);
    }
    play->client_status = status;
}

static void *run_client(void *owner)
{
    struct play *play = owner;
    struct program program;

    play->client_status =
        wire_enter_program(play->wire, PLACE_CLIENT, &program, &play->client_error);
    if (play->client_status)
        return NULL;
    converse(play, &program.watch);
    wire_leave_program(&program);
    return NULL;
}

/* --- The play --- */

static int perform(struct play *play, struct error *err)
{
    pthread_t server, client;

    int system = pthread_create(&server, NULL, run_server, play);
    if (system)
        return error_set_system(err, system, "a thread for the server");
    while (sem_wait(&play->ready) < 0 && errno == EINTR)
        ;
    if (play->server_status == 0) {
        system = pthread_create(&client, NULL, run_client, play);
        if (system == 0) {
            pthread_join(client, NULL);
            wire_wait_quiet(play->wire, QUIET_NS + 2 * play->delay_ns, PATIENCE_NS);
        }
    }
    wo_event_set(play->server_stop);
    pthread_join(server, NULL);
    if (system)
        return error_set_system(err, system, "a thread for the client");
    return 0;
}

/* What went wrong that was not meant to. */
static int outcome(const struct play *play, struct error *err)
{
    bool meant = play->refused && play->client_status == ERROR_REFUSED;
    if (wo_wait(&play->stop, 1, WO_ANY, 0, NULL) == 0)
        return error_set(err, ERROR_INTERRUPTED, "stopped");
    if (play->server_status) {
        *err = play->server_error;
        return play->server_status;
    }
    if (play->client_status && !meant) {
        *err = play->client_error;
        return play->client_status;
    }
    return 0;
}

int scene_play(enum scene scene, const struct scene_options *options,
               struct wire **ret_wire, struct error *err)
{
    struct play play = {.script = &scripts[scene],
                        .refused = scene == SCENE_REFUSED,
                        .delay_ns = options->wire.delay_ns,
                        .stop = options->stop};
    int status = wire_open(&options->wire, &play.wire, err);
    if (status)
        return status;
    bool hosts = wire_kind(play.wire) == WIRE_TUN || wire_kind(play.wire) == WIRE_VETH;
    uint16_t port = play.refused ? SCENE_CLOSED_PORT : SCENE_PORT;
    play.server = wire_server(play.wire, hosts ? port : 0);

    if (sem_init(&play.ready, 0, 0) < 0) {
        status = error_set_system(err, errno, "a semaphore");
        goto close_wire;
    }
    int failed = wo_event_new(WO_MANUAL_RESET, &play.server_stop);
    if (failed) {
        status = error_set_system(err, -failed, "an event");
        goto destroy_ready;
    }
    status = perform(&play, err);
    if (status == 0) {
        status = wire_stop(play.wire);
        if (status)
            error_set(err, status, "the wire failed");
    }
    if (status == 0)
        status = outcome(&play, err);
    wo_event_free(&play.server_stop);
destroy_ready:
    sem_destroy(&play.ready);
close_wire:
    if (status)
        wire_close(&play.wire);
    else
        *ret_wire = play.wire;
    return status;
}
