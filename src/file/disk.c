#include "file/disk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

enum { MOST_THREADS = 8 };

struct disk {
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work;
    struct list waiting;
    bool ending;
    int niceness;
    unsigned threads;
    pthread_t thread[MOST_THREADS];
};

/* --- Ports --- */

int disk_port_init(struct disk_port *port, struct error *err)
{
    wo_event *event;
    int code = wo_event_new(WO_MANUAL_RESET, &event);
    if (code)
        return error_set_system(err, -code, "making an event");
    *port = (struct disk_port){.event = event};
    pthread_mutex_init(&port->lock, NULL);
    pthread_cond_init(&port->quiet, NULL);
    list_init(&port->done);
    return 0;
}

void disk_port_wait(struct disk_port *port)
{
    pthread_mutex_lock(&port->lock);
    while (port->under_way > 0)
        pthread_cond_wait(&port->quiet, &port->lock);
    pthread_mutex_unlock(&port->lock);
}

void disk_port_done(struct disk_port *port)
{
    if (!port->event)
        return;
    disk_port_wait(port);
    pthread_mutex_destroy(&port->lock);
    pthread_cond_destroy(&port->quiet);
    wo_event_free(&port->event);
}

struct disk_job *disk_port_take(struct disk_port *port)
{
    pthread_mutex_lock(&port->lock);
    struct list_link *link = list_first(&port->done);
    if (link)
        list_remove(link);
    if (list_empty(&port->done))
        wo_event_reset(port->event);
    pthread_mutex_unlock(&port->lock);
    return link ? list_member(link, struct disk_job, link) : NULL;
}

static void give_back(struct disk_job *job)
{
    struct disk_port *port = job->port;
    pthread_mutex_lock(&port->lock);
    list_append(&port->done, &job->link);
    wo_event_set(port->event);
    if (--port->under_way == 0)
        pthread_cond_broadcast(&port->quiet);
    pthread_mutex_unlock(&port->lock);
}

/* --- The threads --- */

static struct disk_job *next_job(struct disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    while (list_empty(&disk->waiting) && !disk->ending)
        pthread_cond_wait(&disk->work, &disk->lock);
    struct list_link *link = list_first(&disk->waiting);
    if (link)
        list_remove(link);
    pthread_mutex_unlock(&disk->lock);
    return link ? list_member(link, struct disk_job, link) : NULL;
}

static void *work(void *argument)
{
    struct disk *disk = argument;
    id_t self = (id_t)syscall(SYS_gettid);
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + disk->niceness);
    for (struct disk_job *job; (job = next_job(disk));) {
        job->run(job);
        give_back(job);
    }
    return NULL;
}

int disk_new(unsigned threads, int niceness, struct disk **ret_disk, struct error *err)
{
    struct disk *disk = calloc(1, sizeof *disk);
    if (!disk)
        return error_set(err, ERROR_MEMORY, "no memory for the disk's threads");
    pthread_mutex_init(&disk->lock, NULL);
    pthread_cond_init(&disk->work, NULL);
    list_init(&disk->waiting);
    disk->niceness = niceness;
    for (unsigned i = 0; i < threads && i < MOST_THREADS; i++) {
        int failed = pthread_create(&disk->thread[i], NULL, work, disk);
        if (failed) {
            disk_free(&disk);
            return error_set_system(err, failed, "starting a thread");
        }
        disk->threads++;
    }
    *ret_disk = disk;
    return 0;
}

void disk_free(struct disk **disk)
{
    if (!*disk)
        return;
    pthread_mutex_lock(&(*disk)->lock);
    (*disk)->ending = true;
    pthread_cond_broadcast(&(*disk)->work);
    pthread_mutex_unlock(&(*disk)->lock);
    for (unsigned i = 0; i < (*disk)->threads; i++)
        pthread_join((*disk)->thread[i], NULL);
    pthread_mutex_destroy(&(*disk)->lock);
    pthread_cond_destroy(&(*disk)->work);
    free(*disk);
    *disk = NULL;
}

void disk_submit(struct disk *disk, struct disk_port *port, struct disk_job *job)
{
    job->port = port;
    pthread_mutex_lock(&port->lock);
    port->under_way++;
    pthread_mutex_unlock(&port->lock);
    pthread_mutex_lock(&disk->lock);
    list_append(&disk->waiting, &job->link);
    pthread_cond_signal(&disk->work);
    pthread_mutex_unlock(&disk->lock);
}
