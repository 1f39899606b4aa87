#include "base/visible.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/utf.h"

static void assert_shown_bytes(const char *text, size_t length, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(visible_append(&buffer, text, length), 0);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_done(&buffer);
}

static void assert_shown(const char *text, const char *expected)
{
    assert_shown_bytes(text, strlen(text), expected);
}

static void ordinary_text_of_any_language_stays_as_it_is(void **state)
{
    (void)state;
    assert_shown("", "");
    assert_shown("hello, world", "hello, world");
    assert_shown("握手 שלום é 😀", "握手 שלום é 😀");
    assert_shown("e\xcc\x81", "e\xcc\x81"); /* a combining accent has a glyph */
}

static void escape_sequences_lose_their_power(void **state)
{
    (void)state;
    assert_shown("\x1b[31mred\x1b[0m", "^[[31mred^[[0m");
    assert_shown("\x1b]0;title\x07", "^[]0;title^G");
    assert_shown("one\ntwo\r\n\tthree", "one^Jtwo^M^J^Ithree");
    assert_shown("\x7f\b", "^?^H");
    assert_shown_bytes("a\0b", 3, "a^@b");
}

static void c1_controls_too(void **state)
{
    (void)state;
    assert_shown("\xc2\x9b"
                 "31m",
                 "<U+009B>31m"); /* CSI in one character */
    assert_shown("\xc2\x80\xc2\x85\xc2\x9f", "<U+0080><U+0085><U+009F>");
    assert_shown("\xc2\xa0"
                 "x",
                 "\xc2\xa0"
                 "x"); /* just beyond them: no-break space */
}

static void nothing_turns_the_direction_of_reading(void **state)
{
    (void)state;
    assert_shown("exe\xe2\x80\xaegpj.x", "exe<U+202E>gpj.x");
    assert_shown("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "<U+200E><U+200F><U+061C>");
    assert_shown("\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac\xe2\x80\xad",
                 "<U+202A><U+202B><U+202C><U+202D>");
    assert_shown("\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa8\xe2\x81\xa9",
                 "<U+2066><U+2067><U+2068><U+2069>");
}

static void what_has_no_glyph_is_named(void **state)
{
    (void)state;
    assert_shown("\xef\xbb\xbf"
                 "a",
                 "<U+FEFF>a"); /* byte order mark */
    assert_shown("a\xe2\x80\x8b"
                 "b\xc2\xad",
                 "a<U+200B>b<U+00AD>"); /* zero width, soft hyphen */
    assert_shown("\xe2\x80\xa8\xe2\x80\xa9",
                 "<U+2028><U+2029>");              /* separators of lines */
    assert_shown("\xf3\xa0\x81\x81", "<U+E0041>"); /* tag letter */
    assert_shown("\xee\x80\x80\xf4\x8f\xbf\xbd", "<U+E000><U+10FFFD>"); /* private */
    assert_shown("\xef\xbf\xbf\xcd\xb8", "<U+FFFF><U+0378>");           /* unassigned */
}

static void bytes_that_are_not_utf8_are_shown_as_bytes(void **state)
{
    (void)state;
    assert_shown("\xff\xfe", "<FF><FE>");
    assert_shown("a\x9b"
                 "31m",
                 "a<9B>31m"); /* CSI as one byte */
    assert_shown("\xc0\xaf", "<C0><AF>");
    assert_shown("\xed\xa0\x80", "<ED><A0><80>");
    assert_shown("\xe6\x8f", "<E6><8F>");
    assert_shown("\xe6\x8f握", "<E6><8F>握");
}

static void any_bytes_become_one_harmless_line(void **state)
{
    (void)state;
    unsigned char text[3];
    for (unsigned i = 0; i < 65536; i++) {
        struct buffer buffer;
        char array[64];
        text[0] = (unsigned char)(i >> 8);
        text[1] = (unsigned char)i;
        text[2] = 0x80;
        buffer_init_fixed(&buffer, array, sizeof array);
        assert_int_equal(visible_append(&buffer, text, 3), 0);
        assert_true(utf8_valid(array, buffer.length));
        for (size_t at = 0; at < buffer.length; at++)
            assert_true((unsigned char)array[at] >= 0x20 && array[at] != 0x7f);
    }
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    char array[8];
    struct buffer buffer;
    buffer_init_fixed(&buffer, array, sizeof array);
    assert_int_equal(visible_append(&buffer, "12345678", 8), ERROR_LIMIT);
}

static void widths_are_a_terminals(void **state)
{
    (void)state;
    assert_int_equal(visible_width("hello", 5), 5);
    assert_int_equal(visible_width("握手", 6), 4);
    assert_int_equal(visible_width("e\xcc\x81", 3), 1);
    assert_int_equal(visible_width("→│", 6), 2); /* ambiguous: one */
    assert_int_equal(visible_width("\x1b\n", 2), 0);
    assert_int_equal(visible_width("", 0), 0);
}

static void a_prefix_never_halves_a_character(void **state)
{
    (void)state;
    assert_int_equal(visible_prefix("握手", 6, 0), 0);
    assert_int_equal(visible_prefix("握手", 6, 1), 0);
    assert_int_equal(visible_prefix("握手", 6, 2), 3);
    assert_int_equal(visible_prefix("握手", 6, 3), 3);
    assert_int_equal(visible_prefix("握手", 6, 9), 6);
    assert_int_equal(visible_prefix("e\xcc\x81x", 4, 1),
                     3); /* the accent stays with its letter */
    assert_int_equal(visible_prefix("ab", 2, -1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text_of_any_language_stays_as_it_is),
        cmocka_unit_test(escape_sequences_lose_their_power),
        cmocka_unit_test(c1_controls_too),
        cmocka_unit_test(nothing_turns_the_direction_of_reading),
        cmocka_unit_test(what_has_no_glyph_is_named),
        cmocka_unit_test(bytes_that_are_not_utf8_are_shown_as_bytes),
        cmocka_unit_test(any_bytes_become_one_harmless_line),
        cmocka_unit_test(a_full_buffer_is_told),
        cmocka_unit_test(widths_are_a_terminals),
        cmocka_unit_test(a_prefix_never_halves_a_character),
    };
    return cmocka_run_group_tests_name("visible", tests, NULL, NULL);
}
