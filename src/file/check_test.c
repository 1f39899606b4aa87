/* Checks: the same in pieces, and as other programs make them. */
#include "file/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_check_in_pieces_is_the_check_of_all(void **state)
{
    (void)state;
    static uint8_t bytes[10000];
    char text[CHECK_TEXT];
    struct check_state *making = check_state_new();
    assert_non_null(making);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31);
    check_begin(making);
    for (size_t at = 0, step = 1; at < sizeof bytes; at += step, step = step * 3 + 1)
        check_update(making, bytes + at,
                     at + step < sizeof bytes ? step : sizeof bytes - at);
    struct check pieces = check_end(making), all = check_of(bytes, sizeof bytes);
    assert_true(check_equal(&pieces, &all));
    bytes[9999] ^= 1;
    all = check_of(bytes, sizeof bytes);
    assert_false(check_equal(&pieces, &all));
    /* As `xxhsum -H2` has it. */
    all = check_of("", 0);
    assert_string_equal(check_format(&all, text), "99aa06d3014798d86001c324468d497f");
    check_state_free(&making);
    check_state_free(&making);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_in_pieces_is_the_check_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
