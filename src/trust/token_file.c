#include "trust/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"

enum { LINE_BYTES = 256, FILE_BYTES = TOKENS_MOST * LINE_BYTES };

/* --- Lists --- */

const struct token *token_list_find(const struct token_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->tokens[i].id, id) == 0)
            return &list->tokens[i];
    return NULL;
}

static int append_token(struct token_list *list, const struct token *token)
{
    if (list->count == TOKENS_MOST)
        return ERROR_LIMIT;
    struct token *tokens = realloc(list->tokens, (list->count + 1) * sizeof *tokens);
    if (!tokens)
        return ERROR_MEMORY;
    tokens[list->count++] = *token;
    list->tokens = tokens;
    return 0;
}

/* Cuts `text` into lines and takes them; `ret_bad` is the number of the first that is
 * none, or 0. */
static int parse_all(char *text, struct token_list *list, unsigned *ret_bad)
{
    unsigned number = 0;
    *ret_bad = 0;
    for (char *line; (line = strsep(&text, "\n"));) {
        struct token token;
        number++;
        if (*line == '\0' || *line == '#')
            continue;
        if (!token_parse_line(line, &token)) {
            *ret_bad = *ret_bad ? *ret_bad : number;
            continue;
        }
        int code = append_token(list, &token);
        if (code)
            return code;
    }
    return 0;
}

/* --- The file --- */

/* Reads what is open; 0 or a negated errno. */
static int read_open(int fd, struct buffer *contents)
{
    for (;;) {
        if (buffer_reserve(contents, 4096))
            return contents->failed == ERROR_LIMIT ? -EFBIG : -ENOMEM;
        ssize_t length = read(fd, contents->bytes + contents->length, 4096);
        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return length < 0 ? -errno : 0;
        contents->length += (size_t)length;
        contents->bytes[contents->length] = '\0';
    }
}

/* `ret_bad` as of parse_all. */
static int read_tokens(int fd, const char *path, struct token_list *ret_list,
                       unsigned *ret_bad, struct error *err)
{
    struct token_list list = {0};
    struct buffer contents;
    buffer_init(&contents, FILE_BYTES);
    int system = read_open(fd, &contents);
    int code = system ? error_set_system(err, -system, "%s", path) : 0;
    if (code == 0 && contents.bytes)
        code = parse_all(contents.bytes, &list, ret_bad);
    buffer_done(&contents);
    if (code == ERROR_LIMIT || code == ERROR_MEMORY)
        error_set(err, code, "%s: too many tokens", path);
    if (code) {
        token_list_done(&list);
        return code;
    }
    *ret_list = list;
    return 0;
}

int token_list_read_open(int fd, const char *path, struct token_list *ret_list,
                         struct error *err)
{
    unsigned bad = 0;
    return read_tokens(fd, path, ret_list, &bad, err);
}

/* For people, who are told of a line that is none. */
static int read_strictly(int fd, const char *path, struct token_list *ret_list,
                         struct error *err)
{
    unsigned bad = 0;
    int code = read_tokens(fd, path, ret_list, &bad, err);
    if (code || !bad)
        return code;
    token_list_done(ret_list);
    return error_set(err, ERROR_CORRUPT, "%s: line %u is none of a token's", path, bad);
}

void token_list_done(struct token_list *list)
{
    free(list->tokens);
    *list = (struct token_list){0};
}

int token_list_read(const char *path, struct token_list *ret_list, struct error *err)
{
    int code = token_start(err);
    if (code)
        return code;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_list = (struct token_list){0};
        return 0;
    }
    if (fd < 0)
        return error_set_system(err, errno, "%s", path);
    code = read_strictly(fd, path, ret_list, err);
    close(fd);
    return code;
}

/* The file, made where it is not there, locked, and still the one of that name: a
 * descriptor, or a negated errno. */
