/* The file service: what a server does for connections whose business is files. It has threads of its
 * own, at a lower priority than the caller's, so that a file never delays a message; all connections of
 * one client are served by the same thread.
 *
 *     file_service_new
 *     file_service_adopt    a connection that was welcomed; from any thread
 *     file_service_free     what is under way is broken off, and can be carried on later
 *
 * It keeps its files in two folders: what is whole in `files`, and what is arriving in `incoming`, of
 * which it removes what nobody has carried on for a week. */
#ifndef WOSHOU_FILE_SERVICE_H
#define WOSHOU_FILE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "file/tally.h"
#include "net/channel.h"

struct error;
struct file_service;

/* Somebody whose connection was welcomed. */
struct file_guest {
    const uint8_t *client_id; /* GREETING_CLIENT_ID_BYTES */
    const char *name;         /* as he is called; from outside */
};

/* All are called by the service's threads; texts are borrowed for the call and raw. */
struct file_service_reports {
    /* A file or folder is there, and its sender wants `room` to know; never with an empty room. */
    void (*arrived)(void *owner, const char *room, const char *from,
                    const struct transfer_result *result);
    /* Every root that ended, well or not, sent to the server or fetched from it: for the log. */
    void (*ended)(void *owner, const char *from, bool fetched,
                  const struct transfer_result *result);
    void *owner;
};

struct file_service_options {
    const char *files, *incoming; /* folders' paths; made where they are not there */
    unsigned threads;             /* 0: one a core, at least two */
    unsigned connections;         /* most of one transfer; 0: 16 */
    int64_t
        heartbeat_ns; /* who is silent so long is asked, twice that: he is gone; 0: the usual */
    bool sink;        /* what comes is checked and thrown away: for measuring */
    struct file_service_reports reports;
};

/* For metrics; since the service began, but for `connections`. */
struct file_service_counts {
    uint64_t connections;                /* open now */
    uint64_t received_bytes, sent_bytes; /* of files, as acknowledged */
    uint64_t received_roots, sent_roots, failed_roots;
};

int file_service_new(const struct file_service_options *options,
                     struct file_service **ret_service, struct error *err);
/* Accepts null, leaves null. */
void file_service_free(struct file_service **service);
/* Takes the channel, whatever comes of it; frames may have come for it already. */
void file_service_adopt(struct file_service *service, struct channel *channel,
                        const struct file_guest *guest);
struct file_service_counts file_service_counts(const struct file_service *service);

#endif
