#include "cli/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"

enum { CLIENT_ID_MOST = 16, TOKENS_LINE = 1024 };

/* --- Places --- */

static int append_path(struct buffer *buffer, const char *variable, const char *fallback,
                       const char *name, struct error *err)
{
    const char *base = getenv(variable), *home = getenv("HOME");
    if (base && *base == '/')
        buffer_append_format(buffer, "%s/woshou/%s", base, name);
    else if (home && *home == '/')
        buffer_append_format(buffer, "%s/%s/woshou/%s", home, fallback, name);
    else
        return error_set(err, ERROR_ABSENT,
                         "neither HOME nor %s says where to keep things", variable);
    return buffer->failed ? error_set(err, buffer->failed, "no memory") : 0;
}

int home_state_path(struct buffer *buffer, const char *name, struct error *err)
{
    return append_path(buffer, "XDG_STATE_HOME", ".local/state", name, err);
}

int home_config_path(struct buffer *buffer, const char *name, struct error *err)
{
    return append_path(buffer, "XDG_CONFIG_HOME", ".config", name, err);
}

int home_make_directory(const char *path, struct error *err)
{
    char *copy = strdup(path);
    int code = 0;
    if (!copy)
        return error_set(err, ERROR_MEMORY, "no memory");
    for (char *slash = copy; code == 0 && slash;) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(copy, 0700) < 0 && errno != EEXIST)
            code = error_set_system(err, errno, "%s", copy);
        if (slash)
            *slash = '/';
    }
    free(copy);
    return code;
}

/* --- The client id --- */

/* 1 where `path` holds one. */
static int read_id(const char *path, uint8_t *ret_id, size_t length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    uint8_t id[CLIENT_ID_MOST + 1];
    ssize_t got = read(fd, id, length + 1);
    close(fd);
    if (got != (ssize_t)length)
        return 0;
    memcpy(ret_id, id, length);
    return 1;
}

/* Whole under its name, or not at all; where another process was first, its id is the
 * one. */
static void keep_id(const char *path, uint8_t *id, size_t length)
{
    char temporary[4096];
    int named = snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    if (named < 0 || (size_t)named >= sizeof temporary)
        return;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    bool written = write(fd, id, length) == (ssize_t)length && fsync(fd) == 0;
    close(fd);
    if (written && link(temporary, path) < 0 && errno == EEXIST)
        read_id(path, id, length);
    unlink(temporary);
}

int home_client_id(uint8_t *ret_id, size_t length, struct error *err)
{
    struct buffer path;
    uint8_t id[CLIENT_ID_MOST];
    if (length > sizeof id || getentropy(id, length))
        return error_set_system(err, errno, "random bytes");
    buffer_init(&path, 0);
    if (home_state_path(&path, "", NULL) == 0 &&
        home_make_directory(buffer_text(&path), NULL) == 0 &&
        buffer_append_text(&path, "client-id") == 0 &&
        !read_id(buffer_text(&path), id, length))
        keep_id(buffer_text(&path), id, length);
    buffer_done(&path);
    memcpy(ret_id, id, length);
    return 0;
}

/* --- Tokens --- */

static int take_line(char *line, const char *server, struct buffer *ret_token)
{
    char *at = line;
    const char *words = " \t\r\n";
    const char *name = strtok_r(at, words, &at);
    const char *token = name ? strtok_r(NULL, words, &at) : NULL;
    if (!token || strcasecmp(name, server) != 0)
        return 0;
    buffer_append_text(ret_token, token);
    return 1;
}

static int search(FILE *file, const char *path, const char *server,
                  struct buffer *ret_token, struct error *err)
{
    char line[TOKENS_LINE];
    struct stat status;
    if (fstat(fileno(file), &status) < 0)
        return error_set_system(err, errno, "%s", path);
    if (status.st_mode & 077)
        return error_set(err, ERROR_PERMISSION,
                         "others can read your tokens: chmod 600 %s", path);
    while (fgets(line, sizeof line, file))
        if (take_line(line, server, ret_token))
            break;
    if (ferror(file))
        return error_set_system(err, errno, "%s", path);
    return ret_token->failed ? error_set(err, ret_token->failed, "no memory") : 0;
}

int home_token(const char *host, uint16_t port, struct buffer *ret_token,
               struct error *err)
{
    char server[512];
    struct buffer path;
    bool bracketed = strchr(host, ':');
    snprintf(server, sizeof server, "%s%s%s:%u", bracketed ? "[" : "", host,
             bracketed ? "]" : "", port);
    buffer_init(&path, 0);
    int code = home_config_path(&path, "tokens", NULL) ? ERROR_ABSENT : 0;
    FILE *file = code ? NULL : fopen(buffer_text(&path), "re");
    if (file) {
        code = search(file, buffer_text(&path), server, ret_token, err);
        fclose(file);
    } else {
        code = code || errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : error_set_system(err, errno, "%s", buffer_text(&path));
    }
    buffer_done(&path);
    return code;
}
