#include "file/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/beneath.h"
#include "file/name.h"
#include "file/name_table.h"
#include "file/protocol.h"

/* What a name's number in the table says. */
enum { STANDS = 0, RESERVED = 1 };

#define KEY_NOTE "user.woshou.key"
#define SUM_NOTE "user.woshou.sum"

struct shelf {
    int whole, arriving;
    char *inside; /* the arriving folder's name where it lies in the other; or null */
    pthread_mutex_t lock; /* of what follows */
    struct name_table names;
    struct timespec read_at; /* the whole folder's time of change when `names` was read */
};

/* --- Opening --- */

static int open_folder(const char *path, int *ret_fd, struct error *err)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_set_system(err, errno, "making the folder '%s'", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_system(err, errno, "opening the folder '%s'", path);
    *ret_fd = fd;
    return 0;
}

/* The last component of `arriving` where the rest is `whole`. */
static int find_inside(struct shelf *shelf, const char *whole, const char *arriving)
{
    size_t length = strlen(whole);
    if (strncmp(arriving, whole, length) != 0 || arriving[length] != '/')
        return 0;
    shelf->inside = strdup(arriving + length + 1);
    return shelf->inside ? 0 : ERROR_MEMORY;
}

static int check_device(const struct shelf *shelf, struct error *err)
{
    struct stat whole, arriving;
    if (fstat(shelf->whole, &whole) < 0 || fstat(shelf->arriving, &arriving) < 0)
        return error_set_system(err, errno, "looking at the folders for files");
    return whole.st_dev == arriving.st_dev
               ? 0
               : error_set(err, ERROR_ARGUMENT,
                           "the folders for files are on different file systems");
}

int shelf_open(const char *whole, const char *arriving, struct shelf **ret_shelf,
               struct error *err)
{
    struct shelf *shelf = calloc(1, sizeof *shelf);
    if (!shelf)
        return error_set(err, ERROR_MEMORY, "no memory for files");
    shelf->whole = shelf->arriving = -1;
    name_table_init(&shelf->names);
    pthread_mutex_init(&shelf->lock, NULL);
    int code = open_folder(whole, &shelf->whole, err);
    if (!code)
        code = open_folder(arriving, &shelf->arriving, err);
    if (!code)
        code = check_device(shelf, err);
    if (!code && find_inside(shelf, whole, arriving))
        code = error_set(err, ERROR_MEMORY, "no memory for files");
    if (code) {
        shelf_close(&shelf);
        return code;
    }
    *ret_shelf = shelf;
    return 0;
}

void shelf_close(struct shelf **shelf)
{
    if (!*shelf)
        return;
    if ((*shelf)->inside)
        unlinkat((*shelf)->whole, (*shelf)->inside, AT_REMOVEDIR);
    if ((*shelf)->arriving >= 0)
        close((*shelf)->arriving);
    if ((*shelf)->whole >= 0)
        close((*shelf)->whole);
    name_table_done(&(*shelf)->names);
    pthread_mutex_destroy(&(*shelf)->lock);
    free((*shelf)->inside);
    free(*shelf);
    *shelf = NULL;
}

int shelf_whole(const struct shelf *shelf)
{
    return shelf->whole;
}

int shelf_arriving(const struct shelf *shelf)
{
    return shelf->arriving;
}

/* --- Names; all with the lock held --- */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A listing of one's own, from the beginning. */
static DIR *list_folder(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing && fd >= 0)
        close(fd);
    return listing;
}

static void stamp(struct shelf *shelf)
{
    struct stat status;
    if (fstat(shelf->whole, &status) == 0)
        shelf->read_at = status.st_mtim;
}

static bool is_reserved(const struct shelf *shelf, const char *name)
{
    return name_table_find(&shelf->names, 0, name, strlen(name)) == RESERVED;
}

/* Reads the names anew where another program has changed the folder. What is reserved stays so: only
 * names that are not are written over, and those that went away are found out by who looks. */
static int read_names(struct shelf *shelf)
{
    struct stat status;
    if (fstat(shelf->whole, &status) < 0)
        return -errno;
    if (status.st_mtim.tv_sec == shelf->read_at.tv_sec &&
        status.st_mtim.tv_nsec == shelf->read_at.tv_nsec)
        return 0;
    DIR *listing = list_folder(shelf->whole);
    if (!listing)
        return -errno;
    int code = 0;
    for (struct dirent *found; !code && (found = readdir(listing));) {
        const char *name = found->d_name;
        if (!is_dots(name) && name_check(name, strlen(name), NULL) == 0 &&
            !is_reserved(shelf, name))
            code = name_table_put(&shelf->names, 0, name, strlen(name), STANDS);
    }
    closedir(listing);
    shelf->read_at = status.st_mtim;
    return code ? -ENOMEM : 0;
}

