/* A journal: what of one root is there, for who carries a broken transfer on. A file that is only
 * appended to, beside the root's data.
 *
 * Each record has a check of its own, so that a torn end is seen, and everything behind it is not
 * there. Records are believed in one of two cases. Either a SYNCED speaks of them: what they tell of
 * was synced before it was written. Or the system has not been started anew since they were written
 * (BEGIN holds the kernel's boot id): then what was written is in the system's cache or on the disk,
 * whatever became of the program that wrote it. So a program that is killed loses nothing, and after a
 * power failure nothing is believed that might be gone. */
#ifndef WOSHOU_FILE_JOURNAL_H
#define WOSHOU_FILE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "file/check.h"
#include "file/manifest.h"

struct error;

enum journal_type {
    JOURNAL_BEGIN = 1,  /* a program began to write, under the kernel with this boot id */
    JOURNAL_ENTRY = 2,  /* an entry; they are numbered from 0, in their order here */
    JOURNAL_CHUNK = 3,  /* a chunk of an entry is written, and its check was right */
    JOURNAL_WHOLE = 4,  /* an entry is written, all of it */
    JOURNAL_GONE = 5,   /* an entry is not there any more */
    JOURNAL_SYNCED = 6, /* all before `synced` is on the disk, and what it speaks of */
    JOURNAL_MOST_TYPE = JOURNAL_SYNCED
};

enum { JOURNAL_BOOT_BYTES = 16 };

struct journal_record {
    uint8_t type;                     /* enum journal_type */
    uint32_t entry;                   /* CHUNK, WHOLE, GONE */
    uint32_t chunk;                   /* CHUNK */
    struct check check;               /* CHUNK, WHOLE: of the chunk, of the whole */
    struct manifest_entry written;    /* ENTRY; its parent by the journal's numbers */
    uint64_t synced;                  /* SYNCED: a place in the journal, in bytes */
    uint8_t boot[JOURNAL_BOOT_BYTES]; /* BEGIN */
};

/* --- Records: pure --- */

void journal_encode(struct buffer *buffer, const struct journal_record *record);
/* The record that begins at `bytes`: how long it is, or 0 where there is none, or one that is torn. Its
 * name is borrowed of `bytes`. */
size_t journal_decode(const uint8_t *bytes, size_t length,
                      struct journal_record *ret_record);
/* How many of the bytes are to be believed: up to the last whole record, where the last BEGIN has
 * `boot`; or else up to where the last SYNCED says. */
size_t journal_believed(const uint8_t *bytes, size_t length,
                        const uint8_t boot[JOURNAL_BOOT_BYTES]);

/* --- The file --- */

struct journal {
    int fd;          /* -1: closed */
    uint64_t length; /* bytes written */
    struct buffer unwritten;
};

/* The kernel's boot id; zeros, which no journal is believed by, where it cannot be learnt. */
void journal_boot_id(uint8_t ret_boot[JOURNAL_BOOT_BYTES]);

/* Opens or makes the journal `name` in `folder`, for this program alone: ERROR_IN_USE where another has
 * it open. What is to be believed is appended to `ret_records`, the rest cut off, and BEGIN written. On
 * failure there is nothing to close. */
int journal_open(struct journal *ret_journal, int folder, const char *name,
                 struct buffer *ret_records, struct error *err);
/* Accepts one that is closed already. What is unwritten is dropped. */
void journal_close(struct journal *journal);
/* Adds a record; journal_write writes what was added. */
void journal_add(struct journal *journal, const struct journal_record *record);
int journal_write(struct journal *journal, struct error *err);

#endif
