/* The window against a plain list of what was noted. */
#include "history/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_number_is_new_once(void **state)
{
    (void)state;
    struct window window = {0};
    assert_int_equal(window_look(&window, 1), WINDOW_NEW);
    window_note(&window, 1);
    assert_int_equal(window_look(&window, 1), WINDOW_KNOWN);
    assert_int_equal(window_look(&window, 2), WINDOW_NEW);
}

static void what_was_passed_over_is_new(void **state)
{
    (void)state;
    struct window window = {0};
    window_note(&window, 5);
    window_note(&window, 5 + KEEP_WINDOW - 1); /* takes in everything up to 5 */
    assert_int_equal(window_look(&window, 5), WINDOW_KNOWN);
    for (uint64_t number = 6; number < 5 + KEEP_WINDOW - 1; number++)
        assert_int_equal(window_look(&window, number), WINDOW_NEW);
    window_note(&window, 7);
    assert_int_equal(window_look(&window, 7), WINDOW_KNOWN);
}

static void what_left_the_window_is_too_old(void **state)
{
    (void)state;
    struct window window = {0};
    window_note(&window, 5);
    window_note(&window, 5 + KEEP_WINDOW);
    assert_int_equal(window_look(&window, 5), WINDOW_TOO_OLD);
    assert_int_equal(window_look(&window, 6), WINDOW_NEW);
    window_note(&window, UINT64_MAX);
    assert_int_equal(window_look(&window, 5 + KEEP_WINDOW), WINDOW_TOO_OLD);
    assert_int_equal(window_look(&window, UINT64_MAX - 1), WINDOW_NEW);
}

static void it_agrees_with_a_list(void **state)
{
    (void)state;
    enum { NUMBERS = 20000 };
    static bool noted[NUMBERS];
    struct window window = {0};
    uint64_t highest = 0;
    srandom(5);
    for (int i = 0; i < 60000; i++) {
        uint64_t base = (uint64_t)i / 4 + 1;
        uint64_t number = base + (uint64_t)random() % 2500;
        enum window_answer expected = WINDOW_NEW;
        if (number >= NUMBERS)
            continue;
        if (number <= highest && highest - number >= KEEP_WINDOW)
            expected = WINDOW_TOO_OLD;
        else if (noted[number])
            expected = WINDOW_KNOWN;
        assert_int_equal(window_look(&window, number), expected);
        if (expected != WINDOW_NEW)
            continue;
        window_note(&window, number);
        noted[number] = true;
        highest = number > highest ? number : highest;
    }
}

static void bytes_bring_it_back(void **state)
{
    (void)state;
    struct window window = {0}, back;
    uint8_t bytes[WINDOW_BYTES];
    window_note(&window, 1);
    window_note(&window, 1000);
    window_encode(&window, bytes);
    assert_int_equal(window_decode(bytes, sizeof bytes, &back), 0);
    assert_memory_equal(&window, &back, sizeof window);
    assert_int_equal(window_decode(bytes, sizeof bytes - 1, &back), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_new_once),
        cmocka_unit_test(what_was_passed_over_is_new),
        cmocka_unit_test(what_left_the_window_is_too_old),
        cmocka_unit_test(it_agrees_with_a_list),
        cmocka_unit_test(bytes_bring_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
