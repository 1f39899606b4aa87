/* An arrival's contents: writing them, and noting what is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/arrival.h"
#include "file/beneath.h"
#include "file/protocol.h"

enum {
    OWNER_FILE = 0600,    /* whatever the mode: the owner shall get at it again */
    WRITE_BYTES = 8 << 20 /* written, before the disk is told to begin */
};

static int write_all(int fd, const uint8_t *bytes, size_t length, uint64_t offset)
{
    while (length > 0) {
        ssize_t written = pwrite(fd, bytes, length, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        offset += (uint64_t)written;
        length -= (size_t)written;
    }
    return 0;
}

static int preserve(const struct arrival *arrival, const struct arrival_entry *entry,
                    int fd)
{
    if (!arrival->options.preserve)
        return 0;
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
    int64_t second = entry->mtime_ns / NS_PER_S, rest = entry->mtime_ns % NS_PER_S;
    times[1].tv_sec = rest < 0 ? second - 1 : second;
    times[1].tv_nsec = rest < 0 ? rest + NS_PER_S : rest; /* before 1970 */
    if (fchmod(fd, entry->mode | OWNER_FILE) < 0 || futimens(fd, times) < 0)
        return -errno;
    return 0;
}

static void note_whole(struct arrival *arrival, uint32_t index, const struct check *check)
{
    const struct journal_record record = {
        .type = JOURNAL_WHOLE, .entry = index, .check = *check};
    struct arrival_entry *entry = &arrival->entries[index];
    entry->whole = true;
    entry->check = *check;
    arrival->left--;
    if (arrival->kept)
        journal_add(&arrival->journal, &record);
}

/* --- Small files --- */

static int put_file(struct arrival *arrival, uint32_t index, const void *bytes,
                    size_t length)
{
    int fd = arrival_make_file(arrival, index);
    if (fd < 0)
        return fd;
    int code = write_all(fd, bytes, length, 0);
    if (!code)
        code = preserve(arrival, &arrival->entries[index], fd);
    if (close(fd) < 0 && !code)
        code = -errno;
    return code;
}

int arrival_put(struct arrival *arrival, uint32_t index, const void *bytes, size_t length,
                const struct check *check, struct error *err)
{
    const struct arrival_entry *entry = &arrival->entries[index];
    if (entry->whole)
        return 0;
    if (entry->kind == FILE_FOLDER || entry->part || entry->size != length)
        return error_set(err, ERROR_CORRUPT, "'%s': contents of another length",
                         arrival->name);
    int code = arrival->options.sink ? 0 : put_file(arrival, index, bytes, length);
    if (code)
        return arrival_blame(arrival, index, -code, err);
    arrival->unsynced_bytes += length;
    note_whole(arrival, index, check);
    return 0;
}

/* --- Chunks --- */

static int open_part(struct arrival *arrival, uint32_t index)
{
    struct arrival_part *part = arrival->entries[index].part;
    if (part->fd >= 0)
        return part->fd;
    int folder = arrival_open_folder(arrival, arrival->entries[index].parent);
    if (folder < 0)
        return folder;
    return part->fd = beneath_open(folder, arrival_spelling(arrival, index), O_WRONLY, 0);
}

int arrival_write(struct arrival *arrival, uint32_t index, uint64_t offset,
                  const void *bytes, size_t length, struct error *err)
{
    if (arrival->options.sink)
        return 0;
    int fd = open_part(arrival, index);
    int code = fd < 0 ? fd : write_all(fd, bytes, length, offset);
    return code ? arrival_blame(arrival, index, -code, err) : 0;
}

bool arrival_has_chunk(const struct arrival *arrival, uint32_t index, uint32_t chunk)
{
    const struct arrival_entry *entry = &arrival->entries[index];
    return entry->whole || (entry->part && chunk_map_has(&entry->part->map, chunk));
}

/* All chunks are there. */
static int end_part(struct arrival *arrival, uint32_t index)
{
    struct arrival_entry *entry = &arrival->entries[index];
    struct arrival_part *part = entry->part;
    struct check check =
        part->map.count == 1
            ? part->checks[0]
            : check_of(part->checks, (size_t)part->map.count * CHECK_BYTES);
    int code = arrival->options.sink ? 0 : preserve(arrival, entry, part->fd);
    if (part->fd >= 0)
        close(part->fd);
    chunk_map_done(&part->map);
    free(part->checks);
    free(part);
    entry->part = NULL;
    note_whole(arrival, index, &check);
    return code;
}

/* So that the disk begins now, and syncing finds little left to do. */
static void begin_writing(const struct arrival *arrival, struct arrival_part *part,
                          uint32_t length)
{
    part->idle_bytes += length;
    if (arrival->options.sink || part->idle_bytes < WRITE_BYTES)
        return;
    sync_file_range(part->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    part->idle_bytes = 0;
}

int arrival_chunk(struct arrival *arrival, uint32_t index, uint32_t chunk,
                  const struct check *check, struct error *err)
{
    struct arrival_entry *entry = &arrival->entries[index];
    if (entry->whole || !entry->part || !chunk_map_add(&entry->part->map, chunk))
        return 0;
    uint32_t length = chunk_length(entry->size, chunk);
    entry->part->checks[chunk] = *check;
    arrival->unsynced_bytes += length;
    const struct journal_record record = {
        .type = JOURNAL_CHUNK, .entry = index, .chunk = chunk, .check = *check};
    if (arrival->kept)
        journal_add(&arrival->journal, &record);
    begin_writing(arrival, entry->part, length);
    int code = chunk_map_full(&entry->part->map) ? end_part(arrival, index) : 0;
    if (code)
        return arrival_blame(arrival, index, -code, err);
    return arrival_note(arrival, err);
}

int arrival_note(struct arrival *arrival, struct error *err)
{
    if (!arrival->kept)
        return 0;
    int code = journal_write(&arrival->journal, err);
    return code ? error_add(err, "'%s'", arrival->name) : 0;
}
