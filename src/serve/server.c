#include "serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "history/history.h"
#include "net/call.h"
#include "net/identity.h"
#include "serve/acceptor.h"
#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/worker.h"
#include "text/text.h"
#include "trust/door.h"
#include "trust/token_file.h"
#include "trust/token_store.h"

#define DRAIN_NS (5 * NS_PER_S)
enum { READY_AT_ONCE = 64 };

struct server {
    struct server_setup options;
    int lock; /* the folder's */
    struct history *history;
    struct text *text;
    struct identity *identity;
    struct token_store *tokens;
    struct door *door;
    struct server_files files;
    struct acceptor acceptor;
    struct metrics metrics;
    unsigned started; /* workers that run */
    unsigned turn;    /* the worker that gets the next connection */
    struct worker workers[];
};

/* --- The folder --- */

/* Makes it and those above it. */
static int make_folder(const char *path, struct error *err)
{
    char *copy = strdup(path);
    if (!copy)
        return error_set(err, ERROR_MEMORY, "making %s", path);
    int code = 0;
    for (char *at = copy + 1; !code; at++) {
        if (*at && *at != '/')
            continue;
        bool last = !*at;
        *at = 0;
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            code = error_set_system(err, errno, "making the folder %s", copy);
        if (last)
            break;
        *at = '/';
    }
    free(copy);
    return code;
}

