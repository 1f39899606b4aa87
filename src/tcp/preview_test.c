#include "tcp/preview.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf.h"
#include "capture/decode.h"

enum { ROOM = 24 };

static const char *preview(const void *bytes, size_t captured, size_t length,
                           char text[ROOM])
{
    struct segment segment = {.payload = bytes,
                              .payload_captured = (uint32_t)captured,
                              .payload_bytes = (uint32_t)length};
    memset(text, 'x', ROOM);
    preview_payload(&segment, text, ROOM);
    assert_true(utf8_valid(text, strlen(text)));
    return text;
}

static void assert_shown(const void *bytes, size_t length, const char *expected)
{
    char text[ROOM];
    assert_string_equal(preview(bytes, length, length, text), expected);
}

#define assert_literal_shown(literal, expected)                                          \
    assert_shown(literal, sizeof(literal) - 1, expected)

static void the_articles_hello_is_read(void **state)
{
    (void)state;
    assert_literal_shown("h\0e\0l\0l\0o\0\0\0", "hello");
    assert_literal_shown("h\0e\0l\0l\0o\0", "hello");
    /* 你好 and its zero */
    assert_literal_shown("\x60\x4f\x7d\x59\0\0", "你好");
    /* hi, and an emoji, which takes two units */
    assert_literal_shown("h\0i\0 \0\x3d\xd8\x00\xde", "hi 😀");
}

static void utf8_is_read(void **state)
{
    (void)state;
    assert_literal_shown("hello", "hello");
    assert_literal_shown("GET / HTTP/1.1", "GET / HTTP/1.1");
    assert_literal_shown("握手", "握手");
    assert_literal_shown("one line\r\n", "one line");
}

static void nothing_and_binary_show_nothing(void **state)
{
    (void)state;
    assert_literal_shown("", "");
    assert_literal_shown("\r\n", "");
    assert_literal_shown("\1\2\3", "");
    assert_literal_shown("\0\0\0\0", "");
    assert_literal_shown("\xff\xfe\xfd", "");
    assert_literal_shown("\x12\x34\xab\xcd", "");
    assert_literal_shown("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x9c", "");
    assert_literal_shown("\x60\x4f\x7d\xd9\0\0", ""); /* a lone surrogate */
}

/* Noise of even length is well-formed UTF-16 more often than not; text it is not. */
static void noise_is_no_text(void **state)
{
    (void)state;
    uint8_t noise[64];
    uint32_t random = 1;
    int shown = 0;
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
        char text[ROOM];
        shown += preview(noise, sizeof noise, sizeof noise, text)[0] != '\0';
    }
    assert_true(shown <= 2);
}

static void escapes_and_turned_directions_are_made_visible(void **state)
{
    (void)state;
    assert_literal_shown("\x1b[31mred", "^[[31mred");
    assert_literal_shown("a\nb", "a^Jb");
    assert_literal_shown("a\xe2\x80\xae"
                         "b",
                         "a<U+202E>b");
    assert_literal_shown("\x1b\0[\0h\0i\0", "^[[hi");
}

static void a_long_text_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    assert_literal_shown("exactly twenty-three by", "exactly twenty-three by");
    assert_literal_shown("exactly twenty-four byte", "exactly twenty-four …");
    assert_literal_shown("一二三四五六七八九", "一二三四五六…");
    assert_literal_shown("a一二三四五六七八九", "a一二三四五六…");
    assert_literal_shown("ab一二三四五六七八九", "ab一二三四五六…");
    assert_literal_shown("abc一二三四五六七八九", "abc一二三四五…");
}

/* What is looked at, or was captured, ends anywhere; a character cut in two there does not
 * make a text something else. */
static void a_payload_cut_anywhere_is_still_read(void **state)
{
    (void)state;
    static const char utf8[] = "握手是两端互相确认的过程，三次握手，四次挥手。";
    static const char utf16[] = "\x60\x4f\x7d\x59 \0\x3d\xd8\x00\xde \0h\0i\0";
    char text[ROOM];
    for (size_t captured = 3; captured < sizeof utf8; captured++) {
        preview(utf8, captured, 2000, text);
        assert_int_equal(strncmp(text, "握", 3), 0);
    }
    for (size_t captured = 6; captured < sizeof utf16; captured++) {
        preview(utf16, captured, 2000, text);
        assert_int_equal(strncmp(text, "你好", 6), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_articles_hello_is_read),
        cmocka_unit_test(utf8_is_read),
        cmocka_unit_test(nothing_and_binary_show_nothing),
        cmocka_unit_test(noise_is_no_text),
        cmocka_unit_test(escapes_and_turned_directions_are_made_visible),
        cmocka_unit_test(a_long_text_is_cut_at_a_whole_character),
        cmocka_unit_test(a_payload_cut_anywhere_is_still_read),
    };
    return cmocka_run_group_tests_name("preview", tests, NULL, NULL);
}
