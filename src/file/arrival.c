#include "file/arrival.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "file/beneath.h"
#include "file/protocol.h"
#include "file/shelf.h"

#define DATA_NAME "data"

enum { FOLDER_MODE = 0777, FILE_MODE = 0666 }; /* less the umask */

/* --- Names and folders --- */

const char *arrival_spelling(const struct arrival *arrival, uint32_t index)
{
    if (index == 0)
        return arrival->kept ? DATA_NAME : arrival->temporary;
    return arrival->names.bytes + arrival->entries[index].name;
}

int arrival_blame(const struct arrival *arrival, uint32_t index, int system,
                  struct error *err)
{
    const char *name = arrival->names.bytes + arrival->entries[index].name;
    return index == 0
               ? error_set_system(err, system, "'%s'", arrival->name)
               : error_set_system(err, system, "'%s' in '%s'", name, arrival->name);
}

/* Goes down from the root's folder, by the names from the root to it. */
static int open_chain(const struct arrival *arrival, uint32_t index)
{
    uint32_t chain[FILE_DEPTH_MOST];
    int depth = 0;
    for (; index != MANIFEST_ROOT; index = arrival->entries[index].parent) {
        if (depth == FILE_DEPTH_MOST)
            return -ENAMETOOLONG;
        chain[depth++] = index;
    }
    int folder = arrival->folder;
    while (depth-- > 0) {
        int next = beneath_open(folder, arrival_spelling(arrival, chain[depth]),
                                O_RDONLY | O_DIRECTORY, 0);
        if (folder != arrival->folder)
            close(folder);
        if (next < 0)
            return next;
        folder = next;
    }
    return folder;
}

int arrival_open_folder(struct arrival *arrival, uint32_t index)
{
    if (index == MANIFEST_ROOT)
        return arrival->kept ? arrival->folder : shelf_arriving(arrival->options.shelf);
    if (arrival->cached_fd >= 0 && arrival->cached == index)
        return arrival->cached_fd;
    int folder = open_chain(arrival, index);
    if (folder < 0)
        return folder;
    if (arrival->cached_fd >= 0)
        close(arrival->cached_fd);
    arrival->cached = index;
    return arrival->cached_fd = folder;
}

static void forget_folder(struct arrival *arrival)
{
    if (arrival->cached_fd >= 0)
        close(arrival->cached_fd);
    arrival->cached_fd = -1;
}

/* What stands in the way is of an earlier try, and not in the journal. */
int arrival_make_file(struct arrival *arrival, uint32_t index)
{
    int folder = arrival_open_folder(arrival, arrival->entries[index].parent);
    if (folder < 0)
        return folder;
    const char *name = arrival_spelling(arrival, index);
    int fd = beneath_open(folder, name, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE);
    if (fd != -EEXIST)
        return fd;
    int code = beneath_remove(folder, name);
    return code ? code
                : beneath_open(folder, name, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE);
}