/* One server a folder, for as long as it lives, however it dies. */
static int lock_folder(const char *folder, int *ret_lock, struct error *err)
{
    struct buffer path;
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/lock", folder);
    int fd =
        path.failed ? -1 : open(buffer_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int code = 0;
    if (fd < 0)
        code = error_set_system(err, path.failed ? ENOMEM : errno, "opening %s/lock",
                                folder);
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        code = errno == EWOULDBLOCK
                   ? error_set(err, ERROR_IN_USE, "another server uses the folder %s",
                               folder)
                   : error_set_system(err, errno, "locking %s/lock", folder);
    if (code && fd >= 0)
        close(fd);
    buffer_done(&path);
    if (!code)
        *ret_lock = fd;
    return code;
}

/* --- Life --- */

static void told_by_history(void *owner, const char *sentence)
{
    (void)owner;
    log_event(LOG_ERROR, "history", NULL, sentence);
}

static void on_accepted(void *owner, enum server_port kind, int fd, wo_event *event,
                        const struct endpoint *peer)
{
    struct server *server = owner;
    if (kind == SERVER_PORT_METRICS) {
        metrics_adopt(&server->metrics, fd, event, peer);
        return;
    }
    struct worker *worker = &server->workers[server->turn++ % server->options.workers];
    worker_hand(worker, kind == SERVER_PORT_LINES ? ARRIVAL_LINES : ARRIVAL_FRAMES, fd,
                event, peer);
}

/* What the door knows the server's clients by, and they the server. */
static int open_door(struct server *server, struct error *err)
{
    const struct server_setup *options = &server->options;
    struct buffer identity, tokens;
    buffer_init(&identity, 0);
    buffer_init(&tokens, 0);
    buffer_append_format(&identity, "%s/" IDENTITY_FILE, options->folder);
    buffer_append_format(&tokens, "%s/" TOKENS_FILE, options->folder);
    int code = identity.failed || tokens.failed
                   ? error_set(err, ERROR_MEMORY, "starting the server")
                   : identity_open(identity.bytes, &server->identity, err);
    if (!code)
        code = token_store_open(tokens.bytes, &server->tokens, err);
    const struct door_options door = {.identity = server->identity,
                                      .tokens = server->tokens,
                                      .insecure = options->insecure,
                                      .server_name = options->name};
    if (!code)
        code = door_new(&door, &server->door, err);
    buffer_done(&identity);
    buffer_done(&tokens);
    return code;
}

static int open_all(struct server *server, struct error *err)
{
    const struct server_setup *options = &server->options;
    const struct history_options history = {.folder = options->folder,
                                            .told = told_by_history};
    int code = make_folder(options->folder, err);
    if (!code)
        code = lock_folder(options->folder, &server->lock, err);
    if (!code)
        code = history_open(&history, &server->history, err);
    if (code)
        return code;
    const struct text_options text = {.keep = history_keep(server->history),
                                      .desks = options->workers,
                                      .heartbeat_ns = options->heartbeat_ns,
                                      .lines_room = options->lines_room};
    code = text_new(&text, &server->text, err);
    return code ? code : open_door(server, err);
}

int server_new(const struct server_setup *options, struct server **ret_server,
               struct error *err)
{
    unsigned workers = options->workers;
    if (!workers) { /* one a core that this process may use */
        cpu_set_t cores;
        int count = sched_getaffinity(0, sizeof cores, &cores) ? 1 : CPU_COUNT(&cores);
        workers = count > TEXT_DESKS_MOST ? TEXT_DESKS_MOST : (unsigned)count;
    }
    struct server *server =
        calloc(1, sizeof *server + workers * sizeof server->workers[0]);
    if (!server)
        return error_set(err, ERROR_MEMORY, "starting the server");
    server->options = *options;
    server->options.workers = workers;
    if (!server->options.drain_ns)
        server->options.drain_ns = DRAIN_NS;
    server->lock = -1;
    server->acceptor.accepted = on_accepted;
    server->acceptor.owner = server;
    int code = acceptor_init(&server->acceptor);
    if (code)
        code = error_set_system(err, -code, "starting the server");
    else
        code = open_all(server, err);
    metrics_init(&server->metrics, server->acceptor.set, server);
    if (code)
        server_free(&server);
    else
        *ret_server = server;
    return code;
}

void server_free(struct server **server_address)
{
    struct server *server = *server_address;
    if (!server)
        return;
    metrics_done(&server->metrics);
    acceptor_done(&server->acceptor);
    /* What waits is committed, and goes back to the text service. */
    history_close(&server->history);
    text_free(&server->text);
    door_free(&server->door);
    token_store_close(&server->tokens);
    identity_close(&server->identity);
    if (server->lock >= 0)
        close(server->lock);
    free(server);
    *server_address = NULL;
}

struct text *server_text(struct server *server)
{
    return server->text;
}

const char *server_fingerprint(const struct server *server)
{
    return identity_fingerprint(server->identity);
}

void server_set_files(struct server *server, const struct server_files *files)
{
    server->files = *files;
}

int server_listen(struct server *server, enum server_port kind,
                  const struct address *address, struct endpoint *ret_local,
                  struct error *err)
{
    return acceptor_listen(&server->acceptor, kind, address, ret_local, err);
}

int server_take(struct server *server, enum server_port kind, int fd,
                struct endpoint *ret_local, struct error *err)
{
    return acceptor_take(&server->acceptor, kind, fd, ret_local, err);
}

/* --- Serving --- */

static int start_workers(struct server *server, struct error *err)
{
    for (; server->started < server->options.workers; server->started++) {
        int code = worker_start(&server->workers[server->started],
                                text_desk(server->text, server->started), server->door,
                                server->tokens, &server->files);
        if (code)
            return error_set_system(err, -code, "starting a worker");
    }
    return 0;
}

/* Everyone who is there is told, and gets what he waits for, as far as the time goes. */
static void drain(struct server *server)
{
    int64_t by_ns = clock_monotonic_ns() + server->options.drain_ns;
    acceptor_close_ports(&server->acceptor);
    door_drain(server->door);
    for (unsigned i = 0; i < server->started; i++)
        worker_stop(&server->workers[i], by_ns);
    for (unsigned i = 0; i < server->started; i++)
        worker_join(&server->workers[i]);
    server->started = 0;
}

/* Waits and serves once; -ECANCELED once `stop` is set. */
static int turn(struct server *server, const wo_event *stop)
{
    wo_ready ready[READY_AT_ONCE];
    int64_t now_ns = clock_monotonic_ns();
    int64_t next_ns = acceptor_turn(&server->acceptor, now_ns);
    int64_t metrics_ns = metrics_turn(&server->metrics, now_ns);
    next_ns = metrics_ns < next_ns ? metrics_ns : next_ns;
    int count = call_set_wait(NULL, server->acceptor.set, ready, READY_AT_ONCE,
                              next_ns == INT64_MAX ? WO_FOREVER : next_ns - now_ns);
    if (count < 0)
        return count == -ETIMEDOUT ? 0 : count;
    for (int i = 0; i < count; i++) {
        if (ready[i].event == stop)
            return -ECANCELED;
        struct task *task = ready[i].owner;
        task->ready(task);
    }
    return 0;
}

int server_run(struct server *server, wo_event *stop, struct error *err)
{
    int code = start_workers(server, err);
    if (code) {
        drain(server);
        return code;
    }
    int waited = wo_set_add(server->acceptor.set, stop, NULL);
    while (!waited)
        waited = turn(server, stop);
    wo_set_remove(server->acceptor.set, stop);
    drain(server);
    return waited == -ECANCELED ? 0 : error_set_system(err, -waited, "waiting");
}

/* --- What the metrics say --- */

struct server_counts server_counts(struct server *server)
{
    struct server_counts counts = {.text = text_counts(server->text),
                                   .history = history_counts(server->history),
                                   .strangers = door_strangers(server->door),
                                   .accepted = atomic_load(&server->acceptor.count),
                                   .pauses = atomic_load(&server->acceptor.pauses)};
    for (unsigned i = 0; i < server->started; i++)
        counts.refused += atomic_load(&server->workers[i].refused);
    if (server->files.count)
        counts.files = server->files.count(server->files.owner);
    return counts;
}
