#include "file/listing.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "file/link.h"
#include "file/protocol.h"

struct listing {
    struct link *link;
    uint64_t id;
    struct buffer frames;
    size_t begin;
    uint16_t count;
};

static void begin(struct listing *listing)
{
    listing->begin = frame_begin(&listing->frames, FILE_NAMES, 0, listing->id);
    listing->count = 0;
    frame_put_u16(&listing->frames, 0);
}

static int end(struct listing *listing)
{
    struct buffer *frames = &listing->frames;
    if (frames->failed)
        return -ENOMEM;
    uint8_t *count = (uint8_t *)frames->bytes + listing->begin + FRAME_HEADER_BYTES;
    count[0] = (uint8_t)(listing->count >> 8);
    count[1] = (uint8_t)listing->count;
    return frame_end(frames, listing->begin) ? -ENOMEM : 0;
}

static int send_batch(struct listing *listing)
{
    int code = end(listing);
    if (!code)
        code = link_send(listing->link, &listing->frames);
    buffer_clear(&listing->frames);
    return code;
}

static int put(void *owner, const struct shelf_item *item)
{
    struct listing *listing = owner;
    struct buffer *frames = &listing->frames;
    frame_put_u8(frames, item->folder ? FILE_FOLDER : FILE_REGULAR);
    frame_put_u8(frames, item->counted);
    frame_put_u64(frames, item->bytes);
    frame_put_u32(frames, item->files);
    frame_put_u64(frames, (uint64_t)item->mtime_ns);
    frame_put_text(frames, item->name, strlen(item->name));
    listing->count++;
    if (frames->length < FILE_BATCH_BYTES && listing->count < UINT16_MAX)
        return 0;
    int code = send_batch(listing);
    begin(listing);
    return code;
}

int listing_send(struct shelf *shelf, struct link *link, uint64_t id)
{
    struct listing listing = {.link = link, .id = id};
    buffer_init(&listing.frames, 0);
    begin(&listing);
    int code = shelf ? shelf_list(shelf, put, &listing, NULL) : 0;
    if (code >= 0 && listing.count > 0)
        code = send_batch(&listing);
    buffer_clear(&listing.frames);
    frame_end(&listing.frames, frame_begin(&listing.frames, FILE_NAMES_END, 0, id));
    if (!code)
        code = link_send(link, &listing.frames);
    buffer_done(&listing.frames);
    return code;
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
