#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void the_monotonic_clock_never_goes_back(void **state)
{
    (void)state;
    int64_t last = clock_now_ns(&clock_monotonic);
    assert_true(last > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static int64_t owned_now_ns(void *owner)
{
    return *(int64_t *)owner;
}

static void a_test_owns_its_clock(void **state)
{
    (void)state;
    int64_t time_ns = 7 * NS_PER_S;
    const struct clock clock = {owned_now_ns, &time_ns};
    assert_int_equal(clock_now_ns(&clock), 7 * NS_PER_S);
    time_ns += 3 * NS_PER_MS;
    assert_int_equal(clock_now_ns(&clock), 7003 * NS_PER_MS);
}

static void a_wall_clock_stamp_taken_now_is_now(void **state)
{
    (void)state;
    struct timespec wall;
    int64_t before = clock_monotonic_ns();
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t after = clock_monotonic_ns();
    int64_t stamp =
        clock_monotonic_from_realtime_ns(wall.tv_sec * NS_PER_S + wall.tv_nsec);
    /* A millisecond of room: the two clocks are not read at one moment, and machines are
     * busy. */
    assert_in_range(stamp, before - NS_PER_MS, after + NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(a_test_owns_its_clock),
        cmocka_unit_test(a_wall_clock_stamp_taken_now_is_now),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
