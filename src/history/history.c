#include "history/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "history/reader.h"
#include "history/rooms.h"
#include "history/writer.h"

struct history {
    struct keep keep;
    struct rooms rooms;
    struct writer writer;
    struct reader reader;
};

/* --- The interface that text declares --- */

static int keep_open_room(void *owner, const char *name, size_t length,
                          struct keep_room **ret_room, uint64_t *ret_last)
{
    struct history *history = owner;
    int code = rooms_open(&history->rooms, name, length, ret_room);
    if (!code)
        *ret_last = atomic_load(&(*ret_room)->committed);
    return code;
}

static void keep_store(void *owner, struct keep_message *first, struct keep_message *last)
{
    writer_take(&((struct history *)owner)->writer, first, last);
}

static void keep_ask(void *owner, struct keep_query *query)
{
    reader_ask(&((struct history *)owner)->reader, query);
}

static void keep_listen(void *owner,
                        void (*kept)(void *listener, struct keep_message *first),
                        void *listener)
{
    struct history *history = owner;
    history->writer.listener = listener;
    history->writer.kept = kept;
}

const struct keep *history_keep(const struct history *history)
{
    return &history->keep;
}

struct history_counts history_counts(const struct history *history)
{
    const struct writer *writer = &history->writer;
    return (struct history_counts){.stored = atomic_load(&writer->stored),
                                   .repeated = atomic_load(&writer->repeated),
                                   .failed = atomic_load(&writer->failed),
                                   .commits = atomic_load(&writer->commits),
                                   .indexed = atomic_load(&writer->indexed_count),
                                   .waiting = atomic_load(&writer->waiting)};
}

/* --- Opening --- */

static int rename_beside(const char *path, const char *ending, const char *mark)
{
    struct buffer from, to;
    buffer_init(&from, 0);
    buffer_init(&to, 0);
    buffer_append_format(&from, "%s%s", path, ending);
    buffer_append_format(&to, "%s.%s%s", path, mark, ending);
    int code = from.failed || to.failed                           ? -ENOMEM
               : rename(buffer_text(&from), buffer_text(&to)) < 0 ? -errno
                                                                  : 0;
    buffer_done(&from);
    buffer_done(&to);
    return code;
}

/* The database and its log under another name, for whoever can recover something of them. */
static int set_aside(const struct history_options *options, const char *path,
                     const struct error *found, struct error *err)
{
    char mark[48];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(mark, sizeof mark, "damaged-%Y%m%dT%H%M%SZ", &parts);
    snprintf(mark + strlen(mark), sizeof mark - strlen(mark), "-%03ld",
             now.tv_nsec / 1000000);
    int code = rename_beside(path, "", mark);
    if (code)
        return error_set_system(err, -code, "setting the damaged history aside");
    rename_beside(path, "-wal", mark);
    rename_beside(path, "-shm", mark);
    struct error told;
    error_set(&told, 0, "%s; it is set aside as %s.%s and a new history begun",
              found->sentence, path, mark);
    if (options->told)
        options->told(options->owner, told.sentence);
    return 0;
}

static int open_checked(const char *path, struct store *ret_store, struct error *err)
{
    int code = store_open(path, ret_store, err);
    if (code)
        return code;
    code = store_check(ret_store, err);
    if (code)
        store_close(ret_store);
    return code;
}

static int read_epoch(struct store *store, uint64_t *ret_epoch, struct error *err)
{
    sqlite3_stmt *row;
    int code = sqlite3_prepare_v2(
        store->database, "SELECT value FROM about WHERE word = 'epoch'", -1, &row, NULL);
    if (!code) {
        code = sqlite3_step(row);
        if (code == SQLITE_ROW)
            *ret_epoch = (uint64_t)sqlite3_column_int64(row, 0);
        sqlite3_finalize(row);
    }
    if (code == SQLITE_ROW)
        return 0;
    return error_set(err, ERROR_CORRUPT, "the history's database has no epoch");
}

/* Both connections, and what is known at the start. */
static int load(struct history *history, const struct history_options *options,
                const char *path, struct store *ret_write, struct store *ret_read,
                struct error *err)
{
    struct error found;
    int code = open_checked(path, ret_write, &found);
    if (code == ERROR_CORRUPT) {
        code = set_aside(options, path, &found, err);
        if (!code)
            code = open_checked(path, ret_write, err);
    } else if (code && err) {
        *err = found;
    }
    if (!code)
        code = read_epoch(ret_write, &history->keep.epoch, err);
    if (!code)
        code = rooms_load(&history->rooms, ret_write, &history->writer.dirty, err);
    if (!code)
        code = store_open(path, ret_read, err);
    return code;
}

static int begin(struct history *history, const struct history_options *options,
                 struct error *err)
{
    struct buffer path;
    struct store write = {0}, read = {0};
    buffer_init(&path, 0);
    buffer_append_format(&path, "%s/history.db", options->folder);
    int code = path.failed
                   ? error_set(err, ERROR_MEMORY, "opening the history")
                   : load(history, options, buffer_text(&path), &write, &read, err);
    buffer_done(&path);
    if (!code)
        code = writer_start(&history->writer, options, &write, err);
    if (!code) {
        code = reader_start(&history->reader, &history->writer, &read, err);
        if (code)
            writer_stop(&history->writer);
    }
    store_close(&write);
    store_close(&read);
    return code;
}

int history_open(const struct history_options *options, struct history **ret_history,
                 struct error *err)
{
    struct history *history = calloc(1, sizeof *history);
    if (!history)
        return error_set(err, ERROR_MEMORY, "opening the history");
    rooms_init(&history->rooms);
    list_init(&history->writer.dirty);
    history->keep = (struct keep){.open_room = keep_open_room,
                                  .store = keep_store,
                                  .ask = keep_ask,
                                  .listen = keep_listen,
                                  .owner = history};
    /* Readable by its owner alone, whatever SQLite makes. */
    mode_t mask = umask(077);
    int code = begin(history, options, err);
    umask(mask);
    if (code) {
        rooms_done(&history->rooms);
        free(history);
        return code;
    }
    *ret_history = history;
    return 0;
}

void history_close(struct history **history_address)
{
    struct history *history = *history_address;
    if (!history)
        return;
    /* The writer first: a reader that waits for its index goes on then. */
    writer_stop(&history->writer);
    reader_stop(&history->reader);
    rooms_done(&history->rooms);
    free(history);
    *history_address = NULL;
}
