#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void it_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_string_equal(buffer_text(&buffer), "");
    assert_null(buffer.bytes);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buffer_append_char(&buffer, (char)('a' + i % 26)), 0);
    assert_int_equal(buffer.length, 10000);
    assert_int_equal(buffer.bytes[10000], 0);
    assert_memory_equal(buffer.bytes + 9984, "abcdefghijklmnop", 16);
    buffer_done(&buffer);
    buffer_done(&buffer);
}

static void every_way_of_appending_adds_up(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "seq=");
    buffer_append_char(&buffer, 'j');
    buffer_append_repeated(&buffer, '-', 3);
    buffer_append_format(&buffer, "%d%%", 42);
    buffer_append(&buffer, "\0x", 2);
    assert_int_equal(buffer.failed, 0);
    assert_int_equal(buffer.length, 13);
    assert_memory_equal(buffer.bytes, "seq=j---42%\0x", 14);
    buffer_done(&buffer);
}

static void a_long_format_is_not_cut(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    char long_text[3000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(buffer_append_format(&buffer, "<%s>", long_text), 0);
    assert_int_equal(buffer.length, 3001);
    assert_int_equal(buffer.bytes[3000], '>');
    buffer_done(&buffer);
}

static void the_limit_is_sticky_and_leaves_the_contents(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 8);
    assert_int_equal(buffer_append_text(&buffer, "12345"), 0);
    assert_int_equal(buffer_append_text(&buffer, "6789"), ERROR_LIMIT);
    assert_string_equal(buffer_text(&buffer), "12345");
    assert_int_equal(buffer_append_char(&buffer, '6'),
                     ERROR_LIMIT); /* it would have fitted */
    assert_string_equal(buffer_text(&buffer), "12345");
    buffer_clear(&buffer);
    assert_int_equal(buffer.failed, 0);
    assert_int_equal(buffer_append_text(&buffer, "12345678"), 0); /* exactly full */
    assert_string_equal(buffer_text(&buffer), "12345678");
    assert_int_equal(buffer_append_format(&buffer, "%s", "9"), ERROR_LIMIT);
    buffer_done(&buffer);
}

static void a_fixed_array_is_filled_to_its_last_byte_and_no_further(void **state)
{
    (void)state;
    char array[9] = "........";
    array[8] = '!';
    struct buffer buffer;
    buffer_init_fixed(&buffer, array, 8);
    assert_string_equal(buffer_text(&buffer), "");
    assert_int_equal(buffer_append_text(&buffer, "1234567"), 0);
    assert_string_equal(array, "1234567");
    assert_int_equal(buffer_append_repeated(&buffer, '8', 1), ERROR_LIMIT);
    assert_int_equal(array[8], '!');
    buffer_done(&buffer);
}

static void reserving_more_than_there_is_fails_without_harm(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    buffer_append_text(&buffer, "kept");
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), ERROR_LIMIT);
    assert_string_equal(buffer_text(&buffer), "kept");
    buffer_clear(&buffer);
    assert_int_equal(buffer_reserve(&buffer, 100), 0);
    memcpy(buffer.bytes, "direct", 7);
    buffer.length = 6;
    assert_string_equal(buffer_text(&buffer), "direct");
    buffer_done(&buffer);
}

static void consuming_takes_from_the_front(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    buffer_consume(&buffer, 5); /* of nothing */
    buffer_append_text(&buffer, "hello, world");
    buffer_consume(&buffer, 7);
    assert_string_equal(buffer_text(&buffer), "world");
    buffer_consume(&buffer, 100);
    assert_int_equal(buffer.length, 0);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_and_stays_terminated),
        cmocka_unit_test(every_way_of_appending_adds_up),
        cmocka_unit_test(a_long_format_is_not_cut),
        cmocka_unit_test(the_limit_is_sticky_and_leaves_the_contents),
        cmocka_unit_test(a_fixed_array_is_filled_to_its_last_byte_and_no_further),
        cmocka_unit_test(reserving_more_than_there_is_fails_without_harm),
        cmocka_unit_test(consuming_takes_from_the_front),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
