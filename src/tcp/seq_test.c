#include "tcp/seq.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void numbers_are_compared_around_the_wrap(void **state)
{
    (void)state;
    assert_true(seq_before(1, 2));
    assert_false(seq_before(2, 1));
    assert_false(seq_before(7, 7));
    assert_true(seq_before(0xffffffff, 0));
    assert_true(seq_before(0xfffffff0, 0x10));
    assert_false(seq_before(0x10, 0xfffffff0));
    /* Half the space ahead is the last that counts as ahead. */
    assert_true(seq_before(0, 0x7fffffff));
    assert_false(seq_before(0, 0x80000001));
}

static void at_or_after_is_the_opposite_of_before(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {0, 1, 2, 0x7fffffff, 0x80000001, 0xffffffff};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++)
            assert_true(seq_at_or_after(numbers[i], numbers[j]) ==
                        !seq_before(numbers[i], numbers[j]));
}

static void the_later_is_the_one_ahead(void **state)
{
    (void)state;
    assert_int_equal(seq_later(5, 9), 9);
    assert_int_equal(seq_later(9, 5), 9);
    assert_int_equal(seq_later(0xfffffff0, 3), 3);
    assert_int_equal(seq_later(3, 0xfffffff0), 3);
}

static void a_window_reaches_ahead_and_never_back(void **state)
{
    (void)state;
    assert_true(seq_within_reach(100, 100));
    assert_true(seq_within_reach(100 + (1u << 30), 100));
    assert_false(seq_within_reach(101 + (1u << 30), 100));
    assert_false(seq_within_reach(99, 100));
    assert_true(seq_within_reach(2, 0xfffffff0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_compared_around_the_wrap),
        cmocka_unit_test(at_or_after_is_the_opposite_of_before),
        cmocka_unit_test(the_later_is_the_one_ahead),
        cmocka_unit_test(a_window_reaches_ahead_and_never_back),
    };
    return cmocka_run_group_tests_name("seq", tests, NULL, NULL);
}
