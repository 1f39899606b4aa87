/* How files are cut, and the map of what is there. */
#include "file/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static void a_file_has_fewer_than_2000_chunks_as_long_as_16_mib_suffice(void **state)
{
    (void)state;
    assert_int_equal(chunk_bytes(0), MIB);
    assert_int_equal(chunk_bytes(2 * GIB), 2 * MIB);
    assert_int_equal(chunk_count(2 * GIB), 1024);
    for (uint64_t size = 1; size < 31 * GIB; size = size * 3 + 1)
        assert_true(chunk_count(size) < CHUNK_COUNT_AIMED);
    assert_int_equal(chunk_bytes(1024 * GIB), 16 * MIB);
    assert_int_equal(chunk_count(1024 * GIB), 65536);
}

static void chunks_cover_the_file_and_no_more(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, MIB - 1, MIB, MIB + 1, 3 * GIB + 17};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t covered = 0;
        for (uint32_t c = 0; c < chunk_count(sizes[i]); c++) {
            assert_int_equal(chunk_offset(sizes[i], c), covered);
            assert_true(chunk_length(sizes[i], c) > 0);
            covered += chunk_length(sizes[i], c);
        }
        assert_int_equal(covered, sizes[i]);
    }
    assert_int_equal(chunk_count(0), 0);
}

static void a_map_counts_each_chunk_once(void **state)
{
    (void)state;
    struct chunk_map map;
    assert_int_equal(chunk_map_init(&map, 11), 0);
    assert_true(chunk_map_add(&map, 10));
    assert_false(chunk_map_add(&map, 10));
    assert_false(chunk_map_add(&map, 11));
    assert_true(chunk_map_has(&map, 10));
    assert_false(chunk_map_has(&map, 9));
    assert_false(chunk_map_has(&map, 11));
    assert_false(chunk_map_full(&map));
    for (uint32_t i = 0; i < 10; i++)
        assert_true(chunk_map_add(&map, i));
    assert_true(chunk_map_full(&map));
    chunk_map_done(&map);
    chunk_map_done(&map);
}

static void a_map_travels(void **state)
{
    (void)state;
    struct chunk_map map, read;
    assert_int_equal(chunk_map_init(&map, 11), 0);
    assert_int_equal(chunk_map_init(&read, 11), 0);
    chunk_map_add(&map, 0);
    chunk_map_add(&map, 10);
    assert_int_equal(map.bits[0], 0x80);
    assert_int_equal(map.bits[1], 0x20);
    assert_int_equal(chunk_map_read(&read, map.bits, chunk_map_bytes(&map)), 0);
    assert_int_equal(read.set, 2);
    assert_true(chunk_map_has(&read, 10));
    chunk_map_done(&map);
    chunk_map_done(&read);
}

static void a_map_from_outside_has_no_bits_too_many(void **state)
{
    (void)state;
    struct chunk_map map;
    assert_int_equal(chunk_map_init(&map, 11), 0);
    assert_int_equal(chunk_map_read(&map, (const uint8_t *)"\0", 1), ERROR_CORRUPT);
    assert_int_equal(chunk_map_read(&map, (const uint8_t *)"\0\0\0", 3), ERROR_CORRUPT);
    assert_int_equal(chunk_map_read(&map, (const uint8_t *)"\0\x10", 2), ERROR_CORRUPT);
    assert_int_equal(chunk_map_read(&map, (const uint8_t *)"\0\x20", 2), 0);
    chunk_map_done(&map);
}

static void covered_bytes_know_that_the_last_chunk_is_short(void **state)
{
    (void)state;
    struct chunk_map map;
    uint64_t size = 2 * MIB + 5;
    assert_int_equal(chunk_map_init(&map, 3), 0);
    assert_int_equal(chunk_map_covered_bytes(&map, size), 0);
    chunk_map_add(&map, 2);
    assert_int_equal(chunk_map_covered_bytes(&map, size), 5);
    chunk_map_add(&map, 0);
    assert_int_equal(chunk_map_covered_bytes(&map, size), MIB + 5);
    chunk_map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_fewer_than_2000_chunks_as_long_as_16_mib_suffice),
        cmocka_unit_test(chunks_cover_the_file_and_no_more),
        cmocka_unit_test(a_map_counts_each_chunk_once),
        cmocka_unit_test(a_map_travels),
        cmocka_unit_test(a_map_from_outside_has_no_bits_too_many),
        cmocka_unit_test(covered_bytes_know_that_the_last_chunk_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
