/* How fast, and how long still. */
#include "file/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void a_steady_pace_is_told_as_it_is(void **state)
{
    (void)state;
    struct pace pace;
    pace_begin(&pace, 0, 5000);
    assert_int_equal(pace_left_ns(&pace, 1000), -1);
    for (int64_t s = 1; s <= 10; s++)
        pace_note(&pace, s * NS_PER_S, 5000 + (uint64_t)s * 100);
    assert_true(pace.rate > 99.9 && pace.rate < 100.1);
    assert_true(pace_left_ns(&pace, 1000) > 9 * NS_PER_S);
    assert_true(pace_left_ns(&pace, 1000) < 11 * NS_PER_S);
    assert_int_equal(pace_left_ns(&pace, 0), 0);
}

static void a_new_pace_is_believed_within_seconds(void **state)
{
    (void)state;
    struct pace pace;
    uint64_t bytes = 0;
    pace_begin(&pace, 0, 0);
    for (int64_t s = 1; s <= 30; s++)
        pace_note(&pace, s * NS_PER_S, bytes += s <= 10 ? 1000 : 100);
    assert_true(pace.rate > 95 && pace.rate < 120);
}

static void looks_in_quick_succession_do_not_disturb_it(void **state)
{
    (void)state;
    struct pace pace;
    pace_begin(&pace, 0, 0);
    pace_note(&pace, NS_PER_S, 100);
    pace_note(&pace, NS_PER_S + 1, 5000);
    assert_true(pace.rate > 99 && pace.rate < 101);
}

static void what_stands_still_has_no_end(void **state)
{
    (void)state;
    struct pace pace;
    pace_begin(&pace, 0, 7);
    for (int64_t s = 1; s <= 60; s++)
        pace_note(&pace, s * NS_PER_S, 7);
    assert_int_equal(pace_left_ns(&pace, 1), -1);
    assert_int_equal(pace_left_ns(&pace, UINT64_MAX), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_pace_is_told_as_it_is),
        cmocka_unit_test(a_new_pace_is_believed_within_seconds),
        cmocka_unit_test(looks_in_quick_succession_do_not_disturb_it),
        cmocka_unit_test(what_stands_still_has_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
