/* The line editor: keys typed, and what stands there then. */
#include "cli/editor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static enum editor_answer type(struct editor *editor, const char *keys)
{
    enum editor_answer answer = EDITOR_MORE;
    for (; *keys; keys++)
        answer = editor_key(editor, *keys);
    return answer;
}

/* The keys typed into an empty line; `expected` stands there then, the cursor a |. */
static void check(const char *keys, const char *expected)
{
    struct editor editor;
    struct buffer shown;
    editor_init(&editor);
    buffer_init(&shown, 0);
    type(&editor, keys);
    buffer_append(&shown, editor.line.bytes, editor.cursor);
    buffer_append_char(&shown, '|');
    buffer_append_text(&shown, buffer_text(&editor.line) + editor.cursor);
    assert_string_equal(buffer_text(&shown), expected);
    buffer_done(&shown);
    editor_done(&editor);
}

static void letters_stand_where_the_cursor_is(void **state)
{
    (void)state;
    check("abc", "abc|");
    check("abc\001x", "x|abc");
    check("abc\033[Dx", "abx|c");
    check("abc\033[D\033[D\033[Cx", "abx|c");
    check("abc\033[Hx\033[Fy", "xabcy|");
    check("abc\033OHx\033[4~y", "xabcy|");
}

static void characters_are_whole(void **state)
{
    (void)state;
    check("中文", "中文|");
    check("中文\177", "中|");
    check("中文\033[D\033[3~", "中|");
    check("e\xcc\x81x\033[D\177", "|x"); /* a letter and its accent are one */
    check("\xff\xfe"
          "a",
          "a|"); /* what is no character is nothing */
    check("\xe4\xb8"
          "a",
          "a|");
}

static void pieces_are_cut(void **state)
{
    (void)state;
    check("one two three\027", "one two |");
    check("one two  \027", "one |");
    check("one two\033[D\033[D\033[D\013", "one |");
    check("one two\033[D\033[D\033[D\025", "|two");
    check("\177\004", "|");
}

static void escape_sequences_unknown_are_nothing(void **state)
{
    (void)state;
    check("a\033[200~b\033[1;5Pc", "abc|");
    check("a\033\033[Dx", "x|a");
    check("a\033xb", "ab|");
}

static void lines_before_come_back(void **state)
{
    (void)state;
    struct editor editor;
    struct buffer line;
    editor_init(&editor);
    buffer_init(&line, 0);
    assert_int_equal(type(&editor, "first\r"), EDITOR_LINE);
    editor_take(&editor, &line);
    assert_string_equal(buffer_text(&line), "first");
    type(&editor, "second\r");
    editor_take(&editor, &line);
    type(&editor, "third");
    type(&editor, "\033[A");
    assert_string_equal(buffer_text(&editor.line), "second");
    type(&editor, "\033[A\033[A\033[A");
    assert_string_equal(buffer_text(&editor.line), "first");
    type(&editor, "\033[B\033[B\033[B");
    assert_string_equal(buffer_text(&editor.line), "third");
    buffer_done(&line);
    editor_done(&editor);
}

static void the_end_is_said(void **state)
{
    (void)state;
    struct editor editor;
    editor_init(&editor);
    assert_int_equal(type(&editor, "\004"), EDITOR_END);
    assert_int_equal(type(&editor, "a\004"), EDITOR_MORE);
    assert_int_equal(type(&editor, "\003"), EDITOR_END);
    editor_done(&editor);
}

static void check_drawn(const char *keys, int columns, const char *expected)
{
    struct editor editor;
    struct buffer drawn;
    editor_init(&editor);
    buffer_init(&drawn, 0);
    type(&editor, keys);
    editor_draw(&editor, "> ", columns, &drawn);
    assert_string_equal(buffer_text(&drawn), expected);
    buffer_done(&drawn);
    editor_done(&editor);
}

static void it_is_drawn_within_the_columns(void **state)
{
    (void)state;
    check_drawn("", 20, "\r\033[K> \r\033[2C");
    check_drawn("hello", 20, "\r\033[K> hello\r\033[7C");
    check_drawn("hello\001", 20, "\r\033[K> hello\r\033[2C");
    check_drawn("abcdefghij", 10, "\r\033[K> defghij\r\033[9C");
    check_drawn("abcdefghij\001", 10, "\r\033[K> abcdefg\r\033[2C");
    check_drawn("中文中文中文", 10, "\r\033[K> 文中文\r\033[8C");
    check_drawn("a\xe2\x80\xae"
                "b",
                40, "\r\033[K> a<U+202E>b\r\033[12C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_stand_where_the_cursor_is),
        cmocka_unit_test(characters_are_whole),
        cmocka_unit_test(pieces_are_cut),
        cmocka_unit_test(escape_sequences_unknown_are_nothing),
        cmocka_unit_test(lines_before_come_back),
        cmocka_unit_test(the_end_is_said),
        cmocka_unit_test(it_is_drawn_within_the_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
