/* Names in folders, found by what they are to every system: (folder, name) to a number. Names that
 * differ only in their spelling (name_fold) are one.
 *
 * It keeps no name, only 128-bit keys made with a seed of its own. */
#ifndef WOSHOU_FILE_NAME_TABLE_H
#define WOSHOU_FILE_NAME_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct name_slot;

struct name_table {
    struct name_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t used;     /* taken slots, those of removed names included */
    uint64_t seed;
};

#define NAME_TABLE_NONE UINT32_MAX

void name_table_init(struct name_table *table);
/* Accepts one that is done already. */
void name_table_done(struct name_table *table);
/* Removes all. */
void name_table_clear(struct name_table *table);
/* The number of the name, or NAME_TABLE_NONE. */
uint32_t name_table_find(const struct name_table *table, uint32_t folder,
                         const char *name, size_t length);
/* Adds it or changes its number; `number` is not NAME_TABLE_NONE. 0 or ERROR_MEMORY. */
int name_table_put(struct name_table *table, uint32_t folder, const char *name,
                   size_t length, uint32_t number);
void name_table_remove(struct name_table *table, uint32_t folder, const char *name,
                       size_t length);

#endif
