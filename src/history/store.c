#include "history/store.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

#define CHECK_NS (2 * NS_PER_S) /* a large history is not read through at every start */
enum { BUSY_MS = 10000, CHECK_STEPS = 10000 };

/* user_version; a later one is not touched by this program. */
enum { STORE_VERSION = 1 };

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS room("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, indexed INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS client("
    " id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, window BLOB NOT NULL,"
    " seen_ns INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS message("
    " id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, client INTEGER NOT NULL,"
    " number INTEGER NOT NULL, kind INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(text, content='');"
    "CREATE TABLE IF NOT EXISTS about(word TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO about VALUES('epoch', random());"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static const char *const texts[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_ROLLBACK] = "ROLLBACK",
    [STORE_ADD_ROOM] = "INSERT INTO room(id, name) VALUES(?1, ?2)",
    [STORE_ADD_MESSAGE] = "INSERT INTO message VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STORE_FIND_CLIENT] = "SELECT id, window FROM client WHERE key = ?1",
    [STORE_ADD_CLIENT] =
        "INSERT INTO client(id, window, seen_ns, key) VALUES(?1, ?2, ?3, ?4)",
    [STORE_PUT_CLIENT] = "UPDATE client SET window = ?2, seen_ns = ?3 WHERE id = ?1",
    [STORE_FIND_MESSAGE] =
        "SELECT id, time_ns, client, number FROM message WHERE id BETWEEN ?1 AND ?2"
        " ORDER BY id DESC LIMIT ?3",
    [STORE_ROWS] = "SELECT id, time_ns, kind, name, text FROM message"
                   " WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
    [STORE_SEARCH] = "SELECT m.id, m.time_ns, m.kind, m.name, m.text FROM search AS s"
                     " JOIN message AS m ON m.id = s.rowid"
                     " WHERE search MATCH ?4 AND s.rowid BETWEEN ?1 AND ?2"
                     " ORDER BY s.rowid LIMIT ?3",
    [STORE_TIME_OF] = "SELECT id, time_ns FROM message WHERE id BETWEEN ?1 AND ?2"
                      " ORDER BY id LIMIT 1",
    [STORE_ADD_WORDS] = "INSERT INTO search(rowid, text) VALUES(?1, ?2)",
    [STORE_PUT_INDEXED] = "UPDATE room SET indexed = ?2 WHERE id = ?1",
};

int store_error_code(int sqlite)
{
    switch (sqlite & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return 0;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERROR_CORRUPT;
    case SQLITE_NOMEM: return ERROR_MEMORY;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return ERROR_PERMISSION;
    case SQLITE_CANTOPEN: return ERROR_ABSENT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERROR_IN_USE;
    case SQLITE_FULL: return ERROR_LIMIT;
    case SQLITE_INTERRUPT: return ERROR_INTERRUPTED;
    default: return ERROR_SYSTEM;
    }
}

static int fail(const struct store *store, int sqlite, struct error *err)
{
    const char *words =
        store->database ? sqlite3_errmsg(store->database) : sqlite3_errstr(sqlite);
    return error_set(err, store_error_code(sqlite), "the history's database: %s", words);
}

static int version(sqlite3 *database, int *ret_version)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(database, "PRAGMA user_version", -1, &statement, NULL);
    if (code)
        return code;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

static int prepare(struct store *store)
{
    for (int i = 0; i < STORE_STATEMENTS; i++) {
        int code =
            sqlite3_prepare_v3(store->database, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->statements[i], NULL);
        if (code)
            return code;
    }
    return SQLITE_OK;
}

/* Checkpoints are the writer's, when they hold nobody up. */
static const char settings[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF;"
    "PRAGMA journal_size_limit = 67108864;";

/* Before SQLite is used at all: nobody asks for its statistics of memory, which cost a lock for each
 * piece. Where it is in use already, they stay. */
static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int store_open(const char *path, struct store *ret_store, struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct store store = {0};
    int is = 0;
    pthread_once(&once, configure);
    int code = sqlite3_open_v2(
        path, &store.database,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (!code) {
        sqlite3_extended_result_codes(store.database, 1);
        code = sqlite3_busy_timeout(store.database, BUSY_MS);
    }
    if (!code)
        code = version(store.database, &is);
    if (!code && is > STORE_VERSION) {
        store_close(&store);
        return error_set(err, ERROR_UNSUPPORTED,
                         "the history's database is of a later version of this program");
    }
    if (!code)
        code = sqlite3_exec(store.database, "PRAGMA page_size = 8192", NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(store.database, settings, NULL, NULL, NULL);
    if (!code && is < STORE_VERSION)
        code = sqlite3_exec(store.database, schema, NULL, NULL, NULL);
    if (!code)
        code = prepare(&store);
    if (code) {
        fail(&store, code, err);
        store_close(&store);
        return store_error_code(code);
    }
    *ret_store = store;
    return 0;
}

void store_close(struct store *store)
{
    for (int i = 0; i < STORE_STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->database);
    *store = (struct store){0};
}

static int over(void *deadline_ns)
{
    return clock_monotonic_ns() > *(const int64_t *)deadline_ns;
}

int store_check(struct store *store, struct error *err)
{
    sqlite3_stmt *statement;
    int64_t deadline_ns = clock_monotonic_ns() + CHECK_NS;
    int code = sqlite3_prepare_v2(store->database, "PRAGMA quick_check(1)", -1,
                                  &statement, NULL);
    if (code)
        return fail(store, code, err);
    sqlite3_progress_handler(store->database, CHECK_STEPS, over, &deadline_ns);
    code = sqlite3_step(statement);
    sqlite3_progress_handler(store->database, 0, NULL, NULL);
    const char *answer =
        code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    int result = 0;
    if (answer && strcmp(answer, "ok") != 0)
        result = error_set(err, ERROR_CORRUPT, "the history's database: %s", answer);
    else if (code != SQLITE_ROW && code != SQLITE_INTERRUPT)
        result = fail(store, code, err);
    sqlite3_finalize(statement);
    return result;
}

int store_run(struct store *store, enum store_statement number)
{
    sqlite3_stmt *statement = store->statements[number];
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}
