#include "cli/whole_file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "cli/language.h"

/* What the user's umask leaves of an ordinary file's rights; mkstemp gives fewer. */
static mode_t ordinary_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static int write_all(int fd, const struct buffer *contents)
{
    FILE *file = fdopen(fd, "w");
    if (!file) {
        int system = errno;
        close(fd);
        return system;
    }
    bool written =
        fwrite(contents->bytes, 1, contents->length, file) == contents->length &&
        fchmod(fd, ordinary_mode()) == 0;
    int system = written ? 0 : errno;
    if (fclose(file) != 0 && system == 0)
        system = errno;
    return system;
}

int whole_file_write(const char *path, const struct buffer *contents, struct error *err)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return error_set(err, ERROR_LIMIT, _("%s: the path is too long"), path);
    int fd = mkstemp(temporary);
    if (fd < 0)
        return error_set_system(err, errno, "%s", path);
    int system = write_all(fd, contents);
    if (system == 0 && rename(temporary, path) < 0)
        system = errno;
    if (system == 0)
        return 0;
    unlink(temporary);
    return error_set_system(err, system, "%s", path);
}
