#include "cli/folder.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"
#include "cli/language.h"

int folder_make(const char *folder, struct error *err)
{
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        return error_set_system(err, errno, "%s", folder);
    return 0;
}

int folder_join(const char *folder, const char *name, char *ret_path, size_t size,
                struct error *err)
{
    int length = snprintf(ret_path, size, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= size)
        return error_set(err, ERROR_LIMIT, _("%s: the path is too long"), folder);
    return 0;
}
