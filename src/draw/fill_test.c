#include "draw/fill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"

static const struct fill fills[] = {{"port", "30009"}, {"host", "{port}"}, {"po", "x"}};

static void expect(const char *phrase, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    fill_append(&buffer, phrase, fills, 3);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_done(&buffer);
}

static void names_are_replaced_in_any_order(void **state)
{
    (void)state;
    expect("port {port}", "port 30009");
    expect("{po}{port}{po}", "x30009x");
    expect("", "");
    expect("端口 {port} 无人监听", "端口 30009 无人监听");
}

static void what_is_filled_in_is_not_filled_again(void **state)
{
    (void)state;
    expect("{host}", "{port}");
}

static void other_braces_stay(void **state)
{
    (void)state;
    expect("{unknown} {} { } {port", "{unknown} {} { } {port");
    expect("{{port}}", "{30009}");
    expect("{", "{");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_replaced_in_any_order),
        cmocka_unit_test(what_is_filled_in_is_not_filled_again),
        cmocka_unit_test(other_braces_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
