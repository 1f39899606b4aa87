/* The windows of the clients that were heard of, in memory as far as they are in use. Private to
 * history/; the writer's alone. */
#ifndef WOSHOU_HISTORY_CLIENTS_H
#define WOSHOU_HISTORY_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "history/window.h"

struct error;
struct store;

struct known_client {
    struct known_client *next; /* in its place of the table */
    int64_t id;
    bool stored; /* the database has it */
    uint8_t key[KEEP_CLIENT_BYTES];
    struct window window;
    struct list_link touched; /* changed within the transaction */
    struct list_link used;    /* in the order of use */
};

enum { CLIENTS_PLACES = 1 << 12, CLIENTS_MOST = 1 << 15 };

struct clients {
    struct known_client *places[CLIENTS_PLACES];
    struct list touched, used;
    int64_t last_id;
    size_t count;
};

/* Forgets in the database who was not seen since `before_ns`, and learns the highest id. */
int clients_init(struct clients *clients, struct store *store, int64_t before_ns,
                 struct error *err);
void clients_done(struct clients *clients);

/* The client of that key, read from the database or new. SQLITE_OK or SQLite's code. */
int clients_find(struct clients *clients, struct store *store,
                 const uint8_t key[KEEP_CLIENT_BYTES], struct known_client **ret_client);
/* Its window was changed. */
void clients_touch(struct clients *clients, struct known_client *client);
/* Writes the windows of all that were touched, which they stay. SQLITE_OK or SQLite's code. */
int clients_write(struct clients *clients, struct store *store, int64_t now_ns);
/* The transaction is committed: none is touched any more, and few enough stay in memory. */
void clients_settle(struct clients *clients);
/* It is not: what was touched is as the database has it. */
void clients_revert(struct clients *clients);

#endif
