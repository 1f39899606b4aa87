/* Words for the index, and for a search. */
#include "history/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"

static void check_spread(const char *text, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(words_spread(&buffer, text, strlen(text)), 0);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_done(&buffer);
}

static void check_query(const char *search, const char *expected)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(words_query(&buffer, search), 0);
    assert_string_equal(buffer_text(&buffer), expected);
    buffer_done(&buffer);
}

static void letters_stay_and_ideographs_stand_alone(void **state)
{
    (void)state;
    check_spread("good morning", "good morning");
    check_spread("握手", " 握  手 ");
    check_spread("TCP握手!", "TCP 握  手 !");
    check_spread("ひらカタ한글", " ひ  ら  カ  タ  한  글 ");
    check_spread("", "");
}

static void a_search_is_phrases(void **state)
{
    (void)state;
    check_query("one two", "\"one\" \"two\" ");
    check_query("  one\ttwo\n", "\"one\" \"two\" ");
    check_query("握手", "\" 握  手\" ");
    check_query("hand*", "\"hand\"* ");
    check_query("握手*", "\" 握  手\"* ");
}

static void nothing_in_a_search_is_a_command(void **state)
{
    (void)state;
    check_query("a\"b", "\"a\"\"b\" ");
    check_query("OR NOT (", "\"OR\" \"NOT\" \"(\" ");
    check_query("*", "\"*\" ");
    check_query("name:x", "\"name:x\" ");
}

static void a_search_without_a_word_is_none(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(words_query(&buffer, ""), ERROR_ARGUMENT);
    assert_int_equal(words_query(&buffer, " \t\n"), ERROR_ARGUMENT);
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_stay_and_ideographs_stand_alone),
        cmocka_unit_test(a_search_is_phrases),
        cmocka_unit_test(nothing_in_a_search_is_a_command),
        cmocka_unit_test(a_search_without_a_word_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
