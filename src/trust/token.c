/* The file is replaced as a whole, by renaming, under a lock on the file that is replaced: a reader sees
 * one or the other, and two writers come one after the other. */
#include "trust/token.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/utf.h"
#include "base/visible.h"

#define TOKEN_PREFIX "wst_"
enum {
    PREFIX_LENGTH = sizeof TOKEN_PREFIX - 1,
    ID_LENGTH = TOKEN_ID_TEXT - 1,
    SECRET_BYTES = 32,
    SECRET_LENGTH = 43,
    LINE_BYTES = 256,
    FILE_BYTES = TOKENS_MOST * LINE_BYTES
};
_Static_assert(PREFIX_LENGTH + ID_LENGTH + SECRET_LENGTH + 1 == TOKEN_TEXT,
               "a token's text");

static int start_sodium(struct error *err)
{
    return sodium_init() < 0 ? error_set(err, ERROR_SYSTEM, "no random numbers here") : 0;
}

static void hash_text(const char *text, size_t length, uint8_t ret_hash[TOKEN_HASH_BYTES])
{
    crypto_generichash(ret_hash, TOKEN_HASH_BYTES, (const uint8_t *)text, length, NULL,
                       0);
}

bool token_name_good(const char *name)
{
    size_t length = strlen(name);
    struct buffer visible;
    if (length == 0 || length > GREETING_NAME_BYTES || !utf8_valid(name, length) ||
        name[0] == ' ' || name[length - 1] == ' ')
        return false;
    buffer_init(&visible, 0);
    bool good = visible_append(&visible, name, length) == 0 && visible.length == length;
    buffer_done(&visible);
    return good;
}

/* --- Lines --- */

static bool hex_only(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

/* A number and the space behind it. */
static bool read_seconds(const char **at, int64_t *ret_s)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    errno = 0;
    long long seconds = strtoll(*at, &end, 10);
    if (errno || *end != ' ')
        return false;
    *at = end + 1;
    *ret_s = seconds;
    return true;
}

static bool parse_line(const char *line, struct token *ret_token)
{
    struct token token = {0};
    const char *hash = line + ID_LENGTH + 1;
    size_t hash_length = 2 * TOKEN_HASH_BYTES;
    if (strlen(line) < ID_LENGTH + hash_length + 2 || !hex_only(line, ID_LENGTH) ||
        hash[-1] != ' ' || !hex_only(hash, hash_length) || hash[hash_length] != ' ')
        return false;
    memcpy(token.id, line, ID_LENGTH);
    sodium_hex2bin(token.hash, sizeof token.hash, hash, hash_length, NULL, NULL, NULL);
    const char *at = hash + hash_length + 1;
    if (!read_seconds(&at, &token.made_s) || !read_seconds(&at, &token.expires_s) ||
        !token_name_good(at))
        return false;
    strcpy(token.name, at);
    *ret_token = token;
    return true;
}

