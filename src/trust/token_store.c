#include "trust/token_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "trust/token_file.h"

struct token_store {
    pthread_mutex_t lock;
    char *path;
    struct stat status; /* of the file that `list` was read from; st_ino 0: of none */
    struct token_list list;
};

int token_store_open(const char *path, struct token_store **ret_store, struct error *err)
{
    int code = token_start(err);
    if (code)
        return code;
    struct token_store *store = calloc(1, sizeof *store);
    char *copy = strdup(path);
    if (!store || !copy) {
        free(store);
        free(copy);
        return error_set(err, ERROR_MEMORY, "no memory");
    }
    store->path = copy;
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
                                      : token_list_read_open(fd, store->path, &list, err);
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

int token_store_check(struct token_store *store, const char *text, size_t length,
                      int64_t now_s, struct token *ret_token, struct error *err)
{
    char id[TOKEN_ID_TEXT];
    token_id_of(text, length, id);
    pthread_mutex_lock(&store->lock);
    int code = refresh(store, err);
    if (code == 0) {
        const struct token *found = token_list_find(&store->list, id);
        if (token_matches(found, text, length) && !token_expired(found, now_s))
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
        refresh(store, NULL) == 0 ? token_list_find(&store->list, id) : NULL;
    bool has = found && !token_expired(found, now_s);
    pthread_mutex_unlock(&store->lock);
    return has;
}
