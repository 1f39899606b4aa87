#include "capture/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { BUFFER_BYTES = 256 << 10, NAMES_TRIED = 100 };

struct output {
    char *path, *temporary; /* `temporary` null: there is none (any more) */
    FILE *file;
    int failed; /* errno of the first failure */
};

/* A file that was not there: with O_EXCL the umask leaves it the rights of any new file. */
static int open_beside(struct output *output)
{
    for (int i = 0; i < NAMES_TRIED; i++) {
        if (asprintf(&output->temporary, "%s.%ld-%d", output->path, (long)getpid(), i) <
            0) {
            output->temporary = NULL;
            return ENOMEM;
        }
        int fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            output->file = fdopen(fd, "w");
            if (!output->file)
                close(fd);
            return output->file ? 0 : ENOMEM;
        }
        int system = errno;
        free(output->temporary);
        output->temporary = NULL;
        if (system != EEXIST)
            return system;
    }
    return EEXIST;
}

int output_open(const char *path, struct output **ret_output, struct error *err)
{
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
        return error_set(err, ERROR_ARGUMENT,
                         "%s: a capture is written to ordinary files only", path);
    struct output *output = calloc(1, sizeof *output);
    int system = ENOMEM;
    if (output && (output->path = strdup(path)))
        system = open_beside(output);
    if (system) {
        output_close(&output);
        return error_set_system(err, system, "%s", path);
    }
    setvbuf(output->file, NULL, _IOFBF, BUFFER_BYTES); /* without it only slower */
    *ret_output = output;
    return 0;
}

void output_append(struct output *output, const void *bytes, size_t length)
{
    if (!output->failed && length > 0 &&
        fwrite_unlocked(bytes, 1, length, output->file) < length)
        output->failed = errno ? errno : EIO;
}

int output_failure(const struct output *output, struct error *err)
{
    return output->failed ? error_set_system(err, output->failed, "%s", output->path) : 0;
}

int output_commit(struct output *output, struct error *err)
{
    FILE *file = output->file;
    output->file = NULL;
    if (fclose(file) != 0 && !output->failed)
        output->failed = errno;
    if (!output->failed && rename(output->temporary, output->path) != 0)
        output->failed = errno;
    if (output->failed)
        return output_failure(output, err);
    free(output->temporary);
    output->temporary = NULL;
    return 0;
}

void output_close(struct output **output)
{
    struct output *closed = *output;
    if (!closed)
        return;
    if (closed->file)
        fclose(closed->file);
    if (closed->temporary)
        unlink(closed->temporary);
    free(closed->temporary);
    free(closed->path);
    free(closed);
    *output = NULL;
}
