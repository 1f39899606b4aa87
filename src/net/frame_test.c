#include "net/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"

/* A page that ends at one which may not be touched: what reads too far dies. */
struct guarded {
    uint8_t *page, *end;
    size_t size;
};

static int make_guarded(void **state)
{
    static struct guarded guarded;
    guarded.size = (size_t)sysconf(_SC_PAGESIZE);
    guarded.page = mmap(NULL, 2 * guarded.size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded.page == MAP_FAILED)
        return -1;
    guarded.end = guarded.page + guarded.size;
    *state = &guarded;
    return mprotect(guarded.end, guarded.size, PROT_NONE);
}

static int unmap_guarded(void **state)
{
    struct guarded *guarded = *state;
    return munmap(guarded->page, 2 * guarded->size);
}

static const uint8_t *at_guard(const struct guarded *guarded, const void *bytes,
                               size_t length)
{
    uint8_t *place = guarded->end - length;
    memcpy(place, bytes, length);
    return place;
}

/* One field of each kind. */
static void put_sample(struct buffer *buffer)
{
    size_t begin = frame_begin(buffer, 0x0102, FRAME_OPTIONAL, 0x1122334455667788);
    frame_put_u8(buffer, 0xA1);
    frame_put_u16(buffer, 0xB1B2);
    frame_put_u32(buffer, 0xC1C2C3C4);
    frame_put_u64(buffer, 0xD1D2D3D4D5D6D7D8);
    frame_put_text(buffer, "握手", 6);
    frame_put_blob(buffer, "b\0b", 3);
    frame_put_bytes(buffer, "rest", 4);
    assert_int_equal(frame_end(buffer, begin), 0);
}

static void the_layout_is_that_of_the_protocol(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0,    0,    0,    34,                           /* length */
        1,    2,    0x80, 0,                            /* type, flags */
        0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, /* id */
        0xA1, 0xB1, 0xB2, 0xC1, 0xC2, 0xC3, 0xC4,       /* u8, u16, u32 */
        0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, /* u64 */
        0,    6,    0xE6, 0x8F, 0xA1, 0xE6, 0x89, 0x8B, /* text */
        0,    0,    0,    3,    'b',  0,    'b',        /* blob */
        'r',  'e',  's',  't'};
    struct buffer buffer;
    buffer_init(&buffer, 0);
    put_sample(&buffer);
    assert_int_equal(buffer.length, sizeof expected);
    assert_memory_equal(buffer.bytes, expected, sizeof expected);
    buffer_done(&buffer);
}

static void every_field_comes_back(void **state)
{
    struct buffer buffer;
    struct frame frame;
    size_t needed;
    buffer_init(&buffer, 0);
    put_sample(&buffer);
    const uint8_t *bytes = at_guard(*state, buffer.bytes, buffer.length);
    assert_int_equal(frame_decode(bytes, buffer.length, 100, &frame, &needed), 1);
    assert_int_equal(needed, buffer.length);
    assert_int_equal(frame.type, 0x0102);
    assert_int_equal(frame.flags, FRAME_OPTIONAL);
    assert_true(frame.id == 0x1122334455667788);
    struct frame_reader reader = frame_reader(&frame);
    assert_int_equal(frame_read_u8(&reader), 0xA1);
    assert_int_equal(frame_read_u16(&reader), 0xB1B2);
    assert_true(frame_read_u32(&reader) == 0xC1C2C3C4);
    assert_true(frame_read_u64(&reader) == 0xD1D2D3D4D5D6D7D8);
    struct frame_text text = frame_read_text(&reader);
    assert_int_equal(text.length, 6);
    assert_memory_equal(text.bytes, "握手", 6);
    struct frame_blob blob = frame_read_blob(&reader);
    assert_int_equal(blob.length, 3);
    assert_memory_equal(blob.bytes, "b\0b", 3);
    struct frame_blob rest = frame_read_rest(&reader);
    assert_int_equal(rest.length, 4);
    assert_memory_equal(rest.bytes, "rest", 4);
    assert_false(reader.failed);
    buffer_done(&buffer);
}

static void every_truncation_asks_for_what_is_missing(void **state)
{
    struct buffer buffer;
    struct frame frame;
    buffer_init(&buffer, 0);
    put_sample(&buffer);
    for (size_t length = 0; length < buffer.length; length++) {
        const uint8_t *bytes = at_guard(*state, buffer.bytes, length);
        size_t needed = 0;
        assert_int_equal(frame_decode(bytes, length, 100, &frame, &needed), 0);
        assert_int_equal(needed, length < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES
                                                             : buffer.length);
    }
    buffer_done(&buffer);
}

/* The body cut anywhere: reading fails, stays failed, and gives zeros. */
static void every_cut_body_fails_and_stays_failed(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    put_sample(&buffer);
    size_t body = buffer.length - FRAME_HEADER_BYTES, fields = body - 4;
    for (size_t length = 0; length <= body; length++) {
        const uint8_t *bytes =
            at_guard(*state, buffer.bytes + FRAME_HEADER_BYTES, length);
        const struct frame frame = {.body = bytes, .length = (uint32_t)length};
        struct frame_reader reader = frame_reader(&frame);
        frame_read_u8(&reader);
        frame_read_u16(&reader);
        frame_read_u32(&reader);
        frame_read_u64(&reader);
        frame_read_text(&reader);
        struct frame_blob blob = frame_read_blob(&reader);
        assert_int_equal(reader.failed, length < fields);
        assert_int_equal(blob.length, length < fields ? 0 : 3);
        assert_non_null(blob.bytes);
        if (reader.failed) {
            assert_int_equal(frame_read_u8(&reader), 0);
            assert_int_equal(frame_read_rest(&reader).length, 0);
            assert_string_equal(frame_read_text(&reader).bytes, "");
            assert_true(reader.failed);
        }
    }
    buffer_done(&buffer);
}

