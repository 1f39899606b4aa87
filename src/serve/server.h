/* The server: listeners, workers, and what they serve.
 *
 *     server_new       opens the folder and what is kept in it; nothing listens yet
 *     server_listen    once an address
 *     server_run       until its stop event is set; then it drains, within a bound
 *     server_free
 *
 * One thread accepts, and hands what it accepted to the workers in turn. Out of descriptors, it
 * leaves connections in the kernel's queue and looks again by a timer; some descriptors are
 * never given to connections, so that files can be opened all the same. */
#ifndef WOSHOU_SERVE_SERVER_H
#define WOSHOU_SERVE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "net/address.h"
#include "woshou/event.h"

struct door_guest;
struct error;
struct server;
struct text;

struct server_file_counts {
    uint64_t connections;            /* open now; the others since the start */
    uint64_t received, sent, failed; /* files and folders of commands */
    uint64_t received_bytes, sent_bytes;
};

/* Who serves connections that are for files. */
struct server_files {
    /* Takes guest->channel, whatever comes of it; by a worker's thread. Null: nobody does. */
    void (*adopt)(void *owner, struct door_guest *guest);
    /* How much was done, for the metrics; may be null. By the thread that accepts. */
    struct server_file_counts (*count)(void *owner);
    void *owner;
};

struct server_setup {
    const char *folder;     /* its state; made where it is not there */
    const char *name;       /* the server's, to clients */
    unsigned workers;       /* 0: one a core */
    int64_t drain_ns;       /* for those who are there when it ends; 0: 5 s */
    int64_t heartbeat_ns;   /* 0: the usual */
    const char *lines_room; /* null: the usual */
    bool insecure;          /* neither TLS nor a token is asked of other machines */
};

/* The options are copied, what they point to is borrowed until server_free. ERROR_IN_USE where
 * another server has the folder. */
int server_new(const struct server_setup *options, struct server **ret_server,
               struct error *err);
/* Accepts null, leaves null. */
void server_free(struct server **server);
struct text *server_text(struct server *server);
/* Of the certificate, by which clients know the server again. */
const char *server_fingerprint(const struct server *server);
void server_set_files(struct server *server, const struct server_files *files);

enum server_port {
    SERVER_PORT_FRAMES, /* our own protocol */
    SERVER_PORT_LINES,  /* plain lines */
    SERVER_PORT_METRICS /* the metrics, for Prometheus */
};

/* `ret_local` (may be null) gets the address with its real port. */
int server_listen(struct server *server, enum server_port kind,
                  const struct address *address, struct endpoint *ret_local,
                  struct error *err);
/* Takes a socket that listens already: systemd's. */
int server_take(struct server *server, enum server_port kind, int fd,
                struct endpoint *ret_local, struct error *err);

/* Starts the workers, and serves until `stop` is set. */
int server_run(struct server *server, wo_event *stop, struct error *err);

#endif
