/* The client's side of files: sending to a server, getting from it, and looking at what it has. Each call
 * does all of it and returns when it is done, has failed, or was told to stop. */
#ifndef WOSHOU_FILE_CLIENT_H
#define WOSHOU_FILE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file/shelf.h"
#include "file/tally.h"
#include "net/session.h"

struct error;

enum { FILE_CONNECTIONS_USUAL = 4, FILE_STALL_USUAL_S = 20 };

struct file_client_options {
    struct session_options session; /* its business is files; `stop` ends a transfer */
    unsigned connections;           /* at most; 0: FILE_CONNECTIONS_USUAL */
    int64_t stall_ns;               /* 0: FILE_STALL_USUAL_S */
    bool preserve;                  /* times and modes too */
    /* The server was met; may be null. */
    void (*met)(void *owner, const struct session *session);
    /* Five times a second while it goes on, and once at the end; may be null. */
    void (*progress)(void *owner, const struct tally *tally);
    struct transfer_reports reports; /* `closed` is not called */
    void *owner;                     /* of `met` and `progress` */
};

/* All return 0 where every root is there, whatever `ended` said of single ones with code 0; ERROR_REFUSED
 * where some failed, each of which `ended` was called for; ERROR_INTERRUPTED; and others, with a
 * sentence, where the connection or the machine failed. `ret_refused` is set where the server refused the
 * connection. */

/* Sends files and folders, each under its own last name, and tells `room` (null: none). */
int file_client_send(const struct file_client_options *options, const char *const *paths,
                     size_t count, const char *room, struct session_refused *ret_refused,
                     struct error *err);
/* Gets files and folders into the folder `into`. */
int file_client_get(const struct file_client_options *options, const char *const *names,
                    size_t count, const char *into, struct session_refused *ret_refused,
                    struct error *err);
/* Calls `each` for what the server has. */
int file_client_list(const struct file_client_options *options,
                     void (*each)(void *owner, const struct shelf_item *item),
                     void *owner, struct session_refused *ret_refused, struct error *err);
/* Removes one of them from the server. */
int file_client_remove(const struct file_client_options *options, const char *name,
                       struct session_refused *ret_refused, struct error *err);

#endif
