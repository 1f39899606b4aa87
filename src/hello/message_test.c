#include "hello/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static const char hello[12] = "h\0e\0l\0l\0o\0\0";

/* Gives the bytes to a reader in pieces of `piece` bytes; what it takes is the return value. */
static size_t feed(struct message_reader *reader, const void *bytes, size_t length,
                   size_t piece)
{
    size_t at = 0;
    while (at < length) {
        size_t taken, offered = length - at < piece ? length - at : piece;
        assert_int_equal(
            message_reader_take(reader, (const char *)bytes + at, offered, &taken), 0);
        at += taken;
        if (taken < offered)
            break;
    }
    return at;
}

static void assert_finished(struct message_reader *reader, const char *text,
                            struct message_faults expected)
{
    struct buffer utf8;
    struct message_faults faults;
    buffer_init(&utf8, 0);
    assert_int_equal(message_reader_finish(reader, &utf8, &faults), 0);
    assert_string_equal(buffer_text(&utf8), text);
    assert_int_equal(faults.lone_surrogates, expected.lone_surrogates);
    assert_int_equal(faults.odd_byte, expected.odd_byte);
    assert_int_equal(faults.too_long, expected.too_long);
    buffer_done(&utf8);
}

static void hello_is_the_articles_twelve_bytes(void **state)
{
    (void)state;
    struct buffer bytes;
    buffer_init(&bytes, 0);
    assert_int_equal(message_encode("hello", 5, &bytes, NULL), 0);
    assert_int_equal(bytes.length, 12);
    assert_memory_equal(bytes.bytes, hello, 12);
    buffer_done(&bytes);
}

static void ninety_nine_units_fit_and_one_more_does_not(void **state)
{
    (void)state;
    char text[100];
    struct buffer bytes;
    struct error err = {0};
    memset(text, 'x', sizeof text);
    buffer_init(&bytes, 0);
    assert_int_equal(message_encode(text, 99, &bytes, &err), 0);
    assert_int_equal(bytes.length, MESSAGE_BYTES);
    assert_int_equal(message_encode(text, 100, &bytes, &err), ERROR_LIMIT);
    assert_string_equal(err.sentence,
                        "the text takes 202 bytes with its zero, of at most 200");
    assert_int_equal(bytes.length, MESSAGE_BYTES);
    buffer_done(&bytes);
}

static void text_that_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    struct buffer bytes;
    struct error err = {0};
    buffer_init(&bytes, 0);
    assert_int_equal(message_encode("\xff", 1, &bytes, &err), ERROR_CORRUPT);
    assert_int_equal(message_encode("a\0b", 3, &bytes, &err), ERROR_ARGUMENT);
    assert_int_equal(bytes.length, 0);
    buffer_done(&bytes);
}

static void pieces_of_any_size_make_the_same_string(void **state)
{
    (void)state;
    struct message_reader reader;
    message_reader_init(&reader, MESSAGE_BYTES);
    for (size_t piece = 1; piece <= sizeof hello; piece++) {
        assert_int_equal(feed(&reader, hello, sizeof hello, piece), sizeof hello);
        assert_true(reader.complete);
        assert_finished(&reader, "hello", (struct message_faults){0});
        assert_false(reader.complete); /* ready for the next */
    }
    message_reader_done(&reader);
}

static void a_string_cut_anywhere_is_read_as_far_as_it_came(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "h", "he", "hel", "hell", "hello"};
    struct message_reader reader;
    message_reader_init(&reader, MESSAGE_BYTES);
    for (size_t length = 0; length < sizeof hello; length++) {
        feed(&reader, hello, length, 5);
        assert_false(reader.complete);
        assert_finished(&reader, texts[length < 10 ? length / 2 : 5],
                        (struct message_faults){.odd_byte = length % 2 == 1});
    }
    message_reader_done(&reader);
}

static void two_zero_bytes_of_different_units_do_not_end_it(void **state)
{
    (void)state;
    struct message_reader reader;
    message_reader_init(&reader, MESSAGE_BYTES);
    /* U+0041 and U+4100: the bytes 41 00 00 41 hold a 00 00 that is no unit. */
    assert_int_equal(feed(&reader, "\x41\0\0\x41\0\0", 6, 6), 6);
    assert_finished(&reader, "A\xe4\x84\x80", (struct message_faults){0});
    message_reader_done(&reader);
}

static void what_follows_the_zero_is_left_to_the_caller(void **state)
{
    (void)state;
    struct message_reader reader;
    size_t taken;
    message_reader_init(&reader, MESSAGE_BYTES);
    assert_int_equal(feed(&reader, "a\0\0\0b\0\0\0", 8, 8), 4);
    assert_int_equal(message_reader_take(&reader, "b\0\0\0", 4, &taken), 0);
    assert_int_equal(taken, 0); /* not before this one is finished */
    assert_finished(&reader, "a", (struct message_faults){0});
    assert_int_equal(feed(&reader, "b\0\0\0", 4, 4), 4);
    assert_finished(&reader, "b", (struct message_faults){0});
    message_reader_done(&reader);
}

static void the_limit_ends_a_string_and_more_is_a_fault(void **state)
{
    (void)state;
    char bytes[300], text[101];
    struct message_reader reader;
    for (size_t at = 0; at < sizeof bytes; at++)
        bytes[at] = at % 2 ? '\0' : 'x';
    memset(text, 'x', 100);
    text[100] = '\0';
    message_reader_init(&reader, MESSAGE_BYTES);
    assert_int_equal(feed(&reader, bytes, 200, 7), 200);
    assert_true(reader.complete);
    assert_finished(&reader, text, (struct message_faults){0});
    assert_int_equal(feed(&reader, bytes, 300, 150), 200);
    assert_true(reader.complete);
    assert_finished(&reader, text, (struct message_faults){.too_long = true});
    message_reader_done(&reader);
}

static void faults_are_told_in_one_sentence(void **state)
{
    (void)state;
    char array[200];
    struct buffer sentence;
    buffer_init_fixed(&sentence, array, sizeof array);
    message_describe(&(struct message_faults){0}, MESSAGE_BYTES, &sentence);
    assert_string_equal(array, "");
    message_describe(&(struct message_faults){.lone_surrogates = 1}, MESSAGE_BYTES,
                     &sentence);
    assert_string_equal(array, "1 lone surrogate, shown as U+FFFD");
    buffer_clear(&sentence);
    message_describe(&(struct message_faults){2, true, true}, MESSAGE_BYTES, &sentence);
    assert_string_equal(
        array, "more than 200 bytes, the rest left out; 2 lone surrogates, shown as "
               "U+FFFD; an odd number of bytes, the last left out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_the_articles_twelve_bytes),
        cmocka_unit_test(ninety_nine_units_fit_and_one_more_does_not),
        cmocka_unit_test(text_that_cannot_be_sent_is_refused),
        cmocka_unit_test(pieces_of_any_size_make_the_same_string),
        cmocka_unit_test(a_string_cut_anywhere_is_read_as_far_as_it_came),
        cmocka_unit_test(two_zero_bytes_of_different_units_do_not_end_it),
        cmocka_unit_test(what_follows_the_zero_is_left_to_the_caller),
        cmocka_unit_test(the_limit_ends_a_string_and_more_is_a_fault),
        cmocka_unit_test(faults_are_told_in_one_sentence),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