static int make_folder(struct arrival *arrival, uint32_t index)
{
    int folder = arrival_open_folder(arrival, arrival->entries[index].parent);
    if (folder < 0)
        return folder;
    const char *name = arrival_spelling(arrival, index);
    if (mkdirat(folder, name, FOLDER_MODE) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    int code = beneath_remove(folder, name);
    return code ? code : (mkdirat(folder, name, FOLDER_MODE) < 0 ? -errno : 0);
}

/* --- Entries --- */

static void free_part(struct arrival_entry *entry)
{
    if (!entry->part)
        return;
    if (entry->part->fd >= 0)
        close(entry->part->fd);
    chunk_map_done(&entry->part->map);
    free(entry->part->checks);
    free(entry->part);
    entry->part = NULL;
}

static int new_part(struct arrival_entry *entry)
{
    uint32_t chunks = chunk_count(entry->size);
    struct arrival_part *part = calloc(1, sizeof *part);
    if (!part)
        return ERROR_MEMORY;
    part->fd = -1;
    part->checks = calloc(chunks, sizeof *part->checks);
    if (!part->checks || chunk_map_init(&part->map, chunks)) {
        free(part->checks);
        free(part);
        return ERROR_MEMORY;
    }
    entry->part = part;
    return 0;
}

static int append_entry(struct arrival *arrival, const struct manifest_entry *written)
{
    if (arrival->count == arrival->capacity) {
        uint32_t capacity = arrival->capacity ? arrival->capacity * 2 : 4;
        struct arrival_entry *entries =
            capacity > FILE_ENTRIES_MOST * 2u
                ? NULL
                : realloc(arrival->entries, capacity * sizeof *entries);
        if (!entries)
            return ERROR_MEMORY;
        arrival->entries = entries;
        arrival->capacity = capacity;
    }
    struct arrival_entry entry = {.size = written->size,
                                  .version = written->version,
                                  .mtime_ns = written->mtime_ns,
                                  .parent = written->parent,
                                  .name = (uint32_t)arrival->names.length,
                                  .mode = written->mode,
                                  .kind = written->kind};
    buffer_append(&arrival->names, written->name, written->name_length);
    if (buffer_append_char(&arrival->names, '\0'))
        return ERROR_MEMORY;
    int code = name_table_put(&arrival->table, written->parent, written->name,
                              written->name_length, arrival->count);
    if (!code)
        arrival->entries[arrival->count++] = entry;
    return code;
}

/* --- What an earlier try left --- */

/* One record of the journal, in the order they were written. What does not fit what came before ends
 * the reading. */
static int replay(struct arrival *arrival, const struct journal_record *record)
{
    const struct manifest_entry *written = &record->written;
    struct arrival_entry *entry =
        record->entry < arrival->count ? &arrival->entries[record->entry] : NULL;
    switch (record->type) {
    case JOURNAL_BEGIN:
    case JOURNAL_SYNCED: return 0;
    case JOURNAL_ENTRY:
        if (arrival->count > 0 && (written->parent >= arrival->count ||
                                   arrival->entries[written->parent].kind != FILE_FOLDER))
            return ERROR_CORRUPT;
        return append_entry(arrival, written);
    case JOURNAL_CHUNK:
        if (!entry || entry->kind != FILE_REGULAR || entry->whole ||
            record->chunk >= chunk_count(entry->size))
            return ERROR_CORRUPT;
        if (!entry->part && new_part(entry))
            return ERROR_MEMORY;
        chunk_map_add(&entry->part->map, record->chunk);
        entry->part->checks[record->chunk] = record->check;
        return 0;
    case JOURNAL_WHOLE:
        if (!entry)
            return ERROR_CORRUPT;
        free_part(entry);
        entry->whole = true;
        entry->check = record->check;
        return 0;
    default:
        if (!entry)
            return ERROR_CORRUPT;
        free_part(entry);
        entry->gone = true;
        name_table_remove(&arrival->table, entry->parent,
                          arrival->names.bytes + entry->name,
                          strlen(arrival->names.bytes + entry->name));
        return 0;
    }
}

static int open_kept(struct arrival *arrival, struct error *err)
{
    char key[CHECK_TEXT];
    struct buffer records;
    arrival->folder = beneath_folder(shelf_arriving(arrival->options.shelf),
                                     check_format(&arrival->key, key), 0700);
    if (arrival->folder < 0)
        return error_set_system(err, -arrival->folder, "making a place for '%s'",
                                arrival->name);
    buffer_init(&records, 0);
    int code =
        journal_open(&arrival->journal, arrival->folder, ARRIVAL_JOURNAL, &records, err);
    if (code)
        error_add(err, "'%s'", arrival->name);
    const uint8_t *at = (const uint8_t *)records.bytes;
    struct journal_record record;
    for (size_t left = records.length, step;
         !code && (step = journal_decode(at, left, &record)) > 0;
         at += step, left -= step) {
        code = replay(arrival, &record);
        if (code)
            error_set(err, code, "the journal of '%s' makes no sense", arrival->name);
    }
    arrival->resumed = arrival->count > 0;
    buffer_done(&records);
    return code;
}

/* --- Opening and closing --- */

/* Of one sender's one version of one file; or of one sender's folder of that name, whose entries are
 * compared one by one. */
static int make_key(struct arrival *arrival, const struct manifest_entry *root)
{
    char array[512];
    struct buffer bytes;
    buffer_init_fixed(&bytes, array, sizeof array);
    buffer_append(&bytes, arrival->options.identity.bytes, CHECK_BYTES);
    frame_put_u8(&bytes, root->kind);
    frame_put_u64(&bytes, root->size);
    frame_put_u64(&bytes, root->kind == FILE_REGULAR ? root->version : 0);
    frame_put_u8(&bytes, arrival->options.preserve);
    buffer_append(&bytes, root->name, root->name_length);
    arrival->key = check_of(bytes.bytes, bytes.length);
    return bytes.failed;
}

int arrival_open(const struct arrival_options *options, const struct manifest_entry *root,
                 struct arrival **ret_arrival, struct error *err)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (!arrival)
        return error_set(err, ERROR_MEMORY, "no memory for '%.*s'", root->name_length,
                         root->name);
    arrival->options = *options;
    arrival->folder = arrival->cached_fd = arrival->journal.fd = -1;
    buffer_init(&arrival->names, UINT32_MAX - 1);
    buffer_init(&arrival->journal.unwritten, 0);
    name_table_init(&arrival->table);
    memcpy(arrival->name, root->name, root->name_length);
    arrival->kept =
        !options->sink && (root->kind == FILE_FOLDER || root->size > CHUNK_LEAST_BYTES);
    int code = make_key(arrival, root);
    if (!code && !options->sink)
        code = shelf_reserve(options->shelf, arrival->name, &arrival->key, err);
    /* A folder's key does not say what was in it. */
    if (code == 1 && root->kind == FILE_FOLDER)
        code = error_set(err, ERROR_IN_USE, "'%s' is there already", arrival->name);
    if (code) {
        arrival->options.sink = true; /* nothing was reserved */
        arrival_close(&arrival, ARRIVAL_LEAVE);
        return code;
    }
    if (arrival->kept)
        code = open_kept(arrival, err);
    /* Of a journal that makes no sense nothing is worth keeping; one that another has open is his. */
    if (code) {
        arrival_close(&arrival, code == ERROR_CORRUPT ? ARRIVAL_DROP : ARRIVAL_LEAVE);
        return code;
    }
    *ret_arrival = arrival;
    return 0;
}

