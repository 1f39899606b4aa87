/* Entries and answers as they travel; what is nonsense is refused, at every length. */
#include "file/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"
#include "file/protocol.h"

static struct manifest_entry entry_of(uint8_t kind, uint32_t parent, uint64_t size,
                                      const char *name)
{
    return (struct manifest_entry){.kind = kind,
                                   .mode = 0640,
                                   .parent = parent,
                                   .size = size,
                                   .version = 0x0123456789abcdef,
                                   .mtime_ns = -5,
                                   .name = name,
                                   .name_length = (uint16_t)strlen(name)};
}

/* The one frame in the buffer; of its body the first `length` bytes, at the end of memory that is as long. */
static struct frame frame_of(const struct buffer *buffer, uint8_t **ret_copy,
                             size_t length)
{
    struct frame frame;
    size_t needed;
    assert_int_equal(
        frame_decode(buffer->bytes, buffer->length, FRAME_BODY_BYTES, &frame, &needed),
        1);
    if (length < frame.length)
        frame.length = frame.total = (uint32_t)length;
    *ret_copy = malloc(frame.length + !frame.length);
    memcpy(*ret_copy, frame.body, frame.length);
    frame.body = *ret_copy;
    return frame;
}

static void write_two(struct buffer *buffer)
{
    struct manifest_writer writer;
    struct manifest_entry folder = entry_of(FILE_FOLDER, MANIFEST_ROOT, 0, "d");
    struct manifest_entry file = entry_of(FILE_REGULAR, 5, 1234, "文件");
    manifest_begin(&writer, buffer, 5);
    assert_int_equal(manifest_put(&writer, &folder), 0);
    assert_int_equal(manifest_put(&writer, &file), 0);
    assert_int_equal(manifest_end(&writer), 0);
}

static void entries_travel(void **state)
{
    (void)state;
    struct buffer buffer;
    struct manifest_reader reader;
    struct manifest_entry entry;
    uint8_t *copy;
    buffer_init(&buffer, 0);
    write_two(&buffer);
    struct frame frame = frame_of(&buffer, &copy, SIZE_MAX);
    assert_int_equal(frame.type, FILE_ENTRIES);
    assert_int_equal(manifest_open(&reader, &frame, 5, NULL), 0);
    assert_int_equal(manifest_read(&reader, &entry, NULL), 1);
    assert_int_equal(entry.kind, FILE_FOLDER);
    assert_int_equal(entry.parent, MANIFEST_ROOT);
    assert_int_equal(manifest_read(&reader, &entry, NULL), 1);
    assert_int_equal(entry.parent, 5);
    assert_int_equal(entry.size, 1234);
    assert_int_equal(entry.mode, 0640);
    assert_int_equal(entry.mtime_ns, -5);
    assert_true(entry.version == 0x0123456789abcdef);
    assert_memory_equal(entry.name, "文件", entry.name_length);
    assert_int_equal(manifest_read(&reader, &entry, NULL), 0);
    free(copy);
    buffer_done(&buffer);
}

static void a_batch_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    write_two(&buffer);
    for (size_t length = 0; length < buffer.length - FRAME_HEADER_BYTES; length++) {
        struct manifest_reader reader;
        struct manifest_entry entry;
        uint8_t *copy;
        struct frame frame = frame_of(&buffer, &copy, length);
        int code = manifest_open(&reader, &frame, 5, NULL);
        while (code >= 0 && (code = manifest_read(&reader, &entry, NULL)) == 1) {
        }
        assert_int_equal(code, ERROR_CORRUPT);
        free(copy);
    }
    buffer_done(&buffer);
}

static int read_one(const struct manifest_entry *written, struct error *err)
{
    struct buffer buffer;
    struct manifest_writer writer;
    struct manifest_reader reader;
    struct manifest_entry entry;
    uint8_t *copy;
    buffer_init(&buffer, 0);
    manifest_begin(&writer, &buffer, 3);
    manifest_put(&writer, written);
    assert_int_equal(manifest_end(&writer), 0);
    struct frame frame = frame_of(&buffer, &copy, SIZE_MAX);
    assert_int_equal(manifest_open(&reader, &frame, 4, NULL), ERROR_CORRUPT);
    assert_int_equal(manifest_open(&reader, &frame, 3, NULL), 0);
    int code = manifest_read(&reader, &entry, err);
    free(copy);
    buffer_done(&buffer);
    return code;
}

static void entries_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct manifest_entry own = entry_of(FILE_REGULAR, 3, 1, "x");
    struct manifest_entry later = entry_of(FILE_REGULAR, 4, 1, "x");
    struct manifest_entry kind = entry_of(3, MANIFEST_ROOT, 1, "x");
    struct manifest_entry sized = entry_of(FILE_FOLDER, MANIFEST_ROOT, 1, "x");
    struct manifest_entry huge = entry_of(FILE_REGULAR, MANIFEST_ROOT, UINT64_MAX, "x");
    struct manifest_entry named = entry_of(FILE_REGULAR, MANIFEST_ROOT, 1, "../x");
    assert_int_equal(read_one(&own, NULL), ERROR_CORRUPT);
    assert_int_equal(read_one(&later, NULL), ERROR_CORRUPT);
    assert_int_equal(read_one(&kind, NULL), ERROR_CORRUPT);
    assert_int_equal(read_one(&sized, NULL), ERROR_CORRUPT);
    assert_int_equal(read_one(&huge, NULL), ERROR_CORRUPT);
    assert_int_equal(read_one(&named, NULL), ERROR_ARGUMENT);
}

static void answers_travel_in_as_many_frames_as_it_takes(void **state)
{
    (void)state;
    enum { COUNT = 3000, CHUNKS = 1999 };
    struct buffer buffer;
    struct manifest_writer writer;
    struct chunk_map map;
    uint32_t number = 10;
    int frames = 0;
    buffer_init(&buffer, 0);
    assert_int_equal(chunk_map_init(&map, CHUNKS), 0);
    chunk_map_add(&map, 1998);
    want_begin(&writer, &buffer, number);
    for (uint32_t i = 0; i < COUNT; i++)
        want_put(&writer, i % 2 ? FILE_SOME : FILE_ALL, &map);
    assert_int_equal(want_end(&writer), 0);
    while (buffer.length > 0) {
        struct frame frame;
        struct want_reader reader;
        struct want want;
        size_t needed;
        assert_int_equal(
            frame_decode(buffer.bytes, buffer.length, FRAME_BODY_BYTES, &frame, &needed),
            1);
        assert_int_equal(want_open(&reader, &frame, NULL), 0);
        while (want_read(&reader, &want, NULL) == 1) {
            assert_int_equal(want.number, number);
            assert_int_equal(want.want, number % 2 ? FILE_SOME : FILE_ALL);
            if (want.want == FILE_SOME)
                assert_int_equal(want.bits.length, chunk_map_bytes(&map));
            number++;
        }
        buffer_consume(&buffer, FRAME_HEADER_BYTES + frame.total);
        frames++;
    }
    assert_int_equal(number, 10 + COUNT);
    assert_true(frames > 1);
    chunk_map_done(&map);
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_travel),
        cmocka_unit_test(a_batch_cut_anywhere_is_refused),
        cmocka_unit_test(entries_that_make_no_sense_are_refused),
        cmocka_unit_test(answers_travel_in_as_many_frames_as_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
