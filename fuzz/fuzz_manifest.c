/* Any bytes as a batch of entries, as answers to one, and as a list of files. What must hold: as many are
 * given as were announced or it is an error; an entry that is given is well-formed, and is written again to
 * what is read the same; a map never counts more chunks than a file has. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/utf.h"
#include "file/listing.h"
#include "file/manifest.h"
#include "file/name.h"
#include "file/name_table.h"
#include "file/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_again(const struct manifest_entry *entry, uint32_t number)
{
    struct manifest_writer writer;
    struct manifest_reader reader;
    struct manifest_entry again;
    struct frame frame;
    struct buffer buffer;
    size_t needed;
    buffer_init(&buffer, 0);
    manifest_begin(&writer, &buffer, number);
    require(manifest_put(&writer, entry) == 0 && manifest_end(&writer) == 0);
    require(frame_decode(buffer.bytes, buffer.length, FRAME_BODY_BYTES, &frame,
                         &needed) == 1);
    require(manifest_open(&reader, &frame, number, NULL) == 0);
    require(manifest_read(&reader, &again, NULL) == 1);
    require(again.kind == entry->kind && again.parent == entry->parent &&
            again.size == entry->size && again.version == entry->version &&
            again.mtime_ns == entry->mtime_ns && again.mode == entry->mode &&
            again.name_length == entry->name_length &&
            memcmp(again.name, entry->name, entry->name_length) == 0);
    buffer_done(&buffer);
}

static void read_entries(const struct frame *frame)
{
    struct manifest_reader reader;
    struct manifest_entry entry;
    struct name_table table;
    uint32_t first = 0;
    if (frame->length >= 4)
        first = (uint32_t)frame->body[0] << 24 | (uint32_t)frame->body[1] << 16 |
                (uint32_t)frame->body[2] << 8 | frame->body[3];
    if (manifest_open(&reader, frame, first, NULL))
        return;
    name_table_init(&table);
    int code;
    while ((code = manifest_read(&reader, &entry, NULL)) == 1) {
        require(name_check(entry.name, entry.name_length, NULL) == 0);
        require(utf8_valid(entry.name, entry.name_length));
        require(entry.parent == MANIFEST_ROOT || entry.parent < reader.number - 1);
        require(chunk_count(entry.size) == 0 ||
                chunk_offset(entry.size, chunk_count(entry.size) - 1) < entry.size);
        check_again(&entry, reader.number - 1);
        require(name_table_put(&table, entry.parent, entry.name, entry.name_length, 7) ==
                0);
        require(name_table_find(&table, entry.parent, entry.name, entry.name_length) ==
                7);
    }
    require(code == 0 || code == ERROR_CORRUPT || code == ERROR_ARGUMENT);
    name_table_done(&table);
}

static void read_wants(const struct frame *frame)
{
    struct want_reader reader;
    struct want want;
    if (want_open(&reader, frame, NULL))
        return;
    while (want_read(&reader, &want, NULL) == 1) {
        struct chunk_map map;
        uint32_t count = want.bits.length < 4096 ? want.bits.length * 8 : 0;
        if (want.want != FILE_SOME || count < 3 || chunk_map_init(&map, count - 3))
            continue;
        if (chunk_map_read(&map, want.bits.bytes, want.bits.length) == 0)
            require(map.set <= map.count);
        chunk_map_done(&map);
    }
}

static void read_names(const struct frame *frame)
{
    struct listing_reader reader;
    struct shelf_item item;
    if (listing_open(&reader, frame, NULL))
        return;
    unsigned announced = reader.left, given = 0;
    int code;
    while ((code = listing_read(&reader, &item, NULL)) == 1) {
        require(memchr(item.name, 0, sizeof item.name) != NULL);
        given++;
    }
    require(code ? given < announced : given == announced);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static void (*const read[])(const struct frame *) = {read_entries, read_wants,
                                                         read_names};
    if (length == 0)
        return 0;
    const struct frame frame = {
        .body = bytes + 1, .length = (uint32_t)length - 1, .total = (uint32_t)length - 1};
    read[bytes[0] % 3](&frame);
    return 0;
}
