#include "net/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"

enum { FILE_BYTES = 4 << 20, FOUND_NONE = 1 };

/* Makes the directories that `path` stands in, as mkdir -p does. */
static int make_directories(const char *path)
{
    char *copy = strdup(path);
    int code = 0;
    if (!copy)
        return -ENOMEM;
    for (char *slash = copy; code == 0 && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            code = -errno;
        *slash = '/';
    }
    free(copy);
    return code;
}

static int open_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) {
        int code = make_directories(path);
        if (code)
            return code;
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    return fd < 0 ? -errno : fd;
}

static int read_all(int fd, struct buffer *contents)
{
    for (;;) {
        if (buffer_reserve(contents, 4096))
            return -EFBIG;
        ssize_t length = read(fd, contents->bytes + contents->length, 4096);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return length < 0 ? -errno : 0;
        contents->length += (size_t)length;
        contents->bytes[contents->length] = '\0';
    }
}

/* The server's name in the file. An IPv6 address has colons of its own. */
static void spell_server(struct buffer *server, const char *host, uint16_t port)
{
    bool bracketed = strchr(host, ':');
    buffer_append_format(server, "%s%s%s:%u", bracketed ? "[" : "", host,
                         bracketed ? "]" : "", port);
}

/* The fingerprint behind the server's name, in its place in `line`; null where the line
 * is another's. */
static const char *match_line(const char *line, size_t length,
                              const struct buffer *server)
{
    if (length <= server->length ||
        strncasecmp(line, server->bytes, server->length) != 0 ||
        (line[server->length] != ' ' && line[server->length] != '\t'))
        return NULL;
    return line + server->length + strspn(line + server->length, " \t");
}

/* Where it is known by several, any of them will do: a server with two certificates has
 * two lines. */
static int compare(const struct buffer *contents, const struct buffer *server,
                   const char *fingerprint)
{
    size_t wanted = strlen(fingerprint);
    int found = FOUND_NONE;
    const char *line = buffer_text(contents);
    while (*line) {
        size_t length = strcspn(line, "\r\n");
        const char *known = match_line(line, length, server);
        if (known) {
            size_t rest = length - (size_t)(known - line);
            if (rest >= wanted && strncasecmp(known, fingerprint, wanted) == 0 &&
                (rest == wanted || known[wanted] == ' ' || known[wanted] == '\t'))
                return 0;
            found = ERROR_PERMISSION;
        }
        line += length + strspn(line + length, "\r\n");
    }
    return found;
}

static int append_line(int fd, const struct buffer *contents, const struct buffer *server,
                       const char *fingerprint)
{
    bool unended = contents->length && contents->bytes[contents->length - 1] != '\n';
    struct buffer line;
    buffer_init(&line, 0);
    buffer_append_format(&line, "%s%s %s\n", unended ? "\n" : "", buffer_text(server),
                         fingerprint);
    ssize_t written = line.failed ? -1 : write(fd, line.bytes, line.length);
    int code = line.failed                        ? -ENOMEM
               : written < 0                      ? -errno
               : (size_t)written < line.length    ? -ENOSPC
               : fsync(fd) < 0 && errno != EINVAL ? -errno
                                                  : 0;
    buffer_done(&line);
    return code;
}

/* FOUND_NONE, 0, ERROR_PERMISSION; or a negated errno in `ret_system`. */
static int meet(int fd, const struct buffer *server, const char *fingerprint,
                int *ret_system)
{
    struct buffer contents;
    int found = 0;
    buffer_init(&contents, FILE_BYTES);
    *ret_system = flock(fd, LOCK_EX) < 0 ? -errno : read_all(fd, &contents);
    if (*ret_system == 0)
        found = compare(&contents, server, fingerprint);
    if (*ret_system == 0 && found == FOUND_NONE)
        *ret_system = append_line(fd, &contents, server, fingerprint);
    buffer_done(&contents);
    return found;
}

int pins_meet(const char *path, const char *host, uint16_t port, const char *fingerprint,
              bool *ret_first, struct error *err)
{
    struct buffer server;
    int system, found = 0, fd = open_file(path);
    if (fd < 0)
        return error_set_system(err, -fd, "%s", path);
    buffer_init(&server, 0);
    spell_server(&server, host, port);
    if (server.failed)
        system = -ENOMEM;
    else
        found = meet(fd, &server, fingerprint, &system);
    close(fd);
    int code = 0;
    if (system)
        code = error_set_system(err, -system, "%s", path);
    else if (found == ERROR_PERMISSION)
        code = error_set(
            err, ERROR_PERMISSION,
            "%s has another certificate than before: it was set up anew, or somebody "
            "is in between; to trust it, remove its line from %s",
            buffer_text(&server), path);
    else
        *ret_first = found == FOUND_NONE;
    buffer_done(&server);
    return code;
}
