#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    unsigned char *pieces[1000];
    for (size_t i = 0; i < 1000; i++) {
        size_t size = 1 + i * 7 % 300;
        pieces[i] = arena_alloc(&arena, size);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t at = 0; at < size; at++)
            assert_int_equal(pieces[i][at], 0);
        memset(pieces[i], (int)(i % 251 + 1), size);
    }
    for (size_t i = 0; i < 1000; i++)
        for (size_t at = 0; at < 1 + i * 7 % 300; at++)
            assert_int_equal(pieces[i][at], i % 251 + 1);
    arena_done(&arena);
}

static void a_large_piece_leaves_the_rest_of_the_small_block_in_use(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    char *first = arena_alloc(&arena, 32);
    char *large = arena_alloc(&arena, 1 << 20);
    char *second = arena_alloc(&arena, 32);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    assert_ptr_equal(second, first + 32);
    arena_done(&arena);
}

static void the_limit_counts_every_byte_taken(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    assert_null(
        arena_alloc(&arena, 4096)); /* the header of the block does not fit beside it */
    size_t given = 0;
    while (arena_alloc(&arena, 64))
        given += 64;
    assert_true(given >= 3968 && given <= 4096);
    assert_true(arena.bytes <= 4096);
    arena_done(&arena);
    assert_non_null(
        arena_alloc(&arena, 64)); /* done leaves an empty arena of the same limit */
    assert_null(arena_alloc(&arena, 4096));
    arena_done(&arena);
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 15));
    assert_null(arena_copy(&arena, "", SIZE_MAX));
    assert_non_null(arena_alloc(&arena, 0));
    arena_done(&arena);
    arena_done(&arena);
}

static void a_copy_is_terminated_and_its_own(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    char text[] = "hello, world";
    char *copy = arena_copy(&arena, text, 5);
    text[0] = 'j';
    assert_string_equal(copy, "hello");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_large_piece_leaves_the_rest_of_the_small_block_in_use),
        cmocka_unit_test(the_limit_counts_every_byte_taken),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(a_copy_is_terminated_and_its_own),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
