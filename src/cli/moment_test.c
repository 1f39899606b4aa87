/* Moments, with the zone eight hours ahead of UTC. */
#include "cli/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void check(const char *text, int64_t expected_s)
{
    int64_t ns = 0;
    assert_int_equal(moment_parse(text, 2000000000 * NS_PER_S, &ns), 0);
    assert_int_equal(ns, expected_s * NS_PER_S);
}

static void a_while_ago(void **state)
{
    (void)state;
    check("90s", 2000000000 - 90);
    check("20m", 2000000000 - 1200);
    check("2h", 2000000000 - 7200);
    check("3d", 2000000000 - 259200);
}

static void a_date_or_time(void **state)
{
    (void)state;
    check("2026-11-25", 1795536000);
    check("2026-11-25T10:30", 1795573800);
    check("2026-11-25 10:30:15", 1795573815);
    check("2026-11-25T02:30:15Z", 1795573815);
    int64_t ns;
    assert_int_equal(moment_parse("2999-01-01", 1, &ns), 0);
    assert_int_equal(ns, INT64_MAX);
}

static void nothing_else(void **state)
{
    static const char *const texts[] = {"",     "h",    "1x",         "1hh",
                                        "-1h",  "now",  "2026-13-01", "2026-11-25x",
                                        "1.5h", "2026", "1e9s",       "99999999999d"};
    (void)state;
    int64_t ns;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(moment_parse(texts[i], NS_PER_S, &ns), -1);
    assert_true(moment_is_number("123"));
    assert_false(moment_is_number("12h"));
    assert_false(moment_is_number(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_while_ago),
        cmocka_unit_test(a_date_or_time),
        cmocka_unit_test(nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
