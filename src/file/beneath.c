#include "file/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file/protocol.h"

int beneath_open(int folder, const char *name, int flags, mode_t mode)
{
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC | O_NOFOLLOW,
                           .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long fd = syscall(SYS_openat2, folder, name, &how, sizeof how);
    if (fd >= 0)
        return (int)fd;
    /* Where a sandbox does not know the call: a name without separators, not followed, is the
     * same thing. */
    if ((errno != ENOSYS && errno != EPERM) || strchr(name, '/'))
        return -errno;
    int plain = openat(folder, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
    return plain < 0 ? -errno : plain;
}

int beneath_folder(int folder, const char *name, mode_t mode)
{
    if (mkdirat(folder, name, mode) < 0 && errno != EEXIST)
        return -errno;
    return beneath_open(folder, name, O_RDONLY | O_DIRECTORY, 0);
}

static int remove_folder(int folder, const char *name, int depth);

static int remove_one(int folder, const char *name, int depth)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return 0;
    /* Of a folder, Linux says EISDIR and POSIX EPERM. */
    return errno == EISDIR || errno == EPERM ? remove_folder(folder, name, depth)
                                             : -errno;
}

static int empty_folder(DIR *listing, int depth)
{
    int code = 0;
    for (struct dirent *found; (found = readdir(listing)) && !code;)
        if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
            code = remove_one(dirfd(listing), found->d_name, depth + 1);
    return code;
}

static int remove_folder(int folder, const char *name, int depth)
{
    if (depth > FILE_DEPTH_MOST + 2)
        return -ELOOP;
    int fd = beneath_open(folder, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    DIR *listing = fdopendir(fd);
    if (!listing) {
        int code = -errno;
        close(fd);
        return code;
    }
    int code = empty_folder(listing, depth);
    closedir(listing);
    if (code == 0 && unlinkat(folder, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        code = -errno;
    return code;
}

int beneath_remove(int folder, const char *name)
{
    return remove_one(folder, name, 0);
}
