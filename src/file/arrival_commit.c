/* An arrival's way to the disk: checkpoints, and putting it in its place. Threads of the disk's run
 * what waits here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/arrival.h"
#include "file/beneath.h"
#include "file/protocol.h"
#include "file/shelf.h"

enum { OWNER_FOLDER = 0700 };

/* --- Checkpoints --- */

static int duplicate(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

bool arrival_checkpoint_begin(struct arrival *arrival,
                              struct arrival_checkpoint *ret_checkpoint)
{
    if (!arrival->kept || arrival->count == 0 || arrival_note(arrival, NULL))
        return false;
    const struct arrival_entry *root = &arrival->entries[0];
    struct arrival_checkpoint checkpoint = {.data = -1,
                                            .synced = arrival->journal.length};
    checkpoint.folder = duplicate(arrival->folder);
    /* Opened anew: a duplicate would hold the lock until the disk is done. */
    checkpoint.journal = beneath_open(arrival->folder, ARRIVAL_JOURNAL, O_RDWR, 0);
    if (root->part && root->part->fd >= 0)
        checkpoint.data = duplicate(root->part->fd);
    arrival->unsynced_bytes = 0;
    *ret_checkpoint = checkpoint;
    return true;
}

void arrival_checkpoint_run(struct arrival_checkpoint *checkpoint)
{
    int fd = checkpoint->data >= 0 ? checkpoint->data : checkpoint->folder;
    int synced = checkpoint->data >= 0 ? fdatasync(fd) : syncfs(fd);
    if (synced == 0)
        synced = fdatasync(checkpoint->journal);
    checkpoint->code = synced < 0 ? -errno : 0;
    if (checkpoint->data >= 0)
        close(checkpoint->data);
    close(checkpoint->folder);
    close(checkpoint->journal);
}

void arrival_checkpoint_end(struct arrival *arrival,
                            const struct arrival_checkpoint *checkpoint)
{
    const struct journal_record record = {.type = JOURNAL_SYNCED,
                                          .synced = checkpoint->synced};
    if (checkpoint->code == 0)
        journal_add(&arrival->journal, &record);
}

/* --- What does not belong --- */

static int sweep(struct arrival *arrival, uint32_t index);

static int sweep_one(struct arrival *arrival, uint32_t parent, int folder,
                     const char *name)
{
    uint32_t index = name_table_find(&arrival->table, parent, name, strlen(name));
    const struct arrival_entry *entry =
        index == NAME_TABLE_NONE ? NULL : &arrival->entries[index];
    if (!entry || !entry->seen || strcmp(arrival_spelling(arrival, index), name) != 0)
        return beneath_remove(folder, name);
    return entry->kind == FILE_FOLDER ? sweep(arrival, index) : 0;
}

/* Removes what an earlier try left in a folder and this one does not have. */
static int sweep(struct arrival *arrival, uint32_t index)
{
    int folder = arrival_open_folder(arrival, index);
    int fd = folder < 0 ? folder : beneath_open(folder, ".", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    DIR *listing = fdopendir(fd);
    if (!listing) {
        int code = -errno;
        close(fd);
        return code;
    }
    int code = 0;
    for (struct dirent *found; !code && (found = readdir(listing));)
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
            code = sweep_one(arrival, index, fd, found->d_name);
    closedir(listing);
    return code;
}

/* --- Committing --- */

/* From the innermost outwards: a folder's time changes with what is put into it. */
static int preserve_folders(struct arrival *arrival)
{
    for (uint32_t i = arrival->count; i-- > 0;) {
        const struct arrival_entry *entry = &arrival->entries[i];
        if (entry->kind != FILE_FOLDER || !entry->seen)
            continue;
        int fd = arrival_open_folder(arrival, i);
        struct timespec times[2] = {
            {.tv_nsec = UTIME_OMIT},
            {entry->mtime_ns / NS_PER_S, entry->mtime_ns % NS_PER_S}};
        if (fd < 0)
            return fd;
        if (times[1].tv_nsec < 0) {
            times[1].tv_sec--;
            times[1].tv_nsec += NS_PER_S;
        }
        if (fchmod(fd, entry->mode | OWNER_FOLDER) < 0 || futimens(fd, times) < 0)
            return -errno;
    }
    return 0;
}

static int settle_folder(struct arrival *arrival)
{
    int code = arrival->resumed ? sweep(arrival, 0) : 0;
    if (!code && arrival->options.preserve)
        code = preserve_folders(arrival);
    return code;
}

int arrival_settle(struct arrival *arrival, struct error *err)
{
    if (arrival->options.sink)
        return 0;
    int code = arrival->entries[0].kind == FILE_FOLDER ? settle_folder(arrival) : 0;
    int parent = arrival_open_folder(arrival, MANIFEST_ROOT);
    int fd =
        code ? code : beneath_open(parent, arrival_spelling(arrival, 0), O_RDONLY, 0);
    if (fd < 0)
        return arrival_blame(arrival, 0, -fd, err);
    shelf_note(fd, &arrival->key, arrival->bytes, arrival->files);
    close(fd);
    return 0;
}

int arrival_sync(struct arrival *arrival, struct error *err)
{
    if (arrival->options.sink)
        return 0;
    int parent = arrival_open_folder(arrival, MANIFEST_ROOT);
    int fd = beneath_open(parent, arrival_spelling(arrival, 0), O_RDONLY, 0);
    if (fd < 0)
        return arrival_blame(arrival, 0, -fd, err);
    int synced = arrival->entries[0].kind == FILE_FOLDER ? syncfs(fd) : fsync(fd);
    int code = synced < 0 ? arrival_blame(arrival, 0, errno, err) : 0;
    close(fd);
    return code;
}

int arrival_place(struct arrival *arrival, struct error *err)
{
    if (arrival->options.sink)
        return 0;
    return shelf_put(arrival->options.shelf, arrival_open_folder(arrival, MANIFEST_ROOT),
                     arrival_spelling(arrival, 0), arrival->name, err);
}
