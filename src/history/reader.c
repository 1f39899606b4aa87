#include "history/reader.h"

#include <stdatomic.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "history/rooms.h"
#include "history/words.h"
#include "history/writer.h"

/* The time of the first message at or behind `seq`; false where there is none. */
static bool time_of(struct reader *reader, const struct keep_room *room, uint64_t seq,
                    int64_t *ret_time_ns)
{
    sqlite3_stmt *row = reader->store.statements[STORE_TIME_OF];
    sqlite3_bind_int64(row, 1, store_id(room->id, seq));
    sqlite3_bind_int64(row, 2, store_id(room->id, STORE_SEQ_MOST));
    bool is = sqlite3_step(row) == SQLITE_ROW;
    if (is)
        *ret_time_ns = sqlite3_column_int64(row, 1);
    sqlite3_reset(row);
    return is;
}

/* Times never fall within a room: the first message that is not older, by halving. */
static uint64_t first_since(struct reader *reader, const struct keep_room *room,
                            int64_t since_ns)
{
    uint64_t low = 1, high = atomic_load(&room->committed) + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int64_t time_ns;
        if (time_of(reader, room, middle, &time_ns) && time_ns < since_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct keep_row row_of(sqlite3_stmt *rows)
{
    const char *name = (const char *)sqlite3_column_text(rows, 3);
    const char *text = (const char *)sqlite3_column_text(rows, 4);
    return (struct keep_row){
        .seq = (uint64_t)(sqlite3_column_int64(rows, 0) & STORE_SEQ_MOST),
        .time_ns = sqlite3_column_int64(rows, 1),
        .kind = (uint8_t)sqlite3_column_int(rows, 2),
        .name = name ? name : "",
        .name_length = (uint16_t)sqlite3_column_bytes(rows, 3),
        .text = text ? text : "",
        .text_length = (uint32_t)sqlite3_column_bytes(rows, 4)};
}

/* Gives the rows; `ret_next` is where to go on. SQLITE_OK or SQLite's code. */
static int give(struct keep_query *query, sqlite3_stmt *rows, uint64_t *ret_next)
{
    int code = SQLITE_DONE;
    uint64_t next = 0;
    for (uint32_t given = 0; (code = sqlite3_step(rows)) == SQLITE_ROW; given++) {
        struct keep_row row = row_of(rows);
        if (given == query->limit || !query->row(query, &row)) {
            next = row.seq;
            break;
        }
    }
    sqlite3_reset(rows);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return code;
    *ret_next = next;
    return SQLITE_OK;
}

static int answer(struct reader *reader, struct keep_query *query, uint64_t *ret_next)
{
    const struct keep_room *room = query->room;
    struct buffer words;
    buffer_init(&words, 0);
    int code = query->search ? words_query(&words, query->search) : 0;
    if (!code && query->search)
        code = writer_wait_indexed(reader->writer, room);
    if (!code) {
        uint64_t since = query->since ? query->since : 1;
        uint64_t first = query->since_ns ? first_since(reader, room, query->since_ns) : 1;
        /* Nothing that is not committed is seen, but it may be before its room was told. */
        uint64_t until = atomic_load(&room->committed);
        if (query->until && query->until < until)
            until = query->until;
        sqlite3_stmt *rows =
            reader->store.statements[query->search ? STORE_SEARCH : STORE_ROWS];
        sqlite3_bind_int64(rows, 1, store_id(room->id, since > first ? since : first));
        sqlite3_bind_int64(rows, 2, store_id(room->id, until));
        /* One more than wanted says whether there is more. */
        sqlite3_bind_int64(rows, 3, (sqlite3_int64)query->limit + 1);
        if (query->search)
            sqlite3_bind_text(rows, 4, buffer_text(&words), (int)words.length,
                              SQLITE_STATIC);
        code = store_error_code(give(query, rows, ret_next));
    }
    buffer_done(&words);
    return code;
}

static void *run(void *argument)
{
    struct reader *reader = argument;
    pthread_mutex_lock(&reader->lock);
    for (;;) {
        struct keep_query *query = reader->first;
        if (!query && reader->stop)
            break;
        if (!query) {
            pthread_cond_wait(&reader->work, &reader->lock);
            continue;
        }
        reader->first = query->next;
        if (!reader->first)
            reader->last = NULL;
        bool stop = reader->stop;
        pthread_mutex_unlock(&reader->lock);
        uint64_t next = 0;
        int code = stop ? ERROR_INTERRUPTED : answer(reader, query, &next);
        query->done(query, code, next);
        pthread_mutex_lock(&reader->lock);
    }
    pthread_mutex_unlock(&reader->lock);
    return NULL;
}

void reader_ask(struct reader *reader, struct keep_query *query)
{
    query->next = NULL;
    pthread_mutex_lock(&reader->lock);
    if (reader->last)
        reader->last->next = query;
    else
        reader->first = query;
    reader->last = query;
    pthread_cond_signal(&reader->work);
    pthread_mutex_unlock(&reader->lock);
}

int reader_start(struct reader *reader, struct writer *writer, struct store *store,
                 struct error *err)
{
    reader->writer = writer;
    reader->store = *store;
    *store = (struct store){0};
    pthread_mutex_init(&reader->lock, NULL);
    pthread_cond_init(&reader->work, NULL);
    int system = pthread_create(&reader->thread, NULL, run, reader);
    if (!system)
        return 0;
    store_close(&reader->store);
    return error_set_system(err, system, "starting the history's reader");
}

void reader_stop(struct reader *reader)
{
    pthread_mutex_lock(&reader->lock);
    reader->stop = true;
    pthread_cond_signal(&reader->work);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
    store_close(&reader->store);
    pthread_mutex_destroy(&reader->lock);
    pthread_cond_destroy(&reader->work);
}
