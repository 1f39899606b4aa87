#include "base/utf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/error.h"

/* A page whose neighbour is unmapped: bytes put at its end cannot be overrun unseen. */
struct guard {
    char *page;
    size_t size;
};

static struct guard guard_open(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *page =
        mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(page, MAP_FAILED);
    assert_int_equal(mprotect(page + size, size, PROT_NONE), 0);
    return (struct guard){page, size};
}

static void guard_close(struct guard *guard)
{
    munmap(guard->page, 2 * guard->size);
}

static const void *guard_end_with(const struct guard *guard, const void *bytes,
                                  size_t length)
{
    return memcpy(guard->page + guard->size - length, bytes, length);
}

static void assert_read(const void *utf16le, size_t length, const char *utf8,
                        unsigned lone, bool odd)
{
    struct guard guard = guard_open();
    struct buffer buffer;
    struct utf16_faults faults = {99, !odd};
    buffer_init(&buffer, 0);
    const void *input = guard_end_with(&guard, utf16le, length);
    assert_int_equal(utf16le_to_utf8(input, length, &buffer, &faults), 0);
    assert_string_equal(buffer_text(&buffer), utf8);
    assert_int_equal(faults.lone_surrogates, lone);
    assert_int_equal(faults.odd_byte, odd);
    buffer_done(&buffer);
    guard_close(&guard);
}

static void assert_written(const char *utf8, const void *utf16le, size_t length)
{
    struct buffer buffer;
    buffer_init(&buffer, 0);
    assert_int_equal(utf8_to_utf16le(utf8, strlen(utf8), &buffer, NULL), 0);
    assert_int_equal(buffer.length, length);
    assert_memory_equal(buffer_text(&buffer), utf16le, length);
    buffer_done(&buffer);
}

static void hello_is_ten_bytes(void **state)
{
    (void)state;
    assert_written("hello", "h\0e\0l\0l\0o\0", 10);
    assert_read("h\0e\0l\0l\0o\0", 10, "hello", 0, false);
}

static void characters_of_every_length_go_there_and_back(void **state)
{
    (void)state;
    assert_written("", "", 0);
    assert_read("", 0, "", 0, false);
    assert_written("é握😀", "\xe9\x00\xe1\x63\x3d\xd8\x00\xde", 8);
    assert_read("\xe9\x00\xe1\x63\x3d\xd8\x00\xde", 8, "é握😀", 0, false);
    assert_written("\xf4\x8f\xbf\xbf", "\xff\xdb\xff\xdf",
                   4); /* U+10FFFF, the last there is */
    assert_read("\xff\xdb\xff\xdf", 4, "\xf4\x8f\xbf\xbf", 0, false);
}

static void strictly_no_utf8_but_the_shortest_form(void **state)
{
    (void)state;
    static const char *const ill_formed[] = {
        "\xc0\xaf",
        "\xc1\xbf",
        "\xe0\x80\xaf",
        "\xe0\x9f\xbf", /* overlong */
        "\xf0\x80\x80\xaf",
        "\xf0\x8f\xbf\xbf",
        "\xc0\x80", /* overlong */
        "\xed\xa0\x80",
        "\xed\xbf\xbf", /* surrogates */
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80", /* beyond U+10FFFF */
        "\x80",
        "\xbf",
        "\xfe",
        "\xff", /* not begun, never used */
        "\xe6\x8f",
        "\xe6(",
        "\xf0\x9f\x98",
        "\xc3", /* cut */
    };
    for (size_t i = 0; i < sizeof ill_formed / sizeof ill_formed[0]; i++) {
        struct buffer buffer;
        struct error err = {0};
        buffer_init(&buffer, 0);
        assert_false(utf8_valid(ill_formed[i], strlen(ill_formed[i])));
        buffer_append_text(&buffer, "kept");
        assert_int_equal(
            utf8_to_utf16le(ill_formed[i], strlen(ill_formed[i]), &buffer, &err),
            ERROR_CORRUPT);
        assert_string_equal(buffer_text(&buffer), "kept");
        assert_true(strlen(err.sentence) > 0);
        buffer_done(&buffer);
    }
    assert_true(utf8_valid("a\0b", 3));
}