static int open_locked(const char *path)
{
    for (;;) {
        struct stat opened, named;
        errno = 0;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
            return -errno;
        if (flock(fd, LOCK_EX) == 0 && fstat(fd, &opened) == 0 &&
            stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
            opened.st_dev == named.st_dev)
            return fd;
        int code = -errno;
        close(fd);
        if (code && code != -EINTR && code != -ENOENT)
            return code;
    }
}

static int write_whole(const char *path, const struct buffer *contents)
{
    size_t written = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int code = contents->failed ? -ENOMEM : 0;
    while (code == 0 && written < contents->length) {
        ssize_t length = write(fd, contents->bytes + written, contents->length - written);
        if (length < 0 && errno != EINTR)
            code = -errno;
        written += length > 0 ? (size_t)length : 0;
    }
    if (code == 0 && fsync(fd) < 0)
        code = -errno;
    close(fd);
    return code;
}

/* Under the lock of the file that is replaced. */
static int replace(const char *path, const struct token_list *list, struct error *err)
{
    struct buffer contents, temporary;
    buffer_init(&contents, 0);
    buffer_init(&temporary, 0);
    for (size_t i = 0; i < list->count; i++)
        token_print_line(&contents, &list->tokens[i]);
    int code = buffer_append_format(&temporary, "%s.new", path) ? -ENOMEM : 0;
    if (code == 0)
        code = write_whole(temporary.bytes, &contents);
    if (code == 0 && rename(temporary.bytes, path) < 0)
        code = -errno;
    if (code && !temporary.failed)
        unlink(temporary.bytes);
    buffer_done(&contents);
    buffer_done(&temporary);
    return code ? error_set_system(err, -code, "%s", path) : 0;
}

/* --- Making and revoking --- */

int token_make(const char *path, const char *name, int64_t now_s, int64_t expires_s,
               struct token *ret_token, char ret_text[TOKEN_TEXT], struct error *err)
{
    struct token token = {.made_s = now_s, .expires_s = expires_s};
    struct token_list list;
    char text[TOKEN_TEXT];
    if (!token_name_good(name))
        return error_set(err, ERROR_ARGUMENT,
                         "'%s' cannot be a name: at most 64 bytes, nothing invisible, no "
                         "spaces",
                         name);
    memcpy(token.name, name, strlen(name) + 1);
    int code = token_start(err);
    if (code)
        return code;
    int fd = open_locked(path);
    if (fd < 0)
        return error_set_system(err, -fd, "%s", path);
    code = read_strictly(fd, path, &list, err);
    if (code == 0) {
        do
            token_invent(&token, text);
        while (token_list_find(&list, token.id));
        code = append_token(&list, &token);
        code = code ? error_set(err, code, "%s: too many tokens", path)
                    : replace(path, &list, err);
        token_list_done(&list);
    }
    close(fd);
    if (code == 0) {
        *ret_token = token;
        memcpy(ret_text, text, sizeof text);
    }
    sodium_memzero(text, sizeof text);
    return code;
}

static size_t take_away(struct token_list *list, const char *which)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->tokens[i].id, which) != 0 &&
            strcmp(list->tokens[i].name, which) != 0)
            list->tokens[kept++] = list->tokens[i];
    size_t taken = list->count - kept;
    list->count = kept;
    return taken;
}

int token_revoke(const char *path, const char *which, size_t *ret_count,
                 struct error *err)
{
    struct token_list list;
    int code = token_start(err);
    if (code)
        return code;
    int fd = access(path, F_OK) < 0 && errno == ENOENT ? -ENOENT : open_locked(path);
    if (fd == -ENOENT)
        return error_set(err, ERROR_ABSENT, "there is no token of '%s'", which);
    if (fd < 0)
        return error_set_system(err, -fd, "%s", path);
    code = read_strictly(fd, path, &list, err);
    if (code == 0) {
        size_t count = take_away(&list, which);
        code = count ? replace(path, &list, err)
                     : error_set(err, ERROR_ABSENT, "there is no token of '%s'", which);
        if (code == 0)
            *ret_count = count;
        token_list_done(&list);
    }
    close(fd);
    return code;
}