static void a_declared_length_is_checked_before_anything_else(void **state)
{
    uint8_t header[FRAME_HEADER_BYTES] = {0x80}; /* 2 GiB */
    struct frame frame;
    size_t needed;
    const uint8_t *bytes = at_guard(*state, header, sizeof header);
    assert_int_equal(
        frame_decode(bytes, sizeof header, FRAME_BODY_BYTES, &frame, &needed), -EMSGSIZE);
    const struct frame largest = {.total = 100, .type = 7};
    frame_encode_header(&largest, header);
    bytes = at_guard(*state, header, sizeof header);
    assert_int_equal(frame_decode(bytes, sizeof header, 99, &frame, &needed), -EMSGSIZE);
    assert_int_equal(frame_decode(bytes, sizeof header, 100, &frame, &needed), 0);
    assert_int_equal(needed, FRAME_HEADER_BYTES + 100);
    assert_int_equal(frame.type, 7);
    assert_int_equal(frame.length, 0);
}

static void a_text_must_be_text(void **state)
{
    static const struct {
        const char *bytes;
        uint8_t length;
    } refused[] = {
        {"a\0b", 3},         /* a zero */
        {"\xC0\x80", 2},     /* overlong */
        {"\xED\xA0\x80", 3}, /* a lone surrogate */
        {"\xFF", 1},
        {"\xE6\x8F", 2}, /* half a character */
        {"\xF4\x90\x80\x80", 4},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint8_t body[8] = {0, refused[i].length};
        memcpy(body + 2, refused[i].bytes, refused[i].length);
        size_t length = 2u + refused[i].length;
        const struct frame frame = {.body = at_guard(*state, body, length),
                                    .length = (uint32_t)length};
        struct frame_reader reader = frame_reader(&frame);
        assert_int_equal(frame_read_text(&reader).length, 0);
        assert_true(reader.failed);
        reader = frame_reader(&frame);
        assert_non_null(frame_read_bytes(&reader, length)); /* bytes may be anything */
    }
}

static void what_is_too_long_is_not_written(void **state)
{
    (void)state;
    struct buffer buffer;
    char *bytes = calloc(1, FRAME_BODY_BYTES + 1);
    assert_non_null(bytes);
    buffer_init(&buffer, 0);
    put_sample(&buffer);
    size_t length = buffer.length;
    size_t begin = frame_begin(&buffer, 1, 0, 0);
    frame_put_bytes(&buffer, bytes, FRAME_BODY_BYTES + 1);
    assert_int_equal(frame_end(&buffer, begin), ERROR_LIMIT);
    assert_int_equal(buffer.length, length);
    begin = frame_begin(&buffer, 1, 0, 0);
    frame_put_bytes(&buffer, bytes, 10);
    assert_int_equal(frame_end_raw(&buffer, begin, FRAME_BODY_BYTES - 9), ERROR_LIMIT);
    begin = frame_begin(&buffer, 1, 0, 0);
    frame_put_bytes(&buffer, bytes, 10);
    assert_int_equal(frame_end_raw(&buffer, begin, FRAME_BODY_BYTES - 10), 0);
    struct frame frame;
    size_t needed;
    assert_int_equal(frame_decode(buffer.bytes + begin, buffer.length - begin,
                                  FRAME_BODY_BYTES, &frame, &needed),
                     0);
    assert_int_equal(frame.total, FRAME_BODY_BYTES);
    assert_int_equal(frame.length, 10);
    frame_put_text(&buffer, bytes, UINT16_MAX + 1);
    assert_int_equal(buffer.failed, ERROR_LIMIT);
    buffer_done(&buffer);
    buffer_init(&buffer, 0);
    begin = frame_begin(&buffer, 1, 0, 0);
    frame_put_blob(&buffer, bytes, FRAME_BODY_BYTES + 1);
    assert_int_equal(frame_end(&buffer, begin), ERROR_LIMIT);
    buffer_done(&buffer);
    free(bytes);
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    assert_null(frame_error_name(0));
    assert_null(frame_error_name(FRAME_ERRORS));
    assert_null(frame_error_name(UINT16_MAX));
    for (unsigned code = 1; code < FRAME_ERRORS; code++)
        for (unsigned other = 1; other < code; other++)
            assert_string_not_equal(frame_error_name(code), frame_error_name(other));
    assert_string_equal(frame_error_name(FRAME_ERROR_DRAINING), "draining");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_that_of_the_protocol),
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(every_truncation_asks_for_what_is_missing),
        cmocka_unit_test(every_cut_body_fails_and_stays_failed),
        cmocka_unit_test(a_declared_length_is_checked_before_anything_else),
        cmocka_unit_test(a_text_must_be_text),
        cmocka_unit_test(what_is_too_long_is_not_written),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("frame", tests, make_guarded, unmap_guarded);
}
