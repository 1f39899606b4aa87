/* The file service's state, and what its files say to each other. Private to service*.c. */
#ifndef WOSHOU_FILE_SERVICE_STATE_H
#define WOSHOU_FILE_SERVICE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "file/disk.h"
#include "file/service.h"
#include "file/transfer.h"
#include "net/greeting.h"

struct shelf;

enum caller_state {
    CALLER_NEW,     /* he has not said what he wants */
    CALLER_AT_WORK, /* he has a transfer */
    CALLER_LEAVING, /* he is told why, and drained */
    CALLER_OVER
};

struct caller {
    struct link link; /* first: a transfer knows it by this */
    struct list_link among;
    struct list_link again; /* has something to do without an event */
    struct thread *thread;
    enum caller_state state;
    struct transfer *transfer; /* null: none */
    int64_t leaving_by_ns;
    uint8_t client_id[GREETING_CLIENT_ID_BYTES];
    char name[GREETING_NAME_BYTES + 1];
};

struct thread {
    struct file_service *service;
    pthread_t thread;
    wo_set *set;
    wo_event *inbox_event, *tick;
    struct channel_scratch scratch;
    struct disk_port port;
    struct list callers, again, transfers;
    int64_t now_ns;
    pthread_mutex_t lock; /* of what follows */
    struct list inbox;    /* callers, by `among` */
    bool ending;
};

struct file_service {
    struct file_service_options options;
    struct shelf *shelf;
    struct disk *disk;
    struct thread *threads;
    unsigned thread_count, started;
    int64_t expire_ns; /* the first thread's */
    _Atomic uint64_t connections, received_bytes, sent_bytes, received_roots, sent_roots,
        failed_roots;
};

/* --- service.c --- */

/* Tells why, and closes in good order. */
void service_refuse(struct caller *caller, enum frame_error code, const char *sentence);

/* --- service_request.c --- */

/* Takes a frame of a caller who has no transfer yet: 0, 1 where it was nothing, or what the link is over
 * for. */
int service_take_request(struct caller *caller, const struct frame *frame);

#endif
