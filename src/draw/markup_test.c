#include "draw/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"

static void assert_markup(const char *text, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 0);
    markup_text(&out, text);
    assert_string_equal(buffer_text(&out), expected);
    buffer_done(&out);
}

static void nothing_leaves_its_element_or_attribute(void **state)
{
    (void)state;
    assert_markup("</text><script>\"x\" & 'y'",
                  "&lt;/text&gt;&lt;script&gt;&quot;x&quot; &amp; &#39;y&#39;");
    assert_markup("握手", "握手");
}

static void what_xml_forbids_or_would_turn_the_text_is_made_visible(void **state)
{
    (void)state;
    assert_markup("a\x1b[31mb", "a^[[31mb");
    assert_markup("a\xe2\x80\xae"
                  "b",
                  "a&lt;U+202E&gt;b");
    assert_markup("a\xff"
                  "b",
                  "a&lt;FF&gt;b");
}

static void numbers_have_a_full_stop_and_no_more_digits_than_needed(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 0);
    markup_number(&out, 12);
    buffer_append_char(&out, ' ');
    markup_number(&out, -0.26);
    buffer_append_char(&out, ' ');
    markup_number(&out, 3.04);
    buffer_append_char(&out, ' ');
    markup_degrees(&out, 0.5);
    buffer_append_char(&out, ' ');
    markup_degrees(&out, -1.5707963267948966);
    markup_attribute(&out, "x", 7.5);
    assert_string_equal(buffer_text(&out), "12 -0.3 3 28.65 -90 x=\"7.5\"");
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_its_element_or_attribute),
        cmocka_unit_test(what_xml_forbids_or_would_turn_the_text_is_made_visible),
        cmocka_unit_test(numbers_have_a_full_stop_and_no_more_digits_than_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
