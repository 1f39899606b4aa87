/* Quantities, at the edges of their units. */
#include "scope/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void expect_duration(int64_t ns, const char *expected)
{
    char text[QUANTITY_TEXT];
    text[quantity_duration(text, ns, true)] = '\0';
    assert_string_equal(text, expected);
}

static void expect_bytes(uint64_t bytes, const char *expected)
{
    char text[QUANTITY_TEXT];
    text[quantity_bytes(text, bytes)] = '\0';
    assert_string_equal(text, expected);
}

static void durations_have_three_digits_and_the_unit_that_fits(void **state)
{
    (void)state;
    expect_duration(0, "0");
    expect_duration(-5, "0");
    expect_duration(120, "0.12 us");
    expect_duration(999999, "999 us");
    expect_duration(NS_PER_MS, "1.00 ms");
    expect_duration(12345678, "12.3 ms");
    expect_duration(NS_PER_S, "1.00 s");
    expect_duration(599 * NS_PER_S, "599 s");
    expect_duration(600 * NS_PER_S, "10 min");
    expect_duration(36000 * NS_PER_S, "10 h");
    expect_duration(864000 * NS_PER_S, "10 d");
    expect_duration(INT64_MAX, "106751 d");
}

static void a_microsecond_has_its_letter(void **state)
{
    (void)state;
    char text[QUANTITY_TEXT];
    text[quantity_duration(text, 1230, false)] = '\0';
    assert_string_equal(text, "1.23 µs");
}

static void bytes_are_binary(void **state)
{
    (void)state;
    expect_bytes(0, "0 B");
    expect_bytes(1023, "1023 B");
    expect_bytes(1024, "1.00 KiB");
    expect_bytes(1536 << 10, "1.50 MiB");
    expect_bytes(UINT64_MAX, "16777215 TiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_three_digits_and_the_unit_that_fits),
        cmocka_unit_test(a_microsecond_has_its_letter),
        cmocka_unit_test(bytes_are_binary),
    };
    return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
