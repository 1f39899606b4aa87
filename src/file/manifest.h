/* A manifest: what a transfer holds, one entry a file or folder, streamed in batches; and the answers
 * that come back. Pure: fields in, values out.
 *
 * Entries are numbered from 0 in the order they are sent. A folder's entry stands before those in it,
 * which name it by its number: a path is never written down, so none can lead astray. */
#ifndef WOSHOU_FILE_MANIFEST_H
#define WOSHOU_FILE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file/chunk.h"
#include "net/frame.h"

struct buffer;
struct error;

#define MANIFEST_ROOT UINT32_MAX /* the parent of a root */

struct manifest_entry {
    uint8_t kind;     /* enum file_kind */
    uint16_t mode;    /* permission bits, 0777 */
    uint32_t parent;  /* the number of the folder it stands in, or MANIFEST_ROOT */
    uint64_t size;    /* bytes; 0 for a folder */
    uint64_t version; /* changes whenever the file is written; a number of the sender's */
    int64_t mtime_ns; /* since 1970 */
    const char *name; /* not terminated; borrowed of whoever gave it */
    uint16_t name_length;
};

/* --- ENTRIES: u32 number of the first, u16 count, entries --- */

/* Writes a batch: begin, put until it returns ERROR_LIMIT or there are no more, end. */
struct manifest_writer {
    struct buffer *buffer; /* borrowed */
    size_t begin;          /* of the frame */
    uint32_t first;
    uint16_t count;
};
void manifest_begin(struct manifest_writer *writer, struct buffer *buffer,
                    uint32_t first);
/* 0; or ERROR_LIMIT: the batch is full, the entry is not in it. */
int manifest_put(struct manifest_writer *writer, const struct manifest_entry *entry);
/* Ends the frame; one without entries is taken away. 0 or the buffer's failure. */
int manifest_end(struct manifest_writer *writer);

struct manifest_reader {
    struct frame_reader fields;
    uint32_t number; /* of the next entry */
    uint16_t left;
};
/* `expected` is the number the first entry must have. ERROR_CORRUPT where it has another. */
int manifest_open(struct manifest_reader *ret_reader, const struct frame *frame,
                  uint32_t expected, struct error *err);
/* 1 and the entry, which is well-formed in itself: a kind and a size there are, a parent that stands
 * before it, a name that passes name_check; 0 at the end; ERROR_CORRUPT; ERROR_ARGUMENT for a name
 * that does not pass, with `ret_entry` filled in all the same. */
int manifest_read(struct manifest_reader *reader, struct manifest_entry *ret_entry,
                  struct error *err);

/* --- WANT: u32 number of the first, u16 count, for each a u8 and perhaps a map --- */

void want_begin(struct manifest_writer *writer, struct buffer *buffer, uint32_t first);
/* `map` only with FILE_SOME. A frame that has become long is ended here, and the next one begun. The
 * buffer's failure is sticky. */
void want_put(struct manifest_writer *writer, uint8_t want, const struct chunk_map *map);
int want_end(struct manifest_writer *writer);

struct want_reader {
    struct frame_reader fields;
    uint32_t number; /* of the next entry */
    uint16_t left;
};
struct want {
    uint32_t number;
    uint8_t want;           /* enum file_want */
    struct frame_blob bits; /* with FILE_SOME; borrowed of the frame */
};
int want_open(struct want_reader *ret_reader, const struct frame *frame,
              struct error *err);
/* 1 and an answer, 0 at the end, ERROR_CORRUPT. */
int want_read(struct want_reader *reader, struct want *ret_want, struct error *err);

#endif