static bool exists(int folder, const char *name)
{
    return faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether some name that is this one to some system is there, and perhaps spelled in another way: the
 * table may hold a name that another program has removed. */
static bool spelled_otherwise_exists(const struct shelf *shelf, const char *name)
{
    DIR *listing = list_folder(shelf->whole);
    if (!listing)
        return true;
    struct name_table one;
    name_table_init(&one);
    bool found = name_table_put(&one, 0, name, strlen(name), STANDS) != 0;
    for (struct dirent *entry; !found && (entry = readdir(listing));)
        found = name_check(entry->d_name, strlen(entry->d_name), NULL) == 0 &&
                name_table_find(&one, 0, entry->d_name, strlen(entry->d_name)) == STANDS;
    name_table_done(&one);
    closedir(listing);
    return found;
}

static bool came_under(const struct shelf *shelf, const char *name,
                       const struct check *key)
{
    struct check noted;
    int fd = beneath_open(shelf->whole, name, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return false;
    ssize_t length = fgetxattr(fd, KEY_NOTE, noted.bytes, CHECK_BYTES);
    close(fd);
    return length == CHECK_BYTES && check_equal(&noted, key);
}

static int refuse_name(const struct shelf *shelf, const char *name, struct error *err)
{
    return exists(shelf->whole, name)
               ? error_set(err, ERROR_IN_USE, "'%s' is there already", name)
               : error_set(err, ERROR_IN_USE,
                           "'%s' is there already, spelled in another way", name);
}

static int reserve(struct shelf *shelf, const char *name, const struct check *key,
                   struct error *err)
{
    int code = read_names(shelf);
    if (code)
        return error_set_system(err, -code, "reading the folder for files");
    uint32_t number = name_table_find(&shelf->names, 0, name, strlen(name));
    if (number == RESERVED)
        return error_set(err, ERROR_IN_USE,
                         "'%s' is being sent by another at this moment", name);
    if (exists(shelf->whole, name))
        return came_under(shelf, name, key) ? 1 : refuse_name(shelf, name, err);
    if (number == STANDS && spelled_otherwise_exists(shelf, name))
        return refuse_name(shelf, name, err);
    return name_table_put(&shelf->names, 0, name, strlen(name), RESERVED)
               ? error_set(err, ERROR_MEMORY, "no memory for names")
               : 0;
}

int shelf_reserve(struct shelf *shelf, const char *name, const struct check *key,
                  struct error *err)
{
    pthread_mutex_lock(&shelf->lock);
    int code = reserve(shelf, name, key, err);
    pthread_mutex_unlock(&shelf->lock);
    return code;
}

void shelf_release(struct shelf *shelf, const char *name)
{
    pthread_mutex_lock(&shelf->lock);
    if (is_reserved(shelf, name))
        name_table_remove(&shelf->names, 0, name, strlen(name));
    pthread_mutex_unlock(&shelf->lock);
}

/* --- Putting there --- */

int shelf_put(struct shelf *shelf, int folder, const char *from, const char *name,
              struct error *err)
{
    pthread_mutex_lock(&shelf->lock);
    int code = 0;
    if (renameat2(folder, from, shelf->whole, name, RENAME_NOREPLACE) < 0)
        code = errno == EEXIST ? refuse_name(shelf, name, err)
                               : error_set_system(err, errno, "'%s'", name);
    if (!code) {
        name_table_put(&shelf->names, 0, name, strlen(name), STANDS);
        stamp(shelf);
    }
    pthread_mutex_unlock(&shelf->lock);
    return code;
}

int shelf_sync(struct shelf *shelf, struct error *err)
{
    return fsync(shelf->whole) == 0
               ? 0
               : error_set_system(err, errno, "syncing the folder for files");
}

void shelf_note(int fd, const struct check *key, uint64_t bytes, uint32_t files)
{
    const uint64_t sum[2] = {bytes, files};
    /* Notes: without them a file sent again is refused in place of found there, and a folder is
     * listed without its size. */
    if (fsetxattr(fd, KEY_NOTE, key->bytes, CHECK_BYTES, 0) == 0)
        (void)!fsetxattr(fd, SUM_NOTE, sum, sizeof sum, 0);
}

/* --- Looking and removing --- */

static int look_at(const struct shelf *shelf, const char *name,
                   struct shelf_item *ret_item)
{
    struct stat status;
    if (strlen(name) > NAME_BYTES ||
        fstatat(shelf->whole, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return ERROR_ABSENT;
    struct shelf_item item = {.folder = S_ISDIR(status.st_mode),
                              .counted = S_ISREG(status.st_mode),
                              .bytes = (uint64_t)status.st_size,
                              .files = 1,
                              .mtime_ns = status.st_mtim.tv_sec * NS_PER_S +
                                          status.st_mtim.tv_nsec};
    memcpy(item.name, name, strlen(name) + 1);
    if (item.folder) {
        uint64_t sum[2];
        int fd = beneath_open(shelf->whole, name, O_RDONLY | O_DIRECTORY, 0);
        item.counted = fd >= 0 && fgetxattr(fd, SUM_NOTE, sum, sizeof sum) == sizeof sum;
        item.bytes = item.counted ? sum[0] : 0;
        item.files = item.counted ? (uint32_t)sum[1] : 0;
        if (fd >= 0)
            close(fd);
    }
    *ret_item = item;
    return 0;
}

int shelf_list(struct shelf *shelf,
               int (*each)(void *owner, const struct shelf_item *item), void *owner,
               struct error *err)
{
    DIR *listing = list_folder(shelf->whole);
    if (!listing)
        return error_set_system(err, errno, "reading the folder for files");
    int code = 0;
    for (struct dirent *found; !code && (found = readdir(listing));) {
        struct shelf_item item;
        if (name_check(found->d_name, strlen(found->d_name), NULL) == 0 &&
            look_at(shelf, found->d_name, &item) == 0)
            code = each(owner, &item);
    }
    closedir(listing);
    return code;
}

/* Out of sight first, in one step, so that nobody finds half a folder; then away. */
int shelf_remove(struct shelf *shelf, const char *name, struct error *err)
{
    char aside[64];
    pthread_mutex_lock(&shelf->lock);
    snprintf(aside, sizeof aside, "removed-%016llx",
             (unsigned long long)clock_monotonic_ns());
    int renamed = renameat2(shelf->whole, name, shelf->arriving, aside, RENAME_NOREPLACE);
    int failed = renamed < 0 ? errno : 0;
    if (!failed) {
        name_table_remove(&shelf->names, 0, name, strlen(name));
        stamp(shelf);
    }
    pthread_mutex_unlock(&shelf->lock);
    if (failed == ENOENT)
        return error_set(err, ERROR_ABSENT, "there is no file '%s'", name);
    if (failed)
        return error_set_system(err, failed, "removing '%s'", name);
    failed = -beneath_remove(shelf->arriving, aside);
    return failed ? error_set_system(err, failed, "removing '%s'", name)
                  : shelf_sync(shelf, err);
}

/* Under way is what somebody has its journal locked of. */
static bool is_under_way(int folder)
{
    int fd = beneath_open(folder, "journal", O_RDWR, 0);
    if (fd < 0)
        return false;
    bool locked = flock(fd, LOCK_EX | LOCK_NB) < 0;
    close(fd);
    return locked;
}

static bool is_old(int folder, const char *name, int64_t before_ns)
{
    struct stat status;
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec < before_ns;
}

static void expire_one(const struct shelf *shelf, const char *name, int64_t before_ns)
{
    bool old;
    int folder = beneath_open(shelf->arriving, name, O_RDONLY | O_DIRECTORY, 0);
    if (folder >= 0) {
        bool journal = faccessat(folder, "journal", F_OK, 0) == 0;
        old =
            is_old(folder, journal ? "journal" : ".", before_ns) && !is_under_way(folder);
        close(folder);
    } else {
        old = is_old(shelf->arriving, name, before_ns);
    }
    if (old)
        beneath_remove(shelf->arriving, name);
}

void shelf_expire(struct shelf *shelf, int64_t now_ns, int64_t age_ns)
{
    DIR *listing = list_folder(shelf->arriving);
    if (!listing)
        return;
    for (struct dirent *found; (found = readdir(listing));)
        if (!is_dots(found->d_name))
            expire_one(shelf, found->d_name, now_ns - age_ns);
    closedir(listing);
}
