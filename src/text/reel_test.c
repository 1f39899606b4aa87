/* Reels: written by one, read by many, freed by the last. */
#include "text/reel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/frame.h"

static _Atomic size_t memory;

/* A frame of `length` bytes in all, numbered. */
static void append(struct reel *reel, uint64_t number, size_t length)
{
    uint8_t *bytes = reel_reserve(reel, length);
    assert_non_null(bytes);
    const struct frame frame = {
        .type = 0x0107, .id = number, .total = (uint32_t)(length - FRAME_HEADER_BYTES)};
    memset(bytes, 0, length);
    frame_encode_header(&frame, bytes);
    reel_publish(reel, length);
}

/* Reads everything in pieces of `most`, and checks the frames' numbers. */
static uint64_t read_all(struct cursor *cursor, size_t most, uint64_t first)
{
    static uint8_t gathered[1 << 20];
    const uint8_t *bytes;
    size_t total = 0;
    for (size_t length; (length = cursor_look(cursor, &bytes)) > 0;) {
        length = length < most ? length : most;
        memcpy(gathered + total, bytes, length);
        cursor_advance(cursor, length);
        total += length;
    }
    for (size_t at = 0, taken; at < total; at += taken) {
        struct frame frame;
        assert_int_equal(
            frame_decode(gathered + at, total - at, UINT32_MAX, &frame, &taken), 1);
        assert_int_equal(frame.id, first++);
    }
    return first;
}

static void all_cursors_see_what_comes_behind_them(void **state)
{
    (void)state;
    struct reel reel;
    struct cursor one, two;
    reel_init(&reel, &memory);
    assert_int_equal(cursor_begin(&one, &reel), 0);
    for (uint64_t number = 1; number <= 1000; number++)
        append(&reel, number, 100);
    assert_int_equal(cursor_begin(&two, &reel), 0);
    for (uint64_t number = 1001; number <= 2000; number++)
        append(&reel, number, 100);
    assert_int_equal(read_all(&one, 7777, 1), 2001);
    assert_int_equal(read_all(&two, 33, 1001), 2001);
    assert_int_equal(cursor_position(&one), 200000);
    assert_int_equal(cursor_position(&two), 200000);
    cursor_end(&one);
    cursor_end(&two);
    reel_done(&reel);
    assert_int_equal(memory, 0);
}

static void what_all_have_read_is_freed(void **state)
{
    (void)state;
    struct reel reel;
    struct cursor behind, quick;
    reel_init(&reel, &memory);
    assert_int_equal(cursor_begin(&behind, &reel), 0);
    assert_int_equal(cursor_begin(&quick, &reel), 0);
    for (uint64_t number = 1; number <= 5000; number++)
        append(&reel, number, 200);
    read_all(&quick, 1 << 20, 1);
    assert_true(memory > 900000); /* for the one that is behind */
    read_all(&behind, 1 << 20, 1);
    assert_true(memory <= 2 * (REEL_SEGMENT_MOST + sizeof(struct segment)));
    cursor_end(&behind);
    cursor_end(&quick);
    reel_done(&reel);
    assert_int_equal(memory, 0);
}

static void a_long_chain_is_freed_without_recursion(void **state)
{
    (void)state;
    struct reel reel;
    struct cursor cursor;
    reel_init(&reel, &memory);
    assert_int_equal(cursor_begin(&cursor, &reel), 0);
    for (uint64_t number = 1; number <= 4000; number++)
        append(&reel, number, 40000);
    cursor_end(&cursor);
    reel_done(&reel);
    assert_int_equal(memory, 0);
}

static void it_rests_and_goes_on(void **state)
{
    (void)state;
    struct reel reel;
    struct cursor cursor;
    reel_init(&reel, &memory);
    append(&reel, 1, 100);
    reel_rest(&reel);
    assert_int_equal(memory, 0);
    assert_int_equal(cursor_begin(&cursor, &reel), 0);
    append(&reel, 2, 100);
    assert_int_equal(cursor_position(&cursor), 100);
    assert_int_equal(read_all(&cursor, 1000, 2), 3);
    cursor_end(&cursor);
    reel_done(&reel);
}

static void a_frame_longer_than_a_segment_has_its_own(void **state)
{
    (void)state;
    struct reel reel;
    struct cursor cursor;
    const uint8_t *bytes;
    reel_init(&reel, &memory);
    assert_int_equal(cursor_begin(&cursor, &reel), 0);
    append(&reel, 1, 100);
    append(&reel, 2, 3 * REEL_SEGMENT_MOST);
    append(&reel, 3, 100);
    assert_int_equal(cursor_look(&cursor, &bytes), 100);
    cursor_advance(&cursor, 100);
    assert_int_equal(cursor_look(&cursor, &bytes), 3 * REEL_SEGMENT_MOST);
    cursor_advance(&cursor, 3 * REEL_SEGMENT_MOST);
    assert_int_equal(read_all(&cursor, 1000, 3), 4);
    cursor_end(&cursor);
    reel_done(&reel);
}

static void the_rest_of_a_frame_is_known_wherever_it_was_cut(void **state)
{
    (void)state;
    struct reel reel;
    struct cursor cursor;
    const uint8_t *rest;
    reel_init(&reel, &memory);
    assert_int_equal(cursor_begin(&cursor, &reel), 0);
    append(&reel, 1, 40);
    append(&reel, 2, 50);
    const uint8_t *bytes;
    cursor_look(&cursor, &bytes);
    for (size_t cut = 0; cut <= 90; cut++) {
        cursor.offset = (uint32_t)cut;
        size_t expected = cut <= 40 ? (40 - cut) % 40 : 90 - cut;
        assert_int_equal(cursor_frame_rest(&cursor, &rest), expected);
        assert_ptr_equal(rest, bytes + cut);
    }
    cursor_end(&cursor);
    reel_done(&reel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_cursors_see_what_comes_behind_them),
        cmocka_unit_test(what_all_have_read_is_freed),
        cmocka_unit_test(a_long_chain_is_freed_without_recursion),
        cmocka_unit_test(it_rests_and_goes_on),
        cmocka_unit_test(a_frame_longer_than_a_segment_has_its_own),
        cmocka_unit_test(the_rest_of_a_frame_is_known_wherever_it_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