static void print_line(struct buffer *contents, const struct token *token)
{
    char hash[2 * TOKEN_HASH_BYTES + 1];
    sodium_bin2hex(hash, sizeof hash, token->hash, sizeof token->hash);
    buffer_append_format(contents, "%s %s %" PRId64 " %" PRId64 " %s\n", token->id, hash,
                         token->made_s, token->expires_s, token->name);
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

/* Cuts `text` into lines and takes them; `ret_bad` is the number of the first that is none, or 0. */
static int parse_all(char *text, struct token_list *list, unsigned *ret_bad)
{
    unsigned number = 0;
    *ret_bad = 0;
    for (char *line; (line = strsep(&text, "\n"));) {
        struct token token;
        number++;
        if (*line == '\0' || *line == '#')
            continue;
        if (!parse_line(line, &token)) {
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

/* `strict`: a line that is none of a token's is an error; else it is passed over. */
static int read_tokens(int fd, const char *path, bool strict, struct token_list *ret_list,
                       struct error *err)
{
    struct token_list list = {0};
    struct buffer contents;
    unsigned bad = 0;
    buffer_init(&contents, FILE_BYTES);
    int system = read_open(fd, &contents);
    int code = system ? error_set_system(err, -system, "%s", path) : 0;
    if (code == 0 && contents.bytes)
        code = parse_all(contents.bytes, &list, &bad);
    buffer_done(&contents);
    if (code == 0 && bad && strict)
        code =
            error_set(err, ERROR_CORRUPT, "%s: line %u is none of a token's", path, bad);
    else if (code == ERROR_LIMIT || code == ERROR_MEMORY)
        error_set(err, code, "%s: too many tokens", path);
    if (code) {
        token_list_done(&list);
        return code;
    }
    *ret_list = list;
    return 0;
}

void token_list_done(struct token_list *list)
{
    free(list->tokens);
    *list = (struct token_list){0};
}

int token_list_read(const char *path, struct token_list *ret_list, struct error *err)
{
    int code = start_sodium(err);
    if (code)
        return code;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *ret_list = (struct token_list){0};
        return 0;
    }
    if (fd < 0)
        return error_set_system(err, errno, "%s", path);
    code = read_tokens(fd, path, true, ret_list, err);
    close(fd);
    return code;
}

/* The file, made where it is not there, locked, and still the one of that name: a descriptor, or a negated
 * errno. */
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
        print_line(&contents, &list->tokens[i]);
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

static const struct token *find_id(const struct token_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->tokens[i].id, id) == 0)
            return &list->tokens[i];
    return NULL;
}

/* An id that is not taken, and a secret. */
static void invent(const struct token_list *list, struct token *token,
                   char ret_text[TOKEN_TEXT])
{
    uint8_t id[ID_LENGTH / 2], secret[SECRET_BYTES];
    do {
        randombytes_buf(id, sizeof id);
        sodium_bin2hex(token->id, sizeof token->id, id, sizeof id);
    } while (find_id(list, token->id));
    randombytes_buf(secret, sizeof secret);
    memcpy(ret_text, TOKEN_PREFIX, PREFIX_LENGTH);
    memcpy(ret_text + PREFIX_LENGTH, token->id, ID_LENGTH);
    sodium_bin2base64(ret_text + PREFIX_LENGTH + ID_LENGTH, SECRET_LENGTH + 1, secret,
                      sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hash_text(ret_text, TOKEN_TEXT - 1, token->hash);
    sodium_memzero(secret, sizeof secret);
}

int token_make(const char *path, const char *name, int64_t now_s, int64_t expires_s,
               char ret_text[TOKEN_TEXT], struct error *err)
{
    struct token token = {.made_s = now_s, .expires_s = expires_s};
    struct token_list list;
    char text[TOKEN_TEXT];
    if (!token_name_good(name))
        return error_set(err, ERROR_ARGUMENT,
                         "'%s' cannot be a name: at most 64 bytes, nothing invisible, no "
                         "spaces at its ends",
                         name);
    strcpy(token.name, name);
    int code = start_sodium(err);
    if (code)
        return code;
    int fd = open_locked(path);
    if (fd < 0)
        return error_set_system(err, -fd, "%s", path);
    code = read_tokens(fd, path, true, &list, err);
    if (code == 0) {
        invent(&list, &token, text);
        code = append_token(&list, &token);
        code = code ? error_set(err, code, "%s: too many tokens", path)
                    : replace(path, &list, err);
        token_list_done(&list);
    }
    close(fd);
    if (code == 0)
        memcpy(ret_text, text, sizeof text);
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
    int code = start_sodium(err);
    if (code)
        return code;
    int fd = access(path, F_OK) < 0 && errno == ENOENT ? -ENOENT : open_locked(path);
    if (fd == -ENOENT)
        return error_set(err, ERROR_ABSENT, "there is no token of '%s'", which);
    if (fd < 0)
        return error_set_system(err, -fd, "%s", path);
    code = read_tokens(fd, path, true, &list, err);
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

/* --- A running server's --- */

struct token_store {
    pthread_mutex_t lock;
    char *path;
    struct stat status; /* of the file that `list` was read from; st_ino 0: of none */
    struct token_list list;
};

int token_store_open(const char *path, struct token_store **ret_store, struct error *err)
{
    struct token_store *store = calloc(1, sizeof *store);
    int code = start_sodium(err);
    if (code == 0 && store)
        store->path = strdup(path);
    if (code == 0 && (!store || !store->path))
        code = error_set(err, ERROR_MEMORY, "no memory");
    if (code) {
        free(store);
        return code;
    }
    pthread_mutex_init(&store->lock, NULL);
    *ret_store = store;
    return 0;
}

void token_store_close(struct token_store **store)
{
    if (!*store)
        return;
    pthread_mutex_destroy(&(*store)->lock);
    token_list_done(&(*store)->list);
    free((*store)->path);
    free(*store);
    *store = NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int load(struct token_store *store, struct error *err)
{
    struct token_list list;
    struct stat status;
    int fd = open(store->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_system(err, errno, "%s", store->path);
    int code = fstat(fd, &status) < 0 ? error_set_system(err, errno, "%s", store->path)
                                      : read_tokens(fd, store->path, false, &list, err);
    close(fd);
    if (code)
        return code;
    token_list_done(&store->list);
    store->list = list;
    store->status = status;
    return 0;
}

/* Reads the file again if it is another than before. */
static int refresh(struct token_store *store, struct error *err)
{
    struct stat status;
    if (stat(store->path, &status) == 0)
        return same_file(&status, &store->status) ? 0 : load(store, err);
    if (errno != ENOENT)
        return error_set_system(err, errno, "%s", store->path);
    token_list_done(&store->list);
    store->status = (struct stat){0};
    return 0;
}

static bool expired(const struct token *token, int64_t now_s)
{
    return token->expires_s && token->expires_s <= now_s;
}

/* The id is no secret; what follows it is compared in a time that does not depend on it, and also where
 * there is no such id. */
static const struct token *find_text(const struct token_list *list, const char *text,
                                     size_t length)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    char id[TOKEN_ID_TEXT] = "";
    static const struct token none;
    hash_text(text, length, hash);
    if (length == TOKEN_TEXT - 1)
        memcpy(id, text + PREFIX_LENGTH, ID_LENGTH);
    const struct token *found = find_id(list, id);
    int different = sodium_memcmp((found ? found : &none)->hash, hash, sizeof hash);
    return found && !different ? found : NULL;
}

int token_store_check(struct token_store *store, const char *text, size_t length,
                      int64_t now_s, struct token *ret_token, struct error *err)
{
    pthread_mutex_lock(&store->lock);
    int code = refresh(store, err);
    if (code == 0) {
        const struct token *found = find_text(&store->list, text, length);
        if (found && !expired(found, now_s))
            *ret_token = *found;
        else
            code =
                error_set(err, ERROR_ABSENT, "the token is unknown, revoked or expired");
    }
    pthread_mutex_unlock(&store->lock);
    return code;
}

bool token_store_has(struct token_store *store, const char *id, int64_t now_s)
{
    pthread_mutex_lock(&store->lock);
    const struct token *found =
        refresh(store, NULL) == 0 ? find_id(&store->list, id) : NULL;
    bool has = found && !expired(found, now_s);
    pthread_mutex_unlock(&store->lock);
    return has;
}
