/* One connection to the database, and its statements. Private to history/. */
#ifndef WOSHOU_HISTORY_STORE_H
#define WOSHOU_HISTORY_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history/window.h"
#include "text/keep.h"

struct error;

/* A message's id is its room's, shifted, and its seq: so the table is in the order in which rooms
 * are read, without a second index, and a search in a room is a range of ids. */
enum { STORE_SEQ_BITS = 40 };
#define STORE_SEQ_MOST ((INT64_C(1) << STORE_SEQ_BITS) - 1)
#define STORE_ROOM_MOST ((INT64_C(1) << 23) - 1)

static inline int64_t store_id(int64_t room, uint64_t seq)
{
    return room << STORE_SEQ_BITS | (int64_t)seq;
}

enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_ROLLBACK,
    STORE_ADD_ROOM,
    STORE_ADD_MESSAGE,
    STORE_FIND_CLIENT,
    STORE_ADD_CLIENT,
    STORE_PUT_CLIENT,
    STORE_FIND_MESSAGE, /* of a client and number, backwards in a room */
    STORE_ROWS,
    STORE_SEARCH,
    STORE_TIME_OF, /* the first at or behind an id */
    STORE_ADD_WORDS,
    STORE_PUT_INDEXED,
    STORE_STATEMENTS
};

struct store {
    sqlite3 *database;
    sqlite3_stmt *statements[STORE_STATEMENTS];
};

/* Opens, makes the tables where there are none, and prepares. A negative code of base/error.h:
 * ERROR_CORRUPT where it is damaged or no database. */
int store_open(const char *path, struct store *ret_store, struct error *err);
void store_close(struct store *store);
/* Looks the database over, for at most some seconds; ERROR_CORRUPT where it is damaged. */
int store_check(struct store *store, struct error *err);

/* Runs a statement that gives no rows, its parameters bound; SQLITE_OK or SQLite's code. */
int store_run(struct store *store, enum store_statement number);

/* SQLite's code as one of base/error.h. */
int store_error_code(int sqlite);

#endif