static void drop(struct arrival *arrival)
{
    char key[CHECK_TEXT];
    int arriving = shelf_arriving(arrival->options.shelf);
    if (arrival->kept)
        beneath_remove(arriving, check_format(&arrival->key, key));
    else if (arrival->temporary[0])
        beneath_remove(arriving, arrival->temporary);
}

void arrival_close(struct arrival **pointer, enum arrival_fate fate)
{
    struct arrival *arrival = *pointer;
    if (!arrival)
        return;
    forget_folder(arrival);
    if (!arrival->options.sink) {
        if (arrival->journal.fd >= 0 && fate == ARRIVAL_LEAVE)
            journal_write(&arrival->journal, NULL);
        if (fate == ARRIVAL_DROP || !arrival->kept)
            drop(arrival);
        shelf_release(arrival->options.shelf, arrival->name);
    }
    journal_close(&arrival->journal);
    if (arrival->folder >= 0)
        close(arrival->folder);
    for (uint32_t i = 0; i < arrival->count; i++)
        free_part(&arrival->entries[i]);
    free(arrival->entries);
    buffer_done(&arrival->names);
    name_table_done(&arrival->table);
    free(arrival);
    *pointer = NULL;
}

/* --- Adding --- */

static int note_entry(struct arrival *arrival, const struct manifest_entry *written)
{
    const struct journal_record record = {.type = JOURNAL_ENTRY, .written = *written};
    if (arrival->kept)
        journal_add(&arrival->journal, &record);
    return arrival->journal.unwritten.failed;
}

/* The entry is something else now: away with what was there. */
static int discard(struct arrival *arrival, uint32_t index, struct error *err)
{
    struct arrival_entry *entry = &arrival->entries[index];
    const struct journal_record record = {.type = JOURNAL_GONE, .entry = index};
    forget_folder(arrival); /* it may be the very one */
    int folder = arrival_open_folder(arrival, entry->parent);
    int code =
        folder < 0 ? folder : beneath_remove(folder, arrival_spelling(arrival, index));
    if (code)
        return arrival_blame(arrival, index, -code, err);
    free_part(entry);
    entry->gone = true;
    name_table_remove(&arrival->table, entry->parent, arrival->names.bytes + entry->name,
                      strlen(arrival->names.bytes + entry->name));
    journal_add(&arrival->journal, &record);
    return 0;
}

/* A big file is there in its whole length from the beginning: a disk that is too small says so before
 * anything was sent. */
static int reserve_space(struct arrival *arrival, uint32_t index)
{
    struct arrival_entry *entry = &arrival->entries[index];
    int fd = arrival_make_file(arrival, index);
    if (fd < 0)
        return fd;
    int code = 0;
    if (fallocate(fd, 0, 0, (off_t)entry->size) < 0)
        code = errno == EOPNOTSUPP || errno == ENOSYS
                   ? (ftruncate(fd, (off_t)entry->size) < 0 ? -errno : 0)
                   : -errno;
    if (code) {
        close(fd);
        return code;
    }
    entry->part->fd = fd;
    return 0;
}

static bool is_big(const struct arrival_entry *entry)
{
    return entry->kind == FILE_REGULAR && entry->size > FILE_PACKED_BYTES;
}

