#include "file/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/beneath.h"
#include "file/check.h"
#include "file/name.h"
#include "file/protocol.h"

struct walk {
    char name[NAME_BYTES + 1]; /* the root's, as it is sent */
    struct stat root;
    bool begun;
    int root_fd; /* of a folder, until it is read; -1 */
    int depth;
    struct level {
        DIR *listing;
        uint32_t number;
    } levels[FILE_DEPTH_MOST];
};

/* Not the device: its number may change when the system is started anew. */
uint64_t walk_version(const struct stat *status)
{
    const int64_t parts[6] = {(int64_t)status->st_ino, status->st_size,
                              status->st_mtim.tv_sec,  status->st_mtim.tv_nsec,
                              status->st_ctim.tv_sec,  status->st_ctim.tv_nsec};
    const struct check check = check_of(parts, sizeof parts);
    uint64_t version;
    memcpy(&version, check.bytes, sizeof version);
    return version;
}

static const char *unsendable(mode_t mode)
{
    if (S_ISLNK(mode))
        return "a symbolic link";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

static bool is_sendable(mode_t mode)
{
    return S_ISREG(mode) || S_ISDIR(mode);
}

int walk_open(int folder, const char *name, bool follow, const char *as,
              struct walk **ret_walk, struct error *err)
{
    struct stat status;
    int code = name_check(as, strlen(as), err);
    if (code)
        return code;
    if (fstatat(folder, name, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
        return error_set_system(err, errno, "'%s'", name);
    if (!is_sendable(status.st_mode))
        return error_set(err, ERROR_ARGUMENT, "'%s' is %s and cannot be sent", name,
                         unsendable(status.st_mode));
    struct walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return error_set(err, ERROR_MEMORY, "no memory for '%s'", name);
    memcpy(walk->name, as, strlen(as) + 1);
    walk->root = status;
    walk->root_fd = -1;
    if (S_ISDIR(status.st_mode)) {
        const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
        walk->root_fd = openat(folder, name, follow ? flags : flags | O_NOFOLLOW);
        if (walk->root_fd < 0) {
            code = error_set_system(err, errno, "'%s'", name);
            walk_close(&walk);
            return code;
        }
    }
    *ret_walk = walk;
    return 0;
}

void walk_close(struct walk **walk)
{
    if (!*walk)
        return;
    while ((*walk)->depth > 0)
        closedir((*walk)->levels[--(*walk)->depth].listing);
    if ((*walk)->root_fd >= 0)
        close((*walk)->root_fd);
    free(*walk);
    *walk = NULL;
}

/* Takes the descriptor. */
static int go_down(struct walk *walk, int fd, uint32_t number)
{
    if (walk->depth == FILE_DEPTH_MOST) {
        close(fd);
        return -ELOOP;
    }
    DIR *listing = fdopendir(fd);
    if (!listing) {
        int code = -errno;
        close(fd);
        return code;
    }
    walk->levels[walk->depth++] = (struct level){listing, number};
    return 0;
}

static struct manifest_entry entry_of(const struct stat *status, const char *name,
                                      uint32_t parent)
{
    return (struct manifest_entry){
        .kind = S_ISDIR(status->st_mode) ? FILE_FOLDER : FILE_REGULAR,
        .mode = status->st_mode & 0777,
        .parent = parent,
        .size = S_ISDIR(status->st_mode) ? 0 : (uint64_t)status->st_size,
        .version = walk_version(status),
        .mtime_ns = status->st_mtim.tv_sec * NS_PER_S + status->st_mtim.tv_nsec,
        .name = name,
        .name_length = (uint16_t)strlen(name)};
}

static int first(struct walk *walk, uint32_t number, struct manifest_entry *ret_entry,
                 struct error *err)
{
    walk->begun = true;
    if (walk->root_fd >= 0) {
        int code = go_down(walk, walk->root_fd, number);
        walk->root_fd = -1;
        if (code)
            return error_set_system(err, -code, "'%s'", walk->name);
    }
    *ret_entry = entry_of(&walk->root, walk->name, MANIFEST_ROOT);
    return WALK_ENTRY;
}

/* The next name in the innermost folder that has one; null at the end of all. */
static const char *next_name(struct walk *walk)
{
    while (walk->depth > 0) {
        struct dirent *found = readdir(walk->levels[walk->depth - 1].listing);
        if (!found)
            closedir(walk->levels[--walk->depth].listing);
        else if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
            return found->d_name;
    }
    return NULL;
}

int walk_next(struct walk *walk, uint32_t number, struct manifest_entry *ret_entry,
              const char **ret_why, struct error *err)
{
    if (!walk->begun)
        return first(walk, number, ret_entry, err);
    const char *name = next_name(walk);
    if (!name)
        return WALK_END;
    const struct level level = walk->levels[walk->depth - 1];
    struct stat status;
    int folder = dirfd(level.listing);
    int code = name_check(name, strlen(name), err);
    if (code)
        return error_add(err, "in '%s'", walk->name);
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return error_set_system(err, errno, "'%s' in '%s'", name, walk->name);
    if (!is_sendable(status.st_mode)) {
        *ret_why = unsendable(status.st_mode);
        ret_entry->name = name;
        ret_entry->name_length = (uint16_t)strlen(name);
        return WALK_PASSED;
    }
    *ret_entry = entry_of(&status, name, level.number);
    if (!S_ISDIR(status.st_mode))
        return WALK_ENTRY;
    int fd = beneath_open(folder, name, O_RDONLY | O_DIRECTORY, 0);
    code = fd < 0 ? fd : go_down(walk, fd, number);
    if (code)
        return error_set_system(err, -code, "'%s' in '%s'", name, walk->name);
    return WALK_ENTRY;
}
