/* The writer's transactions.
 *
 * What holds always:
 *  - Between transactions, a room's `last` is its `committed`, no client is touched, and both are
 *    as the database has them. A transaction that fails puts them back.
 *  - A message comes back only after the transaction it was in has ended.
 *  - Indexing is cut into pieces of a few milliseconds, so that what comes meanwhile is not kept
 *    waiting longer than a commit would. */
#include "history/writer.h"

#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "history/rooms.h"
#include "history/words.h"

#define GATHER_MOST_NS NS_PER_MS /* that a message waits for others */
#define IDLE_NS                                                                          \
    (100 * NS_PER_MS) /* without messages, until there is time for the index */
enum {
    COMMIT_MOST = 4096,     /* messages in one transaction */
    INDEX_PIECE = 500,      /* messages indexed at once */
    LOG_PAGES_IDLE = 500,   /* of the log before it is written back when there is time */
    LOG_PAGES_MOST = 32000, /* and when there is none: 256 MiB */
    LOOK_BACK_MOST = 200000 /* messages that are searched for a repeated one */
};

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* --- One transaction --- */

static int add_room(struct writer *writer, struct keep_room *room)
{
    sqlite3_stmt *row = writer->store.statements[STORE_ADD_ROOM];
    sqlite3_bind_int64(row, 1, room->id);
    sqlite3_bind_text(row, 2, room->name, (int)room->name_length, SQLITE_STATIC);
    int code = store_run(&writer->store, STORE_ADD_ROOM);
    room->stored = code == SQLITE_OK;
    return code;
}

static int add_message(struct writer *writer, struct keep_message *message,
                       int64_t client)
{
    sqlite3_stmt *row = writer->store.statements[STORE_ADD_MESSAGE];
    sqlite3_bind_int64(row, 1, store_id(message->room->id, message->seq));
    sqlite3_bind_int64(row, 2, message->time_ns);
    sqlite3_bind_int64(row, 3, client);
    sqlite3_bind_int64(row, 4, (sqlite3_int64)message->number);
    sqlite3_bind_int(row, 5, message->kind);
    sqlite3_bind_text(row, 6, message->name, message->name_length, SQLITE_STATIC);
    sqlite3_bind_text(row, 7, message->text, (int)message->text_length, SQLITE_STATIC);
    return store_run(&writer->store, STORE_ADD_MESSAGE);
}

static int keep_new(struct writer *writer, struct keep_message *message,
                    struct known_client *client, int64_t now_ns, struct list *touched)
{
    struct keep_room *room = message->room;
    if (room->last >= (uint64_t)STORE_SEQ_MOST)
        return SQLITE_FULL;
    if (!list_linked(&room->touched))
        list_append(touched, &room->touched);
    int code = room->stored ? SQLITE_OK : add_room(writer, room);
    if (code)
        return code;
    message->seq = ++room->last;
    message->time_ns = room->last_ns = now_ns > room->last_ns ? now_ns : room->last_ns;
    clients_touch(&writer->clients, client);
    window_note(&client->window, message->number);
    message->result = KEEP_STORED;
    return add_message(writer, message, client->id);
}

/* Where a repeated message was stored: near the end of its room, where a client that lost its
 * connection repeats what was not acknowledged. */
