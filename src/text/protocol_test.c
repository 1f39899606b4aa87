/* Messages on the wire, and names. */
#include "text/protocol.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const struct text_message sample = {.room = 0x01020304,
                                           .sender = 0x05060708,
                                           .seq = 0x1112131415161718,
                                           .time_ns = 0x2122232425262728,
                                           .kind = TEXT_KIND_FILE,
                                           .name = "anna",
                                           .name_length = 4,
                                           .text = "握手",
                                           .text_length = 6};

/* Byte by byte, as doc/protocol.md has it. */
static void a_message_is_these_bytes(void **state)
{
    (void)state;
    static const uint8_t expected[] = {
        0,    0,    0,    31,   0x01, 0x07, 0,    0,    0x11, 0x12, 0x13, 0x14,
        0x15, 0x16, 0x17, 0x18, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
        0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 1,    0,    4,    'a',
        'n',  'n',  'a',  0,    6,    0xe6, 0x8f, 0xa1, 0xe6, 0x89, 0x8b};
    uint8_t bytes[sizeof expected];
    assert_int_equal(text_message_bytes(&sample), sizeof expected);
    text_message_encode(&sample, bytes);
    assert_memory_equal(bytes, expected, sizeof expected);
}

static void it_comes_back(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct text_message message = sample, back;
        uint8_t bytes[128];
        struct frame frame;
        size_t taken;
        message.past = kind == 1;
        message.unkept = kind == 2;
        text_message_encode(&message, bytes);
        assert_int_equal(frame_decode(bytes, sizeof bytes, UINT32_MAX, &frame, &taken),
                         1);
        assert_int_equal(frame.type, kind == 1 ? TEXT_PAST : TEXT_MESSAGE);
        assert_int_equal(text_message_decode(&frame, &back), 0);
        assert_int_equal(back.past, message.past);
        assert_int_equal(back.unkept, message.unkept);
        assert_int_equal(back.room, message.room);
        assert_int_equal(back.sender, message.sender);
        assert_int_equal(back.seq, message.seq);
        assert_int_equal(back.time_ns, message.time_ns);
        assert_int_equal(back.kind, message.kind);
        assert_memory_equal(back.name, "anna", 4);
        assert_memory_equal(back.text, "握手", 6);
    }
}

/* Each shorter body, its end at an unmapped page. */
static void every_truncation_is_malformed(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = text_message_bytes(&sample);
    uint8_t bytes[128];
    uint8_t *guarded =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(guarded, MAP_FAILED);
    assert_int_equal(mprotect(guarded + page, page, PROT_NONE), 0);
    text_message_encode(&sample, bytes);
    for (size_t body = 0; body < whole - FRAME_HEADER_BYTES; body++) {
        struct text_message message;
        uint8_t *at = guarded + page - body;
        memcpy(at, bytes + FRAME_HEADER_BYTES, body);
        const struct frame frame = {.type = TEXT_MESSAGE,
                                    .total = (uint32_t)body,
                                    .length = (uint32_t)body,
                                    .body = at};
        assert_int_equal(text_message_decode(&frame, &message), -EBADMSG);
    }
    munmap(guarded, 2 * page);
}

static bool valid(const char *name)
{
    return text_name_valid(name, strlen(name));
}

static void names_show_as_they_are(void **state)
{
    (void)state;
    assert_true(valid("anna"));
    assert_true(valid("安娜"));
    assert_true(valid("Anna Smith"));
    assert_true(valid("a/b:c#d"));
    assert_true(
        valid("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    assert_false(
        valid("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
    assert_false(valid(""));
    assert_false(valid(" anna"));
    assert_false(valid("anna "));
    assert_false(valid("an\nna"));
    assert_false(valid("\x1b[31manna"));
    assert_false(valid("an\xe2\x80\xaena")); /* U+202E */
    assert_false(valid("an\xe2\x80\x8bna")); /* U+200B */
    assert_false(valid("an\xff"));
    assert_false(text_name_valid("an\0na", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_these_bytes),
        cmocka_unit_test(it_comes_back),
        cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(names_show_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
