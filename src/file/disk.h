/* The disk's threads: what waits for a disk (syncing, committing) is done there, so that whoever serves
 * connections never does.
 *
 *     disk_new, then for each loop a port: disk_port_init
 *     disk_submit          run() is called by a thread of the disk's
 *     the port's event is set; disk_port_take gives the jobs that are done
 *     disk_port_done, disk_free */
#ifndef WOSHOU_FILE_DISK_H
#define WOSHOU_FILE_DISK_H

#include <pthread.h>

#include "base/list.h"
#include "woshou/event.h"

struct disk;
struct error;

/* Where the jobs of one loop come back to. */
struct disk_port {
    wo_event *event; /* manual reset, its own */
    pthread_mutex_t lock;
    struct list done;
    unsigned under_way;
    pthread_cond_t quiet;
};

struct disk_job {
    struct list_link link;
    struct disk_port *port;
    void (*run)(struct disk_job *job);
};

/* `niceness` is added to the caller's: 0 to 19. */
int disk_new(unsigned threads, int niceness, struct disk **ret_disk, struct error *err);
/* Waits for what is under way. Accepts null, leaves null. */
void disk_free(struct disk **disk);

int disk_port_init(struct disk_port *port, struct error *err);
/* Waits until none of its jobs is under way; those that are done and were not taken are forgotten. */
void disk_port_done(struct disk_port *port);
void disk_port_wait(struct disk_port *port);
/* A job that is done, or null; resets the event with the last. */
struct disk_job *disk_port_take(struct disk_port *port);

/* The job is borrowed until disk_port_take gives it back. */
void disk_submit(struct disk *disk, struct disk_port *port, struct disk_job *job);

#endif