static int find_repeated(struct writer *writer, struct keep_message *message,
                         const struct known_client *client)
{
    sqlite3_stmt *row = writer->store.statements[STORE_FIND_MESSAGE];
    message->result = KEEP_REPEATED;
    message->seq = 0;
    message->time_ns = 0;
    sqlite3_bind_int64(row, 1, store_id(message->room->id, 0));
    sqlite3_bind_int64(row, 2, store_id(message->room->id, STORE_SEQ_MOST));
    sqlite3_bind_int(row, 3, LOOK_BACK_MOST);
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        if (sqlite3_column_int64(row, 2) != client->id ||
            (uint64_t)sqlite3_column_int64(row, 3) != message->number)
            continue;
        message->seq = (uint64_t)(sqlite3_column_int64(row, 0) & STORE_SEQ_MOST);
        message->time_ns = sqlite3_column_int64(row, 1);
        break;
    }
    sqlite3_reset(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int keep_one(struct writer *writer, struct keep_message *message, int64_t now_ns,
                    struct list *touched)
{
    struct known_client *client;
    int code = clients_find(&writer->clients, &writer->store, message->client, &client);
    if (code)
        return code;
    switch (window_look(&client->window, message->number)) {
    case WINDOW_NEW: return keep_new(writer, message, client, now_ns, touched);
    case WINDOW_KNOWN: return find_repeated(writer, message, client);
    case WINDOW_TOO_OLD: message->result = KEEP_TOO_OLD; break;
    }
    return SQLITE_OK;
}

static int keep_all(struct writer *writer, struct keep_message *first,
                    struct list *touched)
{
    int64_t now_ns = wall_ns();
    int code = store_run(&writer->store, STORE_BEGIN);
    for (struct keep_message *message = first; !code && message; message = message->next)
        code = keep_one(writer, message, now_ns, touched);
    if (!code)
        code = clients_write(&writer->clients, &writer->store, now_ns);
    return code ? code : store_run(&writer->store, STORE_COMMIT);
}

static void settle(struct writer *writer, struct list *touched)
{
    clients_settle(&writer->clients);
    pthread_mutex_lock(&writer->lock);
    writer->index_stuck = writer->broken; /* there is room on the disk again */
    for (struct list_link *link; (link = list_first(touched));) {
        struct keep_room *room = list_member(link, struct keep_room, touched);
        list_remove(link);
        atomic_store(&room->committed, room->last);
        if (!list_linked(&room->dirty))
            list_append(&writer->dirty, &room->dirty);
    }
    pthread_mutex_unlock(&writer->lock);
    writer->told_full = false;
    atomic_fetch_add(&writer->commits, 1);
}

static void revert(struct writer *writer, struct list *touched)
{
    store_run(&writer->store, STORE_ROLLBACK);
    clients_revert(&writer->clients);
    for (struct list_link *link; (link = list_first(touched));) {
        struct keep_room *room = list_member(link, struct keep_room, touched);
        list_remove(link);
        room->last = atomic_load(&room->committed);
        if (!room->last)
            room->stored = false; /* it was made with its first message */
    }
}

static void tell(struct writer *writer, const char *sentence)
{
    if (writer->options.told)
        writer->options.told(writer->options.owner, sentence);
}

static void fail_all(struct writer *writer, struct keep_message *first, int code)
{
    enum keep_result result = (code & 0xff) == SQLITE_FULL ? KEEP_FULL : KEEP_FAILED;
    struct error err;
    error_set(&err, store_error_code(code), "messages cannot be kept: %s",
              sqlite3_errmsg(writer->store.database));
    if (store_error_code(code) == ERROR_CORRUPT)
        writer->broken = true;
    if (!writer->told_full)
        tell(writer, err.sentence);
    writer->told_full = true;
    for (struct keep_message *message = first; message; message = message->next)
        message->result = result;
}

static void count(struct writer *writer, const struct keep_message *first)
{
    uint64_t counts[KEEP_FAILED + 1] = {0}, all = 0;
    for (const struct keep_message *message = first; message;
         message = message->next, all++)
        counts[message->result]++;
    atomic_fetch_add(&writer->stored, counts[KEEP_STORED]);
    atomic_fetch_add(&writer->repeated, counts[KEEP_REPEATED]);
    atomic_fetch_add(&writer->failed,
                     counts[KEEP_FULL] + counts[KEEP_FAILED] + counts[KEEP_TOO_OLD]);
    atomic_fetch_sub(&writer->waiting, all);
}

static void commit(struct writer *writer, struct keep_message *first)
{
    struct list touched;
    list_init(&touched);
    int code = SQLITE_CORRUPT;
    if (!writer->broken)
        code = keep_all(writer, first, &touched);
    if (!code) {
        settle(writer, &touched);
    } else {
        /* Said before the rollback, which has words of its own. */
        fail_all(writer, first, code);
        revert(writer, &touched);
    }
    count(writer, first);
    writer->kept(writer->listener, first);
}

/* --- Indexing --- */

static int add_words(struct writer *writer, int64_t id, const char *text, size_t length)
{
    sqlite3_stmt *row = writer->store.statements[STORE_ADD_WORDS];
    struct buffer spread;
    buffer_init(&spread, 0);
    int code = SQLITE_NOMEM;
    if (words_spread(&spread, text, length) == 0) {
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_text(row, 2, buffer_text(&spread), (int)spread.length,
                          SQLITE_STATIC);
        code = store_run(&writer->store, STORE_ADD_WORDS);
    }
    buffer_done(&spread);
    return code;
}

/* The rows up to `ret_upto`, within a transaction. */
static int index_rows(struct writer *writer, const struct keep_room *room,
                      uint64_t *ret_upto, uint64_t *ret_count)
{
    sqlite3_stmt *rows = writer->store.statements[STORE_ROWS];
    sqlite3_bind_int64(rows, 1, store_id(room->id, room->indexed + 1));
    sqlite3_bind_int64(rows, 2, store_id(room->id, room->last));
    sqlite3_bind_int(rows, 3, INDEX_PIECE);
    int code;
    *ret_upto = room->last; /* where no row is left */
    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(rows, 4);
        int64_t id = sqlite3_column_int64(rows, 0);
        code = add_words(writer, id, text ? text : "",
                         (size_t)sqlite3_column_bytes(rows, 4));
        if (code)
            break;
        *ret_count += 1;
        *ret_upto = (uint64_t)(id & STORE_SEQ_MOST);
    }
    sqlite3_reset(rows);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int put_indexed(struct writer *writer, const struct keep_room *room, uint64_t upto)
{
    sqlite3_stmt *row = writer->store.statements[STORE_PUT_INDEXED];
    sqlite3_bind_int64(row, 1, room->id);
    sqlite3_bind_int64(row, 2, (sqlite3_int64)upto);
    return store_run(&writer->store, STORE_PUT_INDEXED);
}

/* A piece of one room. */
static void index_piece(struct writer *writer, struct keep_room *room)
{
    uint64_t upto = room->indexed, indexed = 0;
    /* What is lost of the index in a loss of power is indexed again: it need not be synced. */
    sqlite3_exec(writer->store.database, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    int code = store_run(&writer->store, STORE_BEGIN);
    if (!code)
        code = index_rows(writer, room, &upto, &indexed);
    if (!code)
        code = put_indexed(writer, room, upto);
    if (!code)
        code = store_run(&writer->store, STORE_COMMIT);
    if (code)
        store_run(&writer->store, STORE_ROLLBACK);
    sqlite3_exec(writer->store.database, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
    if (code) {
        pthread_mutex_lock(&writer->lock);
        writer->index_stuck = true;
        pthread_cond_broadcast(&writer->indexed);
        pthread_mutex_unlock(&writer->lock);
        return;
    }
    pthread_mutex_lock(&writer->lock);
    writer->index_stuck = false;
    room->indexed = upto;
    list_remove(&room->dirty);
    if (room->indexed < room->last) /* behind the other rooms */
        list_append(&writer->dirty, &room->dirty);
    pthread_cond_broadcast(&writer->indexed);
    pthread_mutex_unlock(&writer->lock);
    atomic_fetch_add(&writer->indexed_count, indexed);
}

int writer_wait_indexed(struct writer *writer, const struct keep_room *room)
{
    uint64_t upto = atomic_load(&room->committed);
    pthread_mutex_lock(&writer->lock);
    writer->hurried++;
    writer->index_stuck = writer->broken;
    pthread_cond_signal(&writer->work);
    while (room->indexed < upto && !writer->stop && !writer->index_stuck)
        pthread_cond_wait(&writer->indexed, &writer->lock);
    writer->hurried--;
    int code = room->indexed >= upto ? 0
               : writer->index_stuck ? ERROR_SYSTEM
                                     : ERROR_INTERRUPTED;
    pthread_mutex_unlock(&writer->lock);
    return code;
}

/* --- The write-ahead log --- */

static int note_log(void *owner, sqlite3 *database, const char *name, int pages)
{
    (void)database, (void)name;
    struct writer *writer = owner;
    writer->log_pages = pages;
    return SQLITE_OK;
}

/* Writes it back into the database, and it begins anew where no reader is in it. Where it
 * cannot be, it is tried again as much later as it then grew. */
static void write_back(struct writer *writer)
{
    sqlite3_wal_checkpoint_v2(writer->store.database, NULL, SQLITE_CHECKPOINT_PASSIVE,
                              NULL, NULL);
    writer->log_pages = 0;
}

/* --- The thread --- */

/* What waits, as far as it goes into one transaction; the lock is held. */
static struct keep_message *take_waiting(struct writer *writer)
{
    struct keep_message *first = writer->first, *message = first;
    size_t count = 1;
    for (; count < COMMIT_MOST && message->next; count++)
        message = message->next;
    writer->first = message->next;
    message->next = NULL;
    if (!writer->first)
        writer->last = NULL;
    writer->queued -= count;
    writer->expected = count;
    return first;
}

enum job { JOB_NONE, JOB_COMMIT, JOB_INDEX, JOB_WRITE_BACK };

/* Whoever said what was just committed says something again as soon as he knows, and the first of
 * them should not be committed alone: half as many as before are waited for, for half as long as
 * a commit takes. */
static bool has_gathered(const struct writer *writer, int64_t now_ns)
{
    return writer->stop || writer->queued >= writer->expected / 2 ||
           now_ns >= writer->first_ns + writer->gather_ns;
}

/* The lock is held. With JOB_NONE, `ret_until_ns` says until when there is nothing to do. */
static enum job choose(struct writer *writer, int64_t now_ns, int64_t *ret_until_ns)
{
    bool dirty = !list_empty(&writer->dirty) && !writer->index_stuck && !writer->stop;
    /* Who waits for words gets every other turn, however much is to be committed. */
    if (dirty && writer->hurried && (!writer->first || writer->turn++ % 2))
        return JOB_INDEX;
    if (writer->first) {
        *ret_until_ns = writer->first_ns + writer->gather_ns;
        return has_gathered(writer, now_ns) ? JOB_COMMIT : JOB_NONE;
    }
    *ret_until_ns = INT64_MAX;
    if (writer->stop || (!dirty && writer->log_pages < LOG_PAGES_IDLE))
        return JOB_NONE;
    *ret_until_ns = writer->committed_ns + IDLE_NS;
    if (now_ns < *ret_until_ns)
        return JOB_NONE;
    return dirty ? JOB_INDEX : JOB_WRITE_BACK;
}

static void sleep_until(struct writer *writer, int64_t until_ns)
{
    writer->sleeping = true;
    writer->wake_at = writer->first ? writer->expected / 2 : 1;
    if (until_ns == INT64_MAX) {
        pthread_cond_wait(&writer->work, &writer->lock);
    } else {
        const struct timespec until = {.tv_sec = until_ns / NS_PER_S,
                                       .tv_nsec = until_ns % NS_PER_S};
        pthread_cond_timedwait(&writer->work, &writer->lock, &until);
    }
    writer->sleeping = false;
}

static void commit_waiting(struct writer *writer)
{
    struct keep_message *first = take_waiting(writer);
    pthread_mutex_unlock(&writer->lock);
    int64_t start_ns = clock_monotonic_ns();
    commit(writer, first);
    writer->committed_ns = clock_monotonic_ns();
    int64_t half_ns = (writer->committed_ns - start_ns) / 2;
    writer->gather_ns = half_ns < GATHER_MOST_NS ? half_ns : GATHER_MOST_NS;
    if (writer->log_pages >= LOG_PAGES_MOST)
        write_back(writer);
    pthread_mutex_lock(&writer->lock);
    writer->first_ns = clock_monotonic_ns(); /* of what came meanwhile, if anything did */
}

static void do_job(struct writer *writer, enum job job)
{
    if (job == JOB_COMMIT) {
        commit_waiting(writer);
        return;
    }
    struct keep_room *room = job == JOB_INDEX ? list_member(list_first(&writer->dirty),
                                                            struct keep_room, dirty)
                                              : NULL;
    pthread_mutex_unlock(&writer->lock);
    if (room)
        index_piece(writer, room);
    if (!room || writer->log_pages >= LOG_PAGES_MOST)
        write_back(writer);
    pthread_mutex_lock(&writer->lock);
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    pthread_mutex_lock(&writer->lock);
    while (!writer->stop || writer->first) {
        int64_t until_ns;
        enum job job = choose(writer, clock_monotonic_ns(), &until_ns);
        if (job == JOB_NONE)
            sleep_until(writer, until_ns);
        else
            do_job(writer, job);
    }
    pthread_cond_broadcast(&writer->indexed);
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

void writer_take(struct writer *writer, struct keep_message *first,
                 struct keep_message *last)
{
    uint64_t taken = 1;
    for (const struct keep_message *message = first; message != last;
         message = message->next)
        taken++;
    atomic_fetch_add(&writer->waiting, taken);
    last->next = NULL;
    pthread_mutex_lock(&writer->lock);
    if (writer->last) {
        writer->last->next = first;
    } else {
        writer->first = first;
        writer->first_ns = clock_monotonic_ns();
    }
    writer->last = last;
    /* One that gathers sleeps on until there are enough, but he who slept for want of anything
     * has to begin to gather. */
    bool begins = writer->queued == 0;
    writer->queued += taken;
    bool wake = writer->sleeping && (begins || writer->queued >= writer->wake_at);
    if (wake)
        writer->sleeping = false;
    pthread_mutex_unlock(&writer->lock);
    if (wake)
        pthread_cond_signal(&writer->work);
}

/* Its times are the monotonic clock's. */
static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

int writer_start(struct writer *writer, const struct history_options *options,
                 struct store *store, struct error *err)
{
    writer->options = *options;
    writer->store = *store;
    *store = (struct store){0};
    pthread_mutex_init(&writer->lock, NULL);
    init_condition(&writer->work);
    init_condition(&writer->indexed);
    sqlite3_wal_hook(writer->store.database, note_log, writer);
    int code = clients_init(&writer->clients, &writer->store,
                            wall_ns() - HISTORY_CLIENT_NS, err);
    if (code)
        goto out;
    int system = pthread_create(&writer->thread, NULL, run, writer);
    if (!system)
        return 0;
    code = error_set_system(err, system, "starting the history's writer");
out:
    clients_done(&writer->clients);
    store_close(&writer->store);
    return code;
}

void writer_stop(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_broadcast(&writer->work);
    pthread_cond_broadcast(&writer->indexed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    clients_done(&writer->clients);
    store_close(&writer->store);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->indexed);
}