/* A trifle lies in the arriving folder itself, under a name that no other program takes. */
static void name_trifle(struct arrival *arrival)
{
    char key[CHECK_TEXT];
    uint64_t random = 0;
    (void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
    snprintf(arrival->temporary, sizeof arrival->temporary, "%s-%016llx",
             check_format(&arrival->key, key), (unsigned long long)random);
}

/* Makes on the disk what an entry needs before its contents come. */
static int make_room(struct arrival *arrival, uint32_t index, struct error *err)
{
    struct arrival_entry *entry = &arrival->entries[index];
    if (is_big(entry) && !entry->part && new_part(entry))
        return error_set(err, ERROR_MEMORY, "no memory for '%s'", arrival->name);
    if (arrival->options.sink)
        return 0;
    if (!arrival->kept)
        name_trifle(arrival);
    int code = 0;
    if (entry->kind == FILE_FOLDER)
        code = make_folder(arrival, index);
    else if (is_big(entry))
        code = reserve_space(arrival, index);
    return code ? arrival_blame(arrival, index, -code, err) : 0;
}

static int add_new(struct arrival *arrival, const struct manifest_entry *written,
                   uint32_t *ret_index, struct error *err)
{
    uint32_t index = arrival->count;
    int code = append_entry(arrival, written);
    if (!code)
        code = note_entry(arrival, written);
    if (code)
        return error_set(err, code, "no memory for the entries of '%s'", arrival->name);
    arrival->entries[index].seen = true;
    arrival->entries[index].whole = written->kind == FILE_FOLDER;
    *ret_index = index;
    return make_room(arrival, index, err);
}

static bool is_unchanged(const struct arrival *arrival, uint32_t index,
                         const struct manifest_entry *written)
{
    const struct arrival_entry *entry = &arrival->entries[index];
    const char *name = arrival->names.bytes + entry->name;
    return entry->kind == written->kind && entry->size == written->size &&
           (entry->kind == FILE_FOLDER || entry->version == written->version) &&
           strlen(name) == written->name_length &&
           memcmp(name, written->name, written->name_length) == 0;
}

/* Whether what the journal tells of lies where it should. */
static bool is_there(struct arrival *arrival, uint32_t index)
{
    const struct arrival_entry *entry = &arrival->entries[index];
    struct stat status;
    int folder = arrival_open_folder(arrival, entry->parent);
    if (folder < 0 || fstatat(folder, arrival_spelling(arrival, index), &status,
                              AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return entry->kind == FILE_FOLDER
               ? S_ISDIR(status.st_mode)
               : S_ISREG(status.st_mode) && (uint64_t)status.st_size == entry->size;
}

/* Carries on with what an earlier try has of an entry. */
static int add_again(struct arrival *arrival, uint32_t index,
                     const struct manifest_entry *written, struct error *err)
{
    struct arrival_entry *entry = &arrival->entries[index];
    entry->seen = true;
    entry->mode = written->mode;
    entry->mtime_ns = written->mtime_ns;
    bool begun = entry->whole || entry->part || entry->kind == FILE_FOLDER;
    if (begun && is_there(arrival, index)) {
        entry->whole |= entry->kind == FILE_FOLDER;
        return 0;
    }
    free_part(entry);
    entry->whole = entry->kind == FILE_FOLDER;
    return make_room(arrival, index, err);
}

static void count_entry(struct arrival *arrival, uint32_t index)
{
    const struct arrival_entry *entry = &arrival->entries[index];
    if (entry->kind == FILE_FOLDER)
        return;
    arrival->files++;
    arrival->left += !entry->whole;
    arrival->bytes += entry->size;
    if (entry->whole)
        arrival->had_bytes += entry->size;
    else if (entry->part)
        arrival->had_bytes += chunk_map_covered_bytes(&entry->part->map, entry->size);
}

int arrival_add(struct arrival *arrival, const struct manifest_entry *entry,
                uint32_t *ret_index, struct error *err)
{
    uint32_t index =
        name_table_find(&arrival->table, entry->parent, entry->name, entry->name_length);
    if (index != NAME_TABLE_NONE && arrival->entries[index].seen)
        return error_set(
            err, ERROR_IN_USE, "'%s' holds two names that are one, '%s' and '%.*s'",
            arrival->name, arrival->names.bytes + arrival->entries[index].name,
            entry->name_length, entry->name);
    int code = 0;
    if (index != NAME_TABLE_NONE && is_unchanged(arrival, index, entry)) {
        code = add_again(arrival, index, entry, err);
    } else {
        if (index != NAME_TABLE_NONE)
            code = discard(arrival, index, err);
        if (!code)
            code = add_new(arrival, entry, &index, err);
    }
    if (code)
        return code;
    count_entry(arrival, index);
    *ret_index = index;
    return 0;
}

void arrival_end(struct arrival *arrival)
{
    arrival->ended = true;
}

uint8_t arrival_want(const struct arrival *arrival, uint32_t index,
                     const struct chunk_map **ret_map)
{
    const struct arrival_entry *entry = &arrival->entries[index];
    if (entry->whole)
        return FILE_HAVE;
    if (!entry->part || entry->part->map.set == 0)
        return FILE_ALL;
    *ret_map = &entry->part->map;
    return FILE_SOME;
}

bool arrival_complete(const struct arrival *arrival)
{
    return arrival->ended && arrival->left == 0;
}
