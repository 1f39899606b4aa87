#include "history/clients.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "history/store.h"

int clients_init(struct clients *clients, struct store *store, int64_t before_ns,
                 struct error *err)
{
    memset(clients, 0, sizeof *clients);
    list_init(&clients->touched);
    list_init(&clients->used);
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(
        store->database, "DELETE FROM client WHERE seen_ns < ?1", -1, &statement, NULL);
    if (!code) {
        sqlite3_bind_int64(statement, 1, before_ns);
        sqlite3_step(statement);
        /* A full disk keeps them, and that is no reason not to start. */
        sqlite3_finalize(statement);
        code = sqlite3_prepare_v2(store->database, "SELECT max(id) FROM client", -1,
                                  &statement, NULL);
    }
    if (!code) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            clients->last_id = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
    }
    if (code == SQLITE_ROW)
        return 0;
    return error_set(err, store_error_code(code), "reading the history's clients: %s",
                     sqlite3_errmsg(store->database));
}

static void forget(struct clients *clients, struct known_client *client);

void clients_done(struct clients *clients)
{
    if (!clients->used.head.next) /* it was never begun */
        return;
    list_for_each_safe (link, &clients->used)
        forget(clients, list_member(link, struct known_client, used));
}

/* Keys are meant to be random; the first bytes are as good as any. */
static struct known_client **place_of(struct clients *clients,
                                      const uint8_t key[KEEP_CLIENT_BYTES])
{
    uint64_t halves[2];
    memcpy(halves, key, sizeof halves);
    uint64_t mixed = (halves[0] ^ halves[1]) * UINT64_C(0x9e3779b97f4a7c15);
    return &clients->places[mixed >> 52];
}

static void forget(struct clients *clients, struct known_client *client)
{
    struct known_client **place = place_of(clients, client->key);
    while (*place != client)
        place = &(*place)->next;
    *place = client->next;
    list_remove(&client->touched);
    list_remove(&client->used);
    clients->count--;
    free(client);
}

static struct known_client *look(struct clients *clients, const uint8_t *key)
{
    struct known_client *client = *place_of(clients, key);
    while (client && memcmp(client->key, key, KEEP_CLIENT_BYTES) != 0)
        client = client->next;
    return client;
}

static int read_row(struct store *store, const uint8_t *key, struct known_client *client)
{
    sqlite3_stmt *row = store->statements[STORE_FIND_CLIENT];
    sqlite3_bind_blob(row, 1, key, KEEP_CLIENT_BYTES, SQLITE_STATIC);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        client->id = sqlite3_column_int64(row, 0);
        client->stored = true;
        const void *bytes = sqlite3_column_blob(row, 1);
        if (window_decode(bytes, (size_t)sqlite3_column_bytes(row, 1), &client->window))
            code = SQLITE_CORRUPT;
    }
    sqlite3_reset(row);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int clients_find(struct clients *clients, struct store *store,
                 const uint8_t key[KEEP_CLIENT_BYTES], struct known_client **ret_client)
{
    struct known_client *client = look(clients, key);
    if (client) {
        list_remove(&client->used);
        list_append(&clients->used, &client->used);
        *ret_client = client;
        return SQLITE_OK;
    }
    client = calloc(1, sizeof *client);
    if (!client)
        return SQLITE_NOMEM;
    int code = read_row(store, key, client);
    if (code) {
        free(client);
        return code;
    }
    memcpy(client->key, key, KEEP_CLIENT_BYTES);
    if (!client->id)
        client->id = ++clients->last_id;
    struct known_client **place = place_of(clients, key);
    client->next = *place;
    *place = client;
    list_append(&clients->used, &client->used);
    clients->count++;
    *ret_client = client;
    return SQLITE_OK;
}

void clients_touch(struct clients *clients, struct known_client *client)
{
    if (!list_linked(&client->touched))
        list_append(&clients->touched, &client->touched);
}

/* One that is new keeps `stored` only if the transaction is committed: clients_revert forgets it
 * altogether. */
static int write_one(struct store *store, struct known_client *client, int64_t now_ns)
{
    enum store_statement number = client->stored ? STORE_PUT_CLIENT : STORE_ADD_CLIENT;
    sqlite3_stmt *row = store->statements[number];
    uint8_t bytes[WINDOW_BYTES];
    window_encode(&client->window, bytes);
    sqlite3_bind_int64(row, 1, client->id);
    sqlite3_bind_blob(row, 2, bytes, sizeof bytes, SQLITE_STATIC);
    sqlite3_bind_int64(row, 3, now_ns);
    if (!client->stored)
        sqlite3_bind_blob(row, 4, client->key, KEEP_CLIENT_BYTES, SQLITE_STATIC);
    client->stored = true;
    return store_run(store, number);
}

int clients_write(struct clients *clients, struct store *store, int64_t now_ns)
{
    list_for_each (link, &clients->touched) {
        int code =
            write_one(store, list_member(link, struct known_client, touched), now_ns);
        if (code)
            return code;
    }
    return SQLITE_OK;
}

void clients_settle(struct clients *clients)
{
    for (struct list_link *link; (link = list_first(&clients->touched));)
        list_remove(link);
    while (clients->count > CLIENTS_MOST)
        forget(clients,
               list_member(list_first(&clients->used), struct known_client, used));
}

void clients_revert(struct clients *clients)
{
    list_for_each_safe (link, &clients->touched)
        forget(clients, list_member(link, struct known_client, touched));
}
