/* An arrival: one root - a file, or a folder with all that is in it - while it is being received, on the
 * way to the shelf.
 *
 *     arrival_open         its name is reserved; what an earlier try left is found again
 *     arrival_add          each entry of the manifest: is it there, in part, or not at all?
 *     arrival_end          that was the last
 *     arrival_put          a small file, whole
 *     arrival_write, arrival_chunk      a piece of a chunk; the chunk's check was right
 *     arrival_checkpoint_run   now and then, by a thread of the disk's: what is there is synced
 *     arrival_settle, arrival_sync, arrival_place    once arrival_complete, by such a thread: synced,
 *                          and renamed into its place
 *     arrival_close
 *
 * A big file, or a folder, lies in a folder of its own beside a journal, and is carried on after
 * whatever broke it off. A file of one chunk is a nameless trifle: it begins anew. With `sink` nothing
 * is written at all, for measuring.
 *
 * For one thread at a time; but arrival_checkpoint_run needs nothing of the arrival. */
#ifndef WOSHOU_FILE_ARRIVAL_H
#define WOSHOU_FILE_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "file/check.h"
#include "file/chunk.h"
#include "file/journal.h"
#include "file/manifest.h"
#include "file/name_table.h"

struct error;
struct shelf;

struct arrival_options {
    struct shelf *shelf; /* borrowed; null with `sink` */
    struct check
        identity;  /* of who sends: what one left is never carried on by another */
    bool preserve; /* times and modes too */
    bool sink;     /* checked and thrown away */
};

/* A file that is received in chunks and not whole yet. */
struct arrival_part {
    struct chunk_map map;
    struct check *checks; /* of the chunks in the map */
    int fd;               /* -1: not open */
    uint32_t idle_bytes;  /* that the disk was not told to begin with */
};

struct arrival_entry {
    uint64_t size, version;
    int64_t mtime_ns;
    uint32_t parent; /* by the arrival's own numbers */
    uint32_t name;   /* where it begins in `names` */
    uint16_t mode;
    uint8_t kind;
    bool seen; /* the manifest of this time has it */
    bool whole;
    bool gone; /* it was something else once, and is not any more */
    struct check
        check; /* of a whole file: its chunk's check, or the check of its chunks' checks */
    struct arrival_part *part; /* null: none was begun, or it is whole */
};

struct arrival {
    struct list_link link; /* of whoever keeps several */
    struct arrival_options options;
    struct check key;
    char name[256];
    bool kept;    /* in a folder, with a journal */
    bool resumed; /* an earlier try had left something */
    bool ended;   /* the manifest has no more of it */
    int folder;   /* where data and journal lie; -1 */
    char temporary
        [64]; /* of a trifle: its name in the arriving folder; "": not written yet */
    struct journal journal;
    struct arrival_entry *entries;
    uint32_t count, capacity;
    struct buffer names; /* terminated, one behind the other */
    struct name_table table;
    uint32_t cached;         /* the folder that was opened last, */
    int cached_fd;           /* and its descriptor; -1 */
    uint32_t files, left;    /* files seen; of these not whole yet */
    uint64_t bytes;          /* of the files seen */
    uint64_t had_bytes;      /* of these, there from an earlier try */
    uint64_t unsynced_bytes; /* written since the last checkpoint began */
};

/* The root's entry as it came. 0; 1: the very same stands on the shelf already, `ret_arrival` untouched;
 * ERROR_IN_USE and others with a sentence. */
int arrival_open(const struct arrival_options *options, const struct manifest_entry *root,
                 struct arrival **ret_arrival, struct error *err);
/* Adds an entry; that of the root first. Its parent is one of the arrival's own numbers. `ret_index` gets
 * its number. Space for a big file is reserved here. ERROR_IN_USE for a name that is there twice. */
int arrival_add(struct arrival *arrival, const struct manifest_entry *entry,
                uint32_t *ret_index, struct error *err);
void arrival_end(struct arrival *arrival);
/* What is wanted of an entry (enum file_want); `ret_map` is set with FILE_SOME. */
uint8_t arrival_want(const struct arrival *arrival, uint32_t index,
                     const struct chunk_map **ret_map);

/* The contents of a file of at most FILE_PACKED_BYTES. Once it is whole, does nothing. */
int arrival_put(struct arrival *arrival, uint32_t index, const void *bytes, size_t length,
                const struct check *check, struct error *err);
/* A piece of a longer one. */
int arrival_write(struct arrival *arrival, uint32_t index, uint64_t offset,
                  const void *bytes, size_t length, struct error *err);
bool arrival_has_chunk(const struct arrival *arrival, uint32_t index, uint32_t chunk);
/* All of the chunk was written, and its check was right. */
int arrival_chunk(struct arrival *arrival, uint32_t index, uint32_t chunk,
                  const struct check *check, struct error *err);
/* Writes to the journal what was noted by arrival_put and arrival_add. */
int arrival_note(struct arrival *arrival, struct error *err);
bool arrival_complete(const struct arrival *arrival);

/* What a checkpoint syncs: taken by the arrival's thread, given to the disk's, and told of afterwards. */
struct arrival_checkpoint {
    int data;   /* a file; or -1: the file system that `folder` is on */
    int folder; /* both of its own, closed by arrival_checkpoint_run */
    int journal;
    uint64_t synced; /* up to where in the journal */
    int code;        /* what came of it */
};
bool arrival_checkpoint_begin(struct arrival *arrival,
                              struct arrival_checkpoint *ret_checkpoint);
void arrival_checkpoint_run(struct arrival_checkpoint *checkpoint);
void arrival_checkpoint_end(struct arrival *arrival,
                            const struct arrival_checkpoint *checkpoint);

/* The three steps of committing one that is complete; then shelf_sync. Of many trifles one call syncs
 * all in place of arrival_sync. */
int arrival_settle(struct arrival *arrival, struct error *err); /* modes, times, notes */
int arrival_sync(struct arrival *arrival, struct error *err);
int arrival_place(struct arrival *arrival,
                  struct error *err); /* ERROR_IN_USE: the name is taken */

enum arrival_fate {
    ARRIVAL_LEAVE, /* for a later try */
    ARRIVAL_DROP   /* nothing is left of it but what arrival_place put in its place */
};
/* Accepts null, leaves null. */
void arrival_close(struct arrival **arrival, enum arrival_fate fate);

/* --- Between arrival's own files --- */

#define ARRIVAL_JOURNAL "journal" /* its name, in the arrival's folder */

const char *arrival_spelling(const struct arrival *arrival, uint32_t index);
/* The folder of that number (MANIFEST_ROOT: the one the root lies in); a descriptor borrowed until the
 * next call, or a negated errno. */
int arrival_open_folder(struct arrival *arrival, uint32_t index);
/* Makes the file of an entry anew, empty and exclusively; a descriptor of the caller's, or a negated
 * errno. */
int arrival_make_file(struct arrival *arrival, uint32_t index);
/* Says of which file the error is. */
int arrival_blame(const struct arrival *arrival, uint32_t index, int system,
                  struct error *err);

#endif
