#include "base/error.h"

#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_sentence_gains_detail_on_its_way_up(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set(&err, ERROR_CORRUPT, "record %d is cut", 7),
                     ERROR_CORRUPT);
    assert_string_equal(err.sentence, "record 7 is cut");
    assert_int_equal(error_add(&err, "%s", "capture.pcap"), ERROR_CORRUPT);
    assert_string_equal(err.sentence, "capture.pcap: record 7 is cut");
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_int_equal(err.system, 0);
}

static void the_systems_words_follow_in_lower_case(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(
        error_set_system(&err, EADDRINUSE, "port %d on %s", 30001, "127.0.0.1"),
        ERROR_IN_USE);
    assert_string_equal(err.sentence, "port 30001 on 127.0.0.1: address already in use");
    assert_int_equal(err.system, EADDRINUSE);
    error_set_system(&err, ECONNREFUSED, "10.9.0.2:30001");
    assert_string_equal(err.sentence, "10.9.0.2:30001: connection refused");
}

static void acronyms_keep_their_capitals(void **state)
{
    (void)state;
    struct error err = {0};
    error_set_system(&err, EDOTDOT, "x");
    assert_string_equal(err.sentence, "x: RFS specific error");
}

static void an_unknown_errno_keeps_its_number(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set_system(&err, 99999, "x"), ERROR_SYSTEM);
    assert_string_equal(err.sentence, "x: unknown error 99999");
}

static void the_words_are_english_in_any_locale(void **state)
{
    (void)state;
    struct error err = {0};
    setenv("LANGUAGE", "zh_CN", 1);
    setlocale(LC_ALL, "C.UTF-8"); /* in which LANGUAGE counts */
    error_set_system(&err, ECONNREFUSED, "x");
    assert_string_equal(err.sentence, "x: connection refused");
    setlocale(LC_ALL, "C");
    unsetenv("LANGUAGE");
}

static void every_errno_of_the_table_has_its_code(void **state)
{
    (void)state;
    static const struct {
        int system, code;
    } pairs[] = {
        {0, ERROR_NONE},
        {ENOMEM, ERROR_MEMORY},
        {EPERM, ERROR_PERMISSION},
        {EACCES, ERROR_PERMISSION},
        {ENOENT, ERROR_ABSENT},
        {EADDRNOTAVAIL, ERROR_ABSENT},
        {EADDRINUSE, ERROR_IN_USE},
        {EEXIST, ERROR_IN_USE},
        {EBUSY, ERROR_IN_USE},
        {ECONNREFUSED, ERROR_REFUSED},
        {ECONNRESET, ERROR_RESET},
        {EPIPE, ERROR_RESET},
        {ECONNABORTED, ERROR_ABORTED},
        {ETIMEDOUT, ERROR_TIMED_OUT},
        {ENETUNREACH, ERROR_UNREACHABLE},
        {EHOSTUNREACH, ERROR_UNREACHABLE},
        {EAGAIN, ERROR_AGAIN},
        {EINPROGRESS, ERROR_AGAIN},
        {EINTR, ERROR_INTERRUPTED},
        {EMFILE, ERROR_DESCRIPTORS},
        {ENFILE, ERROR_DESCRIPTORS},
        {ENOSYS, ERROR_UNSUPPORTED},
        {EAFNOSUPPORT, ERROR_UNSUPPORTED},
        {EINVAL, ERROR_SYSTEM},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_int_equal(error_code_from_errno(pairs[i].system), pairs[i].code);
    for (int system = 1; system < 4096; system++)
        assert_true(error_code_from_errno(system) < 0);
}

static void a_caller_without_interest_still_gets_the_code(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, ERROR_LIMIT, "unheard"), ERROR_LIMIT);
    assert_int_equal(error_set_system(NULL, EPERM, "unheard"), ERROR_PERMISSION);
    assert_true(error_add(NULL, "unheard") < 0);
}

static void what_comes_from_outside_cannot_break_the_line(void **state)
{
    (void)state;
    struct error err = {0};
    error_set(&err, ERROR_ABSENT, "unknown host '%s'", "a\x1b[31m\nb\xff\xe2\x80\xae");
    assert_string_equal(err.sentence, "unknown host 'a^[[31m^Jb<FF><U+202E>'");
}

static void a_long_sentence_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    struct error err = {0};
    char text[1024];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'a', shift);
        for (size_t at = shift; at + 3 < sizeof text; at += 3)
            memcpy(text + at, "握", 4);
        error_set(&err, ERROR_LIMIT, "%s", text);
        size_t length = strlen(err.sentence);
        assert_true(length >= sizeof err.sentence - 3);
        assert_int_equal((length - shift) % 3, 0);
        assert_string_equal(err.sentence + length - 3, "握");
        error_add(&err, "%s", text);
        assert_true(strlen(err.sentence) < sizeof err.sentence);
    }
}

static void names_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_string_equal(error_errno_name(ECONNREFUSED), "ECONNREFUSED");
    assert_string_equal(error_errno_name(0), "0");
    assert_non_null(error_errno_name(99999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_gains_detail_on_its_way_up),
        cmocka_unit_test(the_systems_words_follow_in_lower_case),
        cmocka_unit_test(acronyms_keep_their_capitals),
        cmocka_unit_test(an_unknown_errno_keeps_its_number),
        cmocka_unit_test(the_words_are_english_in_any_locale),
        cmocka_unit_test(every_errno_of_the_table_has_its_code),
        cmocka_unit_test(a_caller_without_interest_still_gets_the_code),
        cmocka_unit_test(what_comes_from_outside_cannot_break_the_line),
        cmocka_unit_test(a_long_sentence_is_cut_at_a_whole_character),
        cmocka_unit_test(names_are_those_of_the_manual),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
