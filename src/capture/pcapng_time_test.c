#include "capture/pcapng_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S INT64_C(1000000000)

static int64_t time_of(uint8_t resolution, int64_t offset_s, uint64_t units)
{
    struct capture_interface interface = {.resolution = resolution, .offset_s = offset_s};
    pcapng_time_prepare(&interface);
    int64_t t_ns = pcapng_time(&interface, units);
    assert_true(t_ns == pcapng_time_slowly(&interface, units));
    assert_true(t_ns != PACKET_TIMELESS);
    return t_ns;
}

static void units_are_powers_of_ten_or_of_two(void **state)
{
    (void)state;
    assert_int_equal(time_of(0, 0, 3), 3 * S);
    assert_int_equal(time_of(3, 0, 3), 3 * S / 1000);
    assert_int_equal(time_of(6, 0, 3), 3000);
    assert_int_equal(time_of(9, 0, 3), 3);
    assert_int_equal(time_of(12, 0, 3999), 3);
    assert_int_equal(time_of(28, 0, UINT64_MAX), 1);
    assert_int_equal(time_of(29, 0, UINT64_MAX), 0);
    assert_int_equal(time_of(127, 0, UINT64_MAX), 0);
    assert_int_equal(time_of(0x80, 0, 3), 3 * S);
    assert_int_equal(time_of(0x80 | 1, 0, 3), 3 * S / 2);
    assert_int_equal(time_of(0x80 | 32, 0, 1), 0);
    assert_int_equal(time_of(0x80 | 64, 0, UINT64_C(1) << 63), S / 2);
    assert_int_equal(time_of(0x80 | 93, 0, UINT64_MAX), 1);
    assert_int_equal(time_of(0x80 | 127, 0, UINT64_MAX), 0);
}

static void an_offset_moves_the_beginning(void **state)
{
    (void)state;
    assert_int_equal(time_of(6, 10, 3), 10 * S + 3000);
    assert_int_equal(time_of(6, -10, 3), -10 * S + 3000);
    assert_int_equal(time_of(12, -10, 3000), -10 * S + 3);
    assert_int_equal(time_of(0x80 | 2, 1, 1), S + S / 4);
}

static void times_stand_still_at_the_ends_of_64_bits(void **state)
{
    (void)state;
    static const uint8_t resolutions[] = {0, 6, 9, 0x80, 0x80 | 20};
    for (size_t i = 0; i < sizeof resolutions; i++) {
        assert_true(time_of(resolutions[i], INT64_MAX, 0) == INT64_MAX);
        assert_true(time_of(resolutions[i], INT64_MAX, UINT64_MAX) == INT64_MAX);
        assert_true(time_of(resolutions[i], INT64_MIN, 0) == -INT64_MAX);
        assert_true(time_of(resolutions[i], INT64_MIN, 5) == -INT64_MAX);
        assert_true(time_of(resolutions[i], INT64_MIN, UINT64_MAX) <= INT64_MAX);
        assert_true(time_of(resolutions[i], 0, UINT64_MAX) == INT64_MAX);
    }
    assert_true(time_of(9, 0, INT64_MAX) == INT64_MAX);
    assert_true(time_of(9, 0, (uint64_t)INT64_MAX - 1) == INT64_MAX - 1);
    assert_true(time_of(9, 1, (uint64_t)INT64_MAX - S) == INT64_MAX);
    assert_true(time_of(9, 1, (uint64_t)INT64_MAX - S + 1) == INT64_MAX);
    assert_true(time_of(9, -1, (uint64_t)INT64_MAX + S - 1) == INT64_MAX - 1);
    assert_true(time_of(6, 0, (uint64_t)INT64_MAX / 1000) == INT64_MAX / 1000 * 1000);
    assert_true(time_of(6, 0, (uint64_t)INT64_MAX / 1000 + 1) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_are_powers_of_ten_or_of_two),
        cmocka_unit_test(an_offset_moves_the_beginning),
        cmocka_unit_test(times_stand_still_at_the_ends_of_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
