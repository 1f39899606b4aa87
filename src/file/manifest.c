#include "file/manifest.h"

#include "base/buffer.h"
#include "base/error.h"
#include "file/name.h"
#include "file/protocol.h"

enum {
    HEAD_BYTES = 6,   /* number of the first, count */
    COUNT_OFFSET = 4, /* of the count in the body */
    MODE_BITS = 0777
};

static void begin(struct manifest_writer *writer, struct buffer *buffer, unsigned type,
                  uint32_t first)
{
    *writer = (struct manifest_writer){.buffer = buffer, .first = first};
    writer->begin = frame_begin(buffer, type, 0, 0);
    frame_put_u32(buffer, first);
    frame_put_u16(buffer, 0);
}

static int end(struct manifest_writer *writer)
{
    struct buffer *buffer = writer->buffer;
    if (buffer->failed)
        return buffer->failed;
    if (writer->count == 0) {
        buffer->length = writer->begin;
        return 0;
    }
    char *count = buffer->bytes + writer->begin + FRAME_HEADER_BYTES + COUNT_OFFSET;
    count[0] = (char)(writer->count >> 8);
    count[1] = (char)(writer->count & 0xff);
    return frame_end(buffer, writer->begin);
}

/* --- Entries --- */

void manifest_begin(struct manifest_writer *writer, struct buffer *buffer, uint32_t first)
{
    begin(writer, buffer, FILE_ENTRIES, first);
}

int manifest_put(struct manifest_writer *writer, const struct manifest_entry *entry)
{
    struct buffer *buffer = writer->buffer;
    if (writer->count == UINT16_MAX || buffer->length - writer->begin > FILE_BATCH_BYTES)
        return ERROR_LIMIT;
    frame_put_u8(buffer, entry->kind);
    frame_put_u16(buffer, entry->mode);
    frame_put_u32(buffer, entry->parent);
    frame_put_u64(buffer, entry->size);
    frame_put_u64(buffer, entry->version);
    frame_put_u64(buffer, (uint64_t)entry->mtime_ns);
    frame_put_text(buffer, entry->name, entry->name_length);
    writer->count++;
    return 0;
}

int manifest_end(struct manifest_writer *writer)
{
    return end(writer);
}

int manifest_open(struct manifest_reader *ret_reader, const struct frame *frame,
                  uint32_t expected, struct error *err)
{
    struct manifest_reader reader = {.fields = frame_reader(frame)};
    reader.number = frame_read_u32(&reader.fields);
    reader.left = frame_read_u16(&reader.fields);
    if (reader.fields.failed || reader.left == 0)
        return error_set(err, ERROR_CORRUPT, "a batch of entries that is none");
    if (reader.number != expected)
        return error_set(err, ERROR_CORRUPT, "entry %u where %u is next", reader.number,
                         expected);
    *ret_reader = reader;
    return 0;
}

/* What is wrong with an entry besides its name; null: nothing. */
static const char *fault_of(const struct manifest_entry *entry, uint32_t number)
{
    if (entry->kind != FILE_REGULAR && entry->kind != FILE_FOLDER)
        return "of an unknown kind";
    if (entry->parent != MANIFEST_ROOT && entry->parent >= number)
        return "in a folder that did not come before it";
    if (entry->size > (uint64_t)CHUNK_FILE_MOST_BYTES)
        return "longer than any file";
    return entry->kind == FILE_FOLDER && entry->size ? "a folder with a size" : NULL;
}

int manifest_read(struct manifest_reader *reader, struct manifest_entry *ret_entry,
                  struct error *err)
{
    if (reader->left == 0)
        return 0;
    struct frame_reader *fields = &reader->fields;
    struct manifest_entry entry = {.kind = frame_read_u8(fields)};
    entry.mode = frame_read_u16(fields) & MODE_BITS;
    entry.parent = frame_read_u32(fields);
    entry.size = frame_read_u64(fields);
    entry.version = frame_read_u64(fields);
    entry.mtime_ns = (int64_t)frame_read_u64(fields);
    struct frame_text name = frame_read_text(fields);
    entry.name = name.bytes;
    entry.name_length = name.length;
    uint32_t number = reader->number;
    if (fields->failed)
        return error_set(err, ERROR_CORRUPT, "entry %u is cut off", number);
    const char *fault = fault_of(&entry, number);
    if (fault)
        return error_set(err, ERROR_CORRUPT, "entry %u is %s", number, fault);
    reader->left--;
    reader->number++;
    *ret_entry = entry;
    int code = name_check(entry.name, entry.name_length, err);
    return code ? code : 1;
}

/* --- Answers --- */

void want_begin(struct manifest_writer *writer, struct buffer *buffer, uint32_t first)
{
    begin(writer, buffer, FILE_WANT, first);
}

void want_put(struct manifest_writer *writer, uint8_t want, const struct chunk_map *map)
{
    frame_put_u8(writer->buffer, want);
    if (want == FILE_SOME)
        frame_put_blob(writer->buffer, map->bits, chunk_map_bytes(map));
    writer->count++;
    struct buffer *buffer = writer->buffer;
    if (buffer->failed || buffer->length - writer->begin < FILE_BATCH_BYTES)
        return;
    uint32_t next = writer->first + writer->count;
    if (end(writer) == 0)
        want_begin(writer, buffer, next);
}

int want_end(struct manifest_writer *writer)
{
    return end(writer);
}

int want_open(struct want_reader *ret_reader, const struct frame *frame,
              struct error *err)
{
    struct want_reader reader = {.fields = frame_reader(frame)};
    reader.number = frame_read_u32(&reader.fields);
    reader.left = frame_read_u16(&reader.fields);
    if (reader.fields.failed || reader.left == 0)
        return error_set(err, ERROR_CORRUPT, "answers that are none");
    *ret_reader = reader;
    return 0;
}

int want_read(struct want_reader *reader, struct want *ret_want, struct error *err)
{
    if (reader->left == 0)
        return 0;
    struct want want = {.number = reader->number};
    want.want = frame_read_u8(&reader->fields);
    if (want.want == FILE_SOME)
        want.bits = frame_read_blob(&reader->fields);
    if (reader->fields.failed || want.want > FILE_NOT)
        return error_set(err, ERROR_CORRUPT, "the answer for entry %u is none",
                         want.number);
    reader->left--;
    reader->number++;
    *ret_want = want;
    return 1;
}
