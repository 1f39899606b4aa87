#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/paragraph.h"

static void assert_lines(const char *text, int columns, int indent, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(paragraph_append(&buffer, text, columns, indent), 0);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_done(&buffer);
}

static void lines_break_at_spaces_and_lose_them(void **state)
{
    (void)state;
    assert_lines("one two three", 8, 0, "one two\nthree\n");
    assert_lines("one two", 7, 0, "one two\n");
}

static void later_lines_are_indented_and_still_fit(void **state)
{
    (void)state;
    assert_lines("one two three", 10, 2, "one two\n  three\n");
}

static void a_word_too_long_stands_alone(void **state)
{
    (void)state;
    assert_lines("a unbreakable b", 5, 0, "a\nunbreakable\nb\n");
}

static void chinese_breaks_between_characters_but_not_before_punctuation(void **state)
{
    (void)state;
    assert_lines("三次握手", 4, 0, "三次\n握手\n");
    assert_lines("三次握手。", 8, 0, "三次握\n手。\n");
}

static void nothing_is_no_line(void **state)
{
    (void)state;
    assert_lines("", 10, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_break_at_spaces_and_lose_them),
        cmocka_unit_test(later_lines_are_indented_and_still_fit),
        cmocka_unit_test(a_word_too_long_stands_alone),
        cmocka_unit_test(chinese_breaks_between_characters_but_not_before_punctuation),
        cmocka_unit_test(nothing_is_no_line),
    };
    return cmocka_run_group_tests_name("paragraph", tests, NULL, NULL);
}
