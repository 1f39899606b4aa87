/* What the writer writes is what jansson writes of the same values. */
#include "draw/json_writer.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

static void expect(struct buffer *written, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_int_equal(written->failed, 0);
    assert_string_equal(buffer_text(written), text);
    free(text);
    json_decref(value);
    buffer_done(written);
}

static void commas_stand_between_and_nowhere_else(void **state)
{
    (void)state;
    struct buffer text;
    struct json_writer json = {.buffer = &text};
    buffer_init(&text, 0);
    json_put_begin(&json, '{');
    json_put_key(&json, "empty");
    json_put_begin(&json, '[');
    json_put_end(&json, ']');
    json_put_key(&json, "full");
    json_put_begin(&json, '[');
    json_put_integer(&json, 1);
    json_put_begin(&json, '{');
    json_put_end(&json, '}');
    json_put_text(&json, "a");
    json_put_text(&json, NULL);
    json_put_end(&json, ']');
    json_put_key(&json, "last");
    json_put_null(&json);
    json_put_end(&json, '}');
    expect(&text,
           json_pack("{s:[], s:[i, {}, s, n], s:n}", "empty", "full", 1, "a", "last"));
}

static void numbers_are_written_to_their_ends(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0,  9,  10,        -1,        1234567890,
                                      99, 42, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    struct buffer text;
    struct json_writer json = {.buffer = &text};
    json_t *array = json_array();
    buffer_init(&text, 0);
    json_put_begin(&json, '[');
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_put_integer(&json, numbers[i]);
        json_array_append_new(array, json_integer(numbers[i]));
    }
    json_put_end(&json, ']');
    expect(&text, array);
}

/* Every character of ASCII but 0, and some beyond, each first, last and between others. */
static void texts_are_escaped_as_jansson_does(void **state)
{
    (void)state;
    static const char *const beyond[] = {"µ", "握手", "\U0001f44b"};
    for (int i = 1; i < 128 + 3; i++) {
        char c[2] = {(char)i, 0};
        const char *one = i < 128 ? c : beyond[i - 128];
        char whole[64];
        struct buffer text, appended;
        struct json_writer json = {.buffer = &text}, other = {.buffer = &appended};
        strcpy(whole, one);
        strcat(strcat(strcat(whole, "ab"), one), "c");
        strcat(whole, one);
        buffer_init(&text, 0);
        buffer_init(&appended, 0);
        json_put_text(&json, whole);
        size_t begin = json_put_text_begin(&other);
        buffer_append_text(&appended, whole);
        json_put_text_end(&other, begin);
        assert_string_equal(buffer_text(&appended), buffer_text(&text));
        buffer_done(&appended);
        expect(&text, json_string(whole));
    }
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    for (size_t size = 1; size < 12; size++) {
        char room[16];
        struct buffer text;
        struct json_writer json = {.buffer = &text};
        buffer_init_fixed(&text, room, size);
        json_put_begin(&json, '[');
        size_t begin = json_put_text_begin(&json);
        buffer_append_text(&text, "a\"b");
        json_put_text_end(&json, begin);
        json_put_integer(&json, 7);
        json_put_end(&json, ']');
        assert_int_equal(text.failed, size > 10 ? 0 : ERROR_LIMIT);
        assert_true(text.length < size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_and_nowhere_else),
        cmocka_unit_test(numbers_are_written_to_their_ends),
        cmocka_unit_test(texts_are_escaped_as_jansson_does),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
