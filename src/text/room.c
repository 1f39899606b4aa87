#include "text/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void room_table_init(struct room_table *table, const struct keep *keep, unsigned desks)
{
    memset(table, 0, sizeof *table);
    pthread_mutex_init(&table->lock, NULL);
    table->keep = keep;
    table->desks = desks;
}

void room_table_done(struct room_table *table)
{
    for (size_t i = 0; i < ROOM_PLACES; i++)
        for (struct room *room = table->places[i], *next; room; room = next) {
            next = room->next;
            reel_done(&room->reel);
            pthread_mutex_destroy(&room->lock);
            free(room);
        }
    pthread_mutex_destroy(&table->lock);
}

/* FNV-1a; the keeper bounds how many rooms there are. */
static struct room **place_of(struct room_table *table, const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return &table->places[(hash ^ hash >> 16) % ROOM_PLACES];
}

static int make(struct room_table *table, const char *name, size_t length,
                struct room **ret_room)
{
    struct room *room = calloc(1, sizeof *room + table->desks * sizeof room->seats[0]);
    if (!room)
        return ERROR_MEMORY;
    int code = table->keep->open_room(table->keep->owner, name, length, &room->kept,
                                      &room->last);
    if (code) {
        free(room);
        return code;
    }
    pthread_mutex_init(&room->lock, NULL);
    reel_init(&room->reel, &table->reel_bytes);
    list_init(&room->members);
    for (unsigned i = 0; i < table->desks; i++) {
        room->seats[i].room = room;
        list_init(&room->seats[i].places);
    }
    memcpy(room->name, name, length);
    room->name_length = length;
    room->number = ++table->count;
    *ret_room = room;
    return 0;
}

int room_open(struct room_table *table, const char *name, size_t length,
              struct room **ret_room)
{
    int code = 0;
    pthread_mutex_lock(&table->lock);
    struct room **place = place_of(table, name, length), *room = *place;
    while (room && (room->name_length != length || memcmp(room->name, name, length) != 0))
        room = room->next;
    if (!room && (code = make(table, name, length, &room)) == 0) {
        room->next = *place;
        *place = room;
    }
    pthread_mutex_unlock(&table->lock);
    if (!code)
        *ret_room = room;
    return code;
}

int room_append(struct room *room, const struct text_message *message)
{
    size_t length = text_message_bytes(message);
    uint8_t *bytes = reel_reserve(&room->reel, length);
    if (!bytes)
        return ERROR_MEMORY;
    text_message_encode(message, bytes);
    reel_publish(&room->reel, length);
    return 0;
}

int room_append_bytes(struct room *room, const void *frame, size_t length)
{
    uint8_t *bytes = reel_reserve(&room->reel, length);
    if (!bytes)
        return ERROR_MEMORY;
    memcpy(bytes, frame, length);
    reel_publish(&room->reel, length);
    return 0;
}
