/* What is a file's name, what is not, and which two are one. */
#include "file/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"
#include "file/name_table.h"

static int check(const char *name)
{
    return name_check(name, strlen(name), NULL);
}

static void ordinary_names_in_any_script_pass(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a",           "report.pdf",
        "文件 名.txt", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80.png",
        "...",         ".hidden",
        "-rf",         "a b",
        "naïve",       "می\xe2\x80\x8cخواهم"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(check(names[i]), 0);
}

static void a_name_has_1_to_255_bytes(void **state)
{
    (void)state;
    char longest[NAME_BYTES + 2];
    memset(longest, 'x', sizeof longest);
    assert_int_equal(name_check("", 0, NULL), ERROR_ARGUMENT);
    assert_int_equal(name_check(longest, NAME_BYTES, NULL), 0);
    assert_int_equal(name_check(longest, NAME_BYTES + 1, NULL), ERROR_ARGUMENT);
}

static void what_could_lead_elsewhere_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {".", "..", "a/b", "/", "../x", "a\\b", "..\\x"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(check(names[i]), ERROR_ARGUMENT);
    assert_int_equal(name_check("a\0b", 3, NULL), ERROR_ARGUMENT);
}

static void what_a_terminal_would_obey_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"a\n",
                                        "\x1b[31m",
                                        "a\x7f",
                                        "\xc2\x9b"
                                        "31m",
                                        "a\xe2\x80\xa8",
                                        "a\t",
                                        "x\xe2\x80\xae"
                                        "fdp.exe",
                                        "\xe2\x81\xa6x",
                                        "\xd8\x9cx"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(check(names[i]), ERROR_ARGUMENT);
}

static void what_is_not_utf8_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"\xff", "a\xc0\xaf", "\xed\xa0\x80", "caf\xe9"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(check(names[i]), ERROR_ARGUMENT);
}

static void a_refusal_shows_the_name_and_moves_no_cursor(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(name_check("a\x1b[2Jb", 6, &err), ERROR_ARGUMENT);
    assert_string_equal(err.sentence, "the name 'a^[[2Jb' holds a control character");
}

static void spellings_of_one_name_find_each_other(void **state)
{
    (void)state;
    struct name_table table;
    name_table_init(&table);
    assert_int_equal(name_table_put(&table, 0, "caf\xc3\xa9", 5, 7), 0);
    assert_int_equal(name_table_find(&table, 0, "cafe\xcc\x81", 6), 7);
    assert_int_equal(name_table_find(&table, 0, "cafe", 4), NAME_TABLE_NONE);
    assert_int_equal(name_table_find(&table, 1, "caf\xc3\xa9", 5), NAME_TABLE_NONE);
    name_table_remove(&table, 0, "cafe\xcc\x81", 6);
    assert_int_equal(name_table_find(&table, 0, "caf\xc3\xa9", 5), NAME_TABLE_NONE);
    name_table_done(&table);
    name_table_done(&table);
}

static void a_table_keeps_thousands_and_forgets_what_is_removed(void **state)
{
    (void)state;
    struct name_table table;
    char name[16];
    name_table_init(&table);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(name_table_put(&table, i % 3, name,
                                        (size_t)snprintf(name, sizeof name, "n%u", i), i),
                         0);
    for (uint32_t i = 0; i < 5000; i += 2)
        name_table_remove(&table, i % 3, name,
                          (size_t)snprintf(name, sizeof name, "n%u", i));
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(name_table_find(&table, i % 3, name,
                                         (size_t)snprintf(name, sizeof name, "n%u", i)),
                         i % 2 ? i : NAME_TABLE_NONE);
    name_table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_names_in_any_script_pass),
        cmocka_unit_test(a_name_has_1_to_255_bytes),
        cmocka_unit_test(what_could_lead_elsewhere_is_refused),
        cmocka_unit_test(what_a_terminal_would_obey_is_refused),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(a_refusal_shows_the_name_and_moves_no_cursor),
        cmocka_unit_test(spellings_of_one_name_find_each_other),
        cmocka_unit_test(a_table_keeps_thousands_and_forgets_what_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
