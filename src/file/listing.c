#include "file/listing.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "file/protocol.h"

void listing_begin(struct listing_writer *writer, struct buffer *buffer, uint64_t id)
{
    *writer = (struct listing_writer){.buffer = buffer};
    writer->begin = frame_begin(buffer, FILE_NAMES, 0, id);
    frame_put_u16(buffer, 0);
}

int listing_put(struct listing_writer *writer, const struct shelf_item *item)
{
    struct buffer *buffer = writer->buffer;
    if (writer->count == UINT16_MAX || buffer->length - writer->begin > FILE_BATCH_BYTES)
        return ERROR_LIMIT;
    frame_put_u8(buffer, item->folder ? FILE_FOLDER : FILE_REGULAR);
    frame_put_u8(buffer, item->counted);
    frame_put_u64(buffer, item->bytes);
    frame_put_u32(buffer, item->files);
    frame_put_u64(buffer, (uint64_t)item->mtime_ns);
    frame_put_text(buffer, item->name, strlen(item->name));
    writer->count++;
    return 0;
}

int listing_end(struct listing_writer *writer)
{
    struct buffer *buffer = writer->buffer;
    if (buffer->failed)
        return buffer->failed;
    if (writer->count == 0) {
        buffer->length = writer->begin;
        return 0;
    }
    uint8_t *count = (uint8_t *)buffer->bytes + writer->begin + FRAME_HEADER_BYTES;
    count[0] = (uint8_t)(writer->count >> 8);
    count[1] = (uint8_t)writer->count;
    return frame_end(buffer, writer->begin);
}

int listing_open(struct listing_reader *ret_reader, const struct frame *frame,
                 struct error *err)
{
    struct listing_reader reader = {.fields = frame_reader(frame)};
    reader.left = frame_read_u16(&reader.fields);
    if (reader.fields.failed)
        return error_set(err, ERROR_CORRUPT, "a list of files that is none");
    *ret_reader = reader;
    return 0;
}

int listing_read(struct listing_reader *reader, struct shelf_item *ret_item,
                 struct error *err)
{
    struct frame_reader *fields = &reader->fields;
    if (reader->left == 0)
        return 0;
    struct shelf_item item = {.folder = frame_read_u8(fields) == FILE_FOLDER};
    item.counted = frame_read_u8(fields);
    item.bytes = frame_read_u64(fields);
    item.files = frame_read_u32(fields);
    item.mtime_ns = (int64_t)frame_read_u64(fields);
    struct frame_text name = frame_read_text(fields);
    if (fields->failed || name.length >= sizeof item.name)
        return error_set(err, ERROR_CORRUPT, "a list of files that is cut off");
    memcpy(item.name, name.bytes, name.length);
    reader->left--;
    *ret_item = item;
    return 1;
}
