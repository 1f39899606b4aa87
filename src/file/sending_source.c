/* The files that are sent: opened beneath their root, read, and watched for changes. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "file/beneath.h"
#include "file/sending_state.h"
#include "file/walk.h"

void sending_forget_folder(struct sending *sending)
{
    if (sending->cached_fd >= 0)
        close(sending->cached_fd);
    sending->cached_fd = -1;
}

/* A descriptor of the caller's, or an error's code. */
static int open_root(struct sending *sending, const struct root *root, int flags)
{
    if (root->follow)
        return openat(root->folder, root->path, flags | O_CLOEXEC);
    int fd = beneath_open(root->folder, root->path, flags, 0);
    (void)sending;
    errno = fd < 0 ? -fd : 0;
    return fd < 0 ? -1 : fd;
}

static int open_entry(struct sending *sending, uint32_t number, int flags);

/* A folder that entries name; the descriptor is borrowed until the next call. */
static int open_parent(struct sending *sending, uint32_t number)
{
    if (sending->cached_fd >= 0 && sending->cached == number)
        return sending->cached_fd;
    int fd = open_entry(sending, number, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return -1;
    sending_forget_folder(sending);
    sending->cached = number;
    return sending->cached_fd = fd;
}

static int open_entry(struct sending *sending, uint32_t number, int flags)
{
    const struct entry *entry = &sending->entries[number];
    if (entry->parent == MANIFEST_ROOT)
        return open_root(sending, &sending->roots[entry->root], flags);
    int folder = open_parent(sending, entry->parent);
    if (folder < 0)
        return -1;
    int fd = beneath_open(folder, sending->names.bytes + entry->name, flags, 0);
    errno = fd < 0 ? -fd : 0;
    return fd < 0 ? -1 : fd;
}

static int blame(struct sending *sending, uint32_t number, int code, const char *what,
                 struct error *err)
{
    const struct entry *entry = &sending->entries[number];
    const char *root = sending->roots[entry->root].name;
    const char *name = sending->names.bytes + entry->name;
    return entry->parent == MANIFEST_ROOT
               ? error_set(err, code, "'%s' %s", root, what)
               : error_set(err, code, "'%s' in '%s' %s", name, root, what);
}

static int blame_system(struct sending *sending, uint32_t number, int system,
                        struct error *err)
{
    const struct entry *entry = &sending->entries[number];
    return error_set_system(err, system, "reading '%s'",
                            sending->names.bytes + entry->name);
}

/* Opens the file; it must be the one that was told of. */
int sending_open_file(struct sending *sending, uint32_t number, int *ret_fd,
                      struct error *err)
{
    struct stat status;
    int fd = open_entry(sending, number, O_RDONLY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return blame(sending, number, ERROR_AGAIN, "went away while it was sent", err);
    if (fd < 0)
        return blame_system(sending, number, errno, err);
    int code = 0;
    if (fstat(fd, &status) < 0)
        code = blame_system(sending, number, errno, err);
    else if (!S_ISREG(status.st_mode) ||
             walk_version(&status) != sending->entries[number].version)
        code = blame(sending, number, ERROR_AGAIN, "changed while it was sent", err);
    if (code) {
        close(fd);
        return code;
    }
    *ret_fd = fd;
    return 0;
}

/* Whether it still is what was told of, now that it was read. */
int sending_check_unchanged(struct sending *sending, uint32_t number, int fd,
                            struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return blame_system(sending, number, errno, err);
    return walk_version(&status) == sending->entries[number].version
               ? 0
               : blame(sending, number, ERROR_AGAIN, "changed while it was sent", err);
}

/* All of `length` bytes; a file that has fewer was cut. */
int sending_read(struct sending *sending, uint32_t number, int fd, char *bytes,
                 size_t length, uint64_t offset, struct error *err)
{
    while (length > 0) {
        ssize_t got = pread(fd, bytes, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return blame_system(sending, number, errno, err);
        if (got == 0)
            return blame(sending, number, ERROR_AGAIN, "was cut while it was sent", err);
        bytes += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

int sending_acquire(struct sending *sending, uint32_t number, struct source **ret_source,
                    struct error *err)
{
    list_for_each (link, &sending->sources) {
        struct source *source = list_member(link, struct source, place);
        if (source->entry == number) {
            if (sending->kept == source)
                sending->kept = NULL;
            source->users++;
            *ret_source = source;
            return 0;
        }
    }
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return error_set(err, ERROR_MEMORY, "no memory for a file");
    int code = sending_open_file(sending, number, &source->fd, err);
    if (code) {
        free(source);
        return code;
    }
    posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    source->entry = number;
    source->users = 1;
    list_append(&sending->sources, &source->place);
    *ret_source = source;
    return 0;
}

static void close_source(struct source *source)
{
    list_remove(&source->place);
    close(source->fd);
    free(source);
}

/* The last one stays open: the next chunk is most likely of the same file. */
void sending_release(struct sending *sending, struct source **pointer)
{
    struct source *source = *pointer;
    *pointer = NULL;
    if (!source || --source->users > 0)
        return;
    if (sending->kept && sending->kept != source)
        close_source(sending->kept);
    sending->kept = source;
}

void sending_forget_source(struct sending *sending)
{
    if (sending->kept)
        close_source(sending->kept);
    sending->kept = NULL;
}
