/* What a receiver has done by the disk's threads: roots that are whole are synced and put in their places, as
 * many as there are in one job; and checkpoints. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "file/receiving_state.h"
#include "file/shelf.h"

enum {
    CHECKPOINT_BYTES = 256 << 20
}; /* written, before the disk is asked to make it last */

struct commit_job {
    struct disk_job job;
    struct receiving *receiving;
    uint32_t count;
    struct committed {
        uint32_t root;
        struct arrival *arrival;
        struct error err;
        int code;
    } * committed;
};

struct checkpoint_job {
    struct disk_job job;
    struct receiving *receiving;
    uint32_t root;
    struct arrival_checkpoint checkpoint;
};

/* --- Committing: roots that are whole, as many as there are, in one job --- */

/* Several are synced by one call for the whole file system: of thousands of small files, each on its own
 * would wait for the disk. */
static void sync_committed(struct commit_job *job)
{
    enum { ONE_BY_ONE = 4 };
    const struct arrival_options *options = &job->receiving->options.arrival;
    if (options->sink)
        return;
    if (job->count > ONE_BY_ONE) {
        int failed = syncfs(shelf_arriving(options->shelf)) < 0 ? errno : 0;
        for (uint32_t i = 0; failed && i < job->count; i++)
            job->committed[i].code = error_set_system(&job->committed[i].err, failed,
                                                      "syncing what has arrived");
        return;
    }
    for (uint32_t i = 0; i < job->count; i++)
        if (!job->committed[i].code)
            job->committed[i].code =
                arrival_sync(job->committed[i].arrival, &job->committed[i].err);
}

static void run_commit(struct disk_job *disk_job)
{
    struct commit_job *job = (struct commit_job *)disk_job;
    const struct arrival_options *options = &job->receiving->options.arrival;
    for (uint32_t i = 0; i < job->count; i++)
        job->committed[i].code =
            arrival_settle(job->committed[i].arrival, &job->committed[i].err);
    sync_committed(job);
    for (uint32_t i = 0; i < job->count; i++)
        if (!job->committed[i].code)
            job->committed[i].code =
                arrival_place(job->committed[i].arrival, &job->committed[i].err);
    struct error err;
    if (!options->sink && shelf_sync(options->shelf, &err))
        for (uint32_t i = 0; i < job->count; i++)
            if (!job->committed[i].code) {
                job->committed[i].err = err;
                job->committed[i].code = err.code;
            }
}

static int start_commit(struct receiving *receiving)
{
    if (receiving->committing || receiving->ready_count == 0)
        return 0;
    struct commit_job *job = calloc(1, sizeof *job);
    uint32_t count = receiving->ready_count;
    if (!job || !(job->committed = calloc(count, sizeof *job->committed))) {
        free(job);
        return -ENOMEM;
    }
    job->job.run = run_commit;
    job->receiving = receiving;
    job->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct root *root = &receiving->roots[receiving->ready[i]];
        job->committed[i].root = receiving->ready[i];
        job->committed[i].arrival = root->arrival;
        root->arrival = NULL;
    }
    receiving->ready_count = 0;
    receiving->committing = true;
    receiving->jobs++;
    disk_submit(receiving->options.disk, receiving->options.port, &job->job);
    return 0;
}

static int settle_one(struct receiving *receiving, struct committed *committed)
{
    struct root *root = &receiving->roots[committed->root];
    struct arrival *arrival = committed->arrival;
    int code;
    if (committed->code) {
        root->arrival = arrival;
        return receiving_fail(receiving, root, &committed->err);
    }
    const struct transfer_result result = {.name = root->name,
                                           .folder = root->folder,
                                           .checked = !root->folder && arrival->bytes > 0,
                                           .check = arrival->entries[0].check,
                                           .bytes = arrival->bytes,
                                           .files = arrival->files};
    code = receiving_finish(receiving, root, &result);
    arrival_close(&committed->arrival, ARRIVAL_DROP);
    return code;
}

static int settle_commit(struct commit_job *job)
{
    struct receiving *receiving = job->receiving;
    int code = 0;
    receiving->committing = false;
    for (uint32_t i = 0; i < job->count; i++) {
        int settled = settle_one(receiving, &job->committed[i]);
        code = code ? code : settled;
    }
    return code ? code : start_commit(receiving);
}

int receiving_look(struct receiving *receiving, uint32_t number)
{
    struct root *root = &receiving->roots[number];
    if (root->state != ROOT_COMES || !arrival_complete(root->arrival))
        return 0;
    root->state = ROOT_COMMITS;
    receiving->ready[receiving->ready_count++] = number;
    return start_commit(receiving);
}

/* --- Checkpoints --- */

static void run_checkpoint(struct disk_job *disk_job)
{
    struct checkpoint_job *job = (struct checkpoint_job *)disk_job;
    arrival_checkpoint_run(&job->checkpoint);
}

void receiving_checkpoint(struct receiving *receiving, uint32_t number)
{
    struct root *root = &receiving->roots[number];
    if (root->checkpointed || root->state != ROOT_COMES || !root->arrival->kept ||
        root->arrival->unsynced_bytes < CHECKPOINT_BYTES)
        return;
    struct checkpoint_job *job = calloc(1, sizeof *job);
    if (!job || !arrival_checkpoint_begin(root->arrival, &job->checkpoint)) {
        free(job);
        return;
    }
    job->job.run = run_checkpoint;
    job->receiving = receiving;
    job->root = number;
    root->checkpointed = true;
    receiving->jobs++;
    disk_submit(receiving->options.disk, receiving->options.port, &job->job);
}

static int settle_checkpoint(struct checkpoint_job *job)
{
    struct root *root = &job->receiving->roots[job->root];
    root->checkpointed = false;
    if (root->state == ROOT_COMES && root->arrival)
        arrival_checkpoint_end(root->arrival, &job->checkpoint);
    return 0;
}

int receiving_settle(struct disk_job *disk_job)
{
    int code;
    struct receiving *receiving;
    if (disk_job->run == run_commit) {
        struct commit_job *job = (struct commit_job *)disk_job;
        receiving = job->receiving;
        code = settle_commit(job);
        free(job->committed);
    } else {
        struct checkpoint_job *job = (struct checkpoint_job *)disk_job;
        receiving = job->receiving;
        code = settle_checkpoint(job);
    }
    free(disk_job);
    if (--receiving->jobs == 0 && receiving->closed) {
        receiving_free(receiving);
        return 0;
    }
    return receiving->closed ? 0 : code;
}
