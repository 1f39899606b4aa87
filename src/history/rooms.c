#include "history/rooms.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "history/store.h"

void rooms_init(struct rooms *rooms)
{
    memset(rooms, 0, sizeof *rooms);
    pthread_mutex_init(&rooms->lock, NULL);
}

void rooms_done(struct rooms *rooms)
{
    for (size_t i = 0; i < ROOMS_PLACES; i++)
        for (struct keep_room *room = rooms->places[i], *next; room; room = next) {
            next = room->next;
            free(room);
        }
    pthread_mutex_destroy(&rooms->lock);
}

/* FNV-1a. Names are chosen by strangers, but there are at most ROOMS_MOST of them. */
static size_t place_of(const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return (hash ^ hash >> 16) % ROOMS_PLACES;
}

static struct keep_room *find(const struct rooms *rooms, const char *name, size_t length)
{
    struct keep_room *room = rooms->places[place_of(name, length)];
    while (room && (room->name_length != length || memcmp(room->name, name, length) != 0))
        room = room->next;
    return room;
}

static struct keep_room *add(struct rooms *rooms, int64_t id, const char *name,
                             size_t length)
{
    struct keep_room *room = calloc(1, sizeof *room + length + 1);
    if (!room)
        return NULL;
    struct keep_room **place = &rooms->places[place_of(name, length)];
    room->id = id;
    room->name_length = length;
    memcpy(room->name, name, length);
    room->next = *place;
    *place = room;
    rooms->count++;
    rooms->last_id = id > rooms->last_id ? id : rooms->last_id;
    return room;
}

int rooms_open(struct rooms *rooms, const char *name, size_t length,
               struct keep_room **ret_room)
{
    int code = 0;
    pthread_mutex_lock(&rooms->lock);
    struct keep_room *room = find(rooms, name, length);
    if (!room && (rooms->count >= ROOMS_MOST || rooms->last_id >= STORE_ROOM_MOST))
        code = ERROR_LIMIT;
    else if (!room && !(room = add(rooms, rooms->last_id + 1, name, length)))
        code = ERROR_MEMORY;
    pthread_mutex_unlock(&rooms->lock);
    if (!code)
        *ret_room = room;
    return code;
}

static const char load_text[] =
    "SELECT r.id, r.name, r.indexed, m.id & ?2, m.time_ns FROM room AS r LEFT JOIN message AS m"
    " ON m.id = (SELECT max(id) FROM message WHERE id BETWEEN r.id << ?1 AND (r.id << ?1) + ?2)";

static int take_row(struct rooms *rooms, sqlite3_stmt *row, struct list *dirty)
{
    const char *name = (const char *)sqlite3_column_text(row, 1);
    int length = sqlite3_column_bytes(row, 1);
    struct keep_room *room =
        add(rooms, sqlite3_column_int64(row, 0), name ? name : "", (size_t)length);
    if (!room)
        return SQLITE_NOMEM;
    room->stored = true;
    room->indexed = (uint64_t)sqlite3_column_int64(row, 2);
    room->last = (uint64_t)sqlite3_column_int64(row, 3);
    room->last_ns = sqlite3_column_int64(row, 4);
    atomic_store(&room->committed, room->last);
    if (room->indexed < room->last)
        list_append(dirty, &room->dirty);
    return SQLITE_ROW;
}

int rooms_load(struct rooms *rooms, struct store *store, struct list *dirty,
               struct error *err)
{
    sqlite3_stmt *rows;
    int code = sqlite3_prepare_v2(store->database, load_text, -1, &rows, NULL);
    if (!code) {
        sqlite3_bind_int(rows, 1, STORE_SEQ_BITS);
        sqlite3_bind_int64(rows, 2, STORE_SEQ_MOST);
        do
            code = sqlite3_step(rows);
        while (code == SQLITE_ROW && (code = take_row(rooms, rows, dirty)) == SQLITE_ROW);
        sqlite3_finalize(rows);
    }
    if (code == SQLITE_DONE)
        return 0;
    return error_set(err, store_error_code(code), "reading the history's rooms: %s",
                     sqlite3_errmsg(store->database));
}