static void utf8_cut_anywhere_is_well_formed_only_between_characters(void **state)
{
    (void)state;
    static const char text[] = "aé握😀z";
    static const bool whole[] = {1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1};
    struct guard guard = guard_open();
    for (size_t length = 0; length < sizeof text; length++)
        assert_int_equal(utf8_valid(guard_end_with(&guard, text, length), length),
                         whole[length]);
    guard_close(&guard);
}

static void utf16_cut_anywhere_is_read_as_far_as_it_goes(void **state)
{
    (void)state;
    /* h, 握, 😀 (two units), ! */
    static const char wire[] = "h\0\xe1\x63\x3d\xd8\x00\xde!\0";
    static const struct {
        const char *text;
        unsigned lone;
        bool odd;
    } expected[] = {
        {"", 0, false},
        {"", 0, true},
        {"h", 0, false},
        {"h", 0, true},
        {"h握", 0, false},
        {"h握", 0, true},
        {"h握\xef\xbf\xbd", 1, false},
        {"h握\xef\xbf\xbd", 1, true},
        {"h握😀", 0, false},
        {"h握😀", 0, true},
        {"h握😀!", 0, false},
    };
    for (size_t length = 0; length <= 10; length++)
        assert_read(wire, length, expected[length].text, expected[length].lone,
                    expected[length].odd);
}

static void lone_surrogates_are_replaced_one_by_one(void **state)
{
    (void)state;
    assert_read("\x00\xd8", 2, "\xef\xbf\xbd", 1, false);     /* high, at the end */
    assert_read("\x00\xdc", 2, "\xef\xbf\xbd", 1, false);     /* low */
    assert_read("\x00\xd8x\0", 4, "\xef\xbf\xbdx", 1, false); /* high, no low */
    assert_read("\x00\xdc\x00\xd8", 4, "\xef\xbf\xbd\xef\xbf\xbd", 2,
                false); /* the wrong way */
    assert_read("\x00\xd8\x3d\xd8\x00\xde", 6, "\xef\xbf\xbd😀", 1,
                false); /* high, then a pair */
}

static void a_zero_unit_is_a_character_like_any_other(void **state)
{
    (void)state;
    struct buffer buffer;
    struct utf16_faults faults;
    buffer_init(&buffer, 0);
    assert_int_equal(utf16le_to_utf8("a\0\0\0b\0", 6, &buffer, &faults), 0);
    assert_int_equal(buffer.length, 3);
    assert_memory_equal(buffer.bytes, "a\0b", 3);
    buffer_done(&buffer);
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    struct buffer buffer;
    struct utf16_faults faults;
    buffer_init(&buffer, 4);
    assert_int_equal(utf8_to_utf16le("abc", 3, &buffer, NULL), ERROR_LIMIT);
    assert_int_equal(buffer.length, 0);
    buffer_clear(&buffer);
    assert_int_equal(utf8_to_utf16le("握😀", 3, &buffer, NULL),
                     0); /* its size is known exactly */
    buffer_clear(&buffer);
    assert_int_equal(utf16le_to_utf8("a\0b\0c\0d\0e\0", 10, &buffer, &faults),
                     ERROR_LIMIT);
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_ten_bytes),
        cmocka_unit_test(characters_of_every_length_go_there_and_back),
        cmocka_unit_test(strictly_no_utf8_but_the_shortest_form),
        cmocka_unit_test(utf8_cut_anywhere_is_well_formed_only_between_characters),
        cmocka_unit_test(utf16_cut_anywhere_is_read_as_far_as_it_goes),
        cmocka_unit_test(lone_surrogates_are_replaced_one_by_one),
        cmocka_unit_test(a_zero_unit_is_a_character_like_any_other),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests_name("utf", tests, NULL, NULL);
}
