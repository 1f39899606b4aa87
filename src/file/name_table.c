#include "file/name_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buffer.h"
#include "base/error.h"
#include "file/check.h"
#include "file/name.h"

enum { FIRST_CAPACITY = 64 };

struct name_slot {
    struct check key;
    uint32_t number; /* NAME_TABLE_NONE: removed */
    bool taken;
};

void name_table_init(struct name_table *table)
{
    *table = (struct name_table){0};
    /* Without a seed from the kernel the table works all the same. */
    if (getrandom(&table->seed, sizeof table->seed, GRND_NONBLOCK) < 0)
        table->seed = (uintptr_t)table;
}

void name_table_done(struct name_table *table)
{
    free(table->slots);
    *table = (struct name_table){.seed = table->seed};
}

void name_table_clear(struct name_table *table)
{
    name_table_done(table);
}

static int key_of(const struct name_table *table, uint32_t folder, const char *name,
                  size_t length, struct check *ret_key)
{
    char array[sizeof folder + (size_t)3 * NAME_BYTES + 1];
    struct buffer folded;
    buffer_init_fixed(&folded, array, sizeof array);
    buffer_append(&folded, &folder, sizeof folder);
    int code = name_fold(name, length, &folded);
    if (!code)
        *ret_key = check_keyed(table->seed, folded.bytes, folded.length);
    buffer_done(&folded);
    return code;
}

/* Where the key is, or the first free slot behind where it would be. */
static struct name_slot *slot_of(const struct name_table *table, const struct check *key)
{
    size_t at;
    memcpy(&at, key->bytes, sizeof at);
    for (at &= table->capacity - 1;; at = (at + 1) & (table->capacity - 1)) {
        struct name_slot *slot = &table->slots[at];
        if (!slot->taken || check_equal(&slot->key, key))
            return slot;
    }
}

/* A bigger table without the removed names. */
static int grow(struct name_table *table)
{
    struct name_table bigger = {.seed = table->seed};
    bigger.capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY;
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    if (!bigger.slots)
        return ERROR_MEMORY;
    for (size_t i = 0; i < table->capacity; i++) {
        const struct name_slot *slot = &table->slots[i];
        if (!slot->taken || slot->number == NAME_TABLE_NONE)
            continue;
        *slot_of(&bigger, &slot->key) = *slot;
        bigger.used++;
    }
    free(table->slots);
    *table = bigger;
    return 0;
}

uint32_t name_table_find(const struct name_table *table, uint32_t folder,
                         const char *name, size_t length)
{
    struct check key;
    if (table->capacity == 0 || key_of(table, folder, name, length, &key))
        return NAME_TABLE_NONE;
    const struct name_slot *slot = slot_of(table, &key);
    return slot->taken ? slot->number : NAME_TABLE_NONE;
}

int name_table_put(struct name_table *table, uint32_t folder, const char *name,
                   size_t length, uint32_t number)
{
    struct check key;
    int code = table->used * 2 >= table->capacity ? grow(table) : 0;
    if (!code)
        code = key_of(table, folder, name, length, &key);
    if (code)
        return code;
    struct name_slot *slot = slot_of(table, &key);
    table->used += !slot->taken;
    *slot = (struct name_slot){key, number, true};
    return 0;
}

void name_table_remove(struct name_table *table, uint32_t folder, const char *name,
                       size_t length)
{
    struct check key;
    if (table->capacity == 0 || key_of(table, folder, name, length, &key))
        return;
    struct name_slot *slot = slot_of(table, &key);
    if (slot->taken)
        slot->number = NAME_TABLE_NONE;
}
