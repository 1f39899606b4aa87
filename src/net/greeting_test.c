#include "net/greeting.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

static struct frame_text text_of(const char *text)
{
    return (struct frame_text){text, (uint16_t)strlen(text)};
}

static void assert_text(struct frame_text text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.length);
}

static struct greeting sample_greeting(void)
{
    return (struct greeting){
        .lowest = 1,
        .highest = 3,
        .business = BUSINESS_FILE,
        .features = 0x80000001,
        .client_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
        .name = text_of("安"),
        .token = text_of("secret")};
}

/* The frame in the buffer, its body copied to where an allocation ends. */
static struct frame frame_of(const struct buffer *buffer)
{
    struct frame frame;
    size_t needed;
    assert_int_equal(
        frame_decode(buffer->bytes, buffer->length, FRAME_BODY_BYTES, &frame, &needed),
        1);
    return frame;
}

static void hello_comes_back(void **state)
{
    (void)state;
    struct greeting greeting = sample_greeting(), got;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    greeting_encode(&buffer, &greeting);
    const struct frame frame = frame_of(&buffer);
    assert_int_equal(frame.type, FRAME_HELLO);
    assert_memory_equal(frame.body, "WSHO", 4);
    assert_int_equal(greeting_decode(&frame, &got), 0);
    assert_int_equal(got.lowest, 1);
    assert_int_equal(got.highest, 3);
    assert_int_equal(got.business, BUSINESS_FILE);
    assert_true(got.features == 0x80000001);
    assert_memory_equal(got.client_id, greeting.client_id, 16);
    assert_text(got.name, "安");
    assert_text(got.token, "secret");
    buffer_done(&buffer);
}

typedef int decoder(const struct frame *frame);

static int decode_greeting(const struct frame *frame)
{
    struct greeting greeting;
    return greeting_decode(frame, &greeting);
}

static int decode_welcome(const struct frame *frame)
{
    struct welcome welcome;
    return welcome_decode(frame, &welcome);
}

static int decode_refusal(const struct frame *frame)
{
    struct refusal refusal;
    return refusal_decode(frame, &refusal);
}

static int decode_bye(const struct frame *frame)
{
    struct frame_text reason;
    return greeting_decode_bye(frame, &reason);
}

/* Whole, and with fields of a later version behind, it is read; cut anywhere, it is not.
 * */
static void assert_cut_is_refused(struct buffer *buffer, decoder *decode)
{
    struct frame frame = frame_of(buffer);
    uint32_t length = frame.length;
    uint8_t *bytes = malloc(length + 5u);
    assert_non_null(bytes);
    memset(bytes, 0xAA, length + 5u);
    memcpy(bytes, frame.body, length);
    frame.body = bytes;
    frame.length = length + 5u;
    assert_int_equal(decode(&frame), 0);
    free(bytes);
    for (frame.length = 0; frame.length < length; frame.length++) {
        uint8_t *cut = malloc(frame.length + 1u);
        assert_non_null(cut);
        memcpy(cut + 1, buffer->bytes + FRAME_HEADER_BYTES, frame.length);
        frame.body = cut + 1;
        assert_int_equal(decode(&frame), -EBADMSG);
        free(cut);
    }
    frame = frame_of(buffer);
    frame.type = 0x7777;
    assert_int_equal(decode(&frame), -EBADMSG);
    buffer_done(buffer);
}

static void every_truncation_is_refused_and_every_addition_taken(void **state)
{
    (void)state;
    const struct greeting greeting = sample_greeting();
    const struct welcome welcome = {
        .version = 1, .name = text_of("安"), .server = text_of("s")};
    const struct refusal refusal = {.code = 3, .fatal = true, .sentence = text_of("no")};
    struct buffer buffer;
    buffer_init(&buffer, 0);
    greeting_encode(&buffer, &greeting);
    assert_cut_is_refused(&buffer, decode_greeting);
    welcome_encode(&buffer, &welcome);
    assert_cut_is_refused(&buffer, decode_welcome);
    refusal_encode(&buffer, &refusal);
    assert_cut_is_refused(&buffer, decode_refusal);
    greeting_encode_bye(&buffer, "enough");
    assert_cut_is_refused(&buffer, decode_bye);
}

static void hello_is_refused_where_it_is_none(void **state)
{
    (void)state;
    char long_text[GREETING_TOKEN_BYTES + 2];
    memset(long_text, 'a', sizeof long_text);
    long_text[GREETING_TOKEN_BYTES + 1] = '\0';
    struct greeting token = sample_greeting(), name = sample_greeting();
    token.token = text_of(long_text);
    name.name = (struct frame_text){long_text, GREETING_NAME_BYTES + 1};
    struct buffer buffer;
    buffer_init(&buffer, 0);
    greeting_encode(&buffer, &token);
    struct frame frame = frame_of(&buffer);
    assert_int_equal(decode_greeting(&frame), -EBADMSG);
    buffer_clear(&buffer);
    greeting_encode(&buffer, &name);
    frame = frame_of(&buffer);
    assert_int_equal(decode_greeting(&frame), -EBADMSG);
    buffer_clear(&buffer);
    const struct greeting greeting = sample_greeting();
    greeting_encode(&buffer, &greeting);
    buffer.bytes[FRAME_HEADER_BYTES]++; /* XSHO */
    frame = frame_of(&buffer);
    assert_int_equal(decode_greeting(&frame), -EBADMSG);
    buffer_done(&buffer);
}

static void the_version_is_the_highest_of_both(void **state)
{
    (void)state;
    static const struct {
        uint16_t lowest, highest;
        unsigned version;
    } rows[] = {{1, 1, 1}, {0, 0, 0}, {0, 5, 1}, {2, 5, 0}, {1, 65535, 1}, {3, 1, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct greeting greeting = {.lowest = rows[i].lowest,
                                          .highest = rows[i].highest};
        assert_int_equal(greeting_version(&greeting), rows[i].version);
    }
}

static void welcome_comes_back(void **state)
{
    (void)state;
    const struct welcome welcome = {.version = 1,
                                    .features = 6,
                                    .body_limit = FRAME_BODY_BYTES,
                                    .heartbeat_ms = 30000,
                                    .server = text_of("host"),
                                    .name = text_of("ann")};
    struct welcome got;
    struct buffer buffer;
    buffer_init(&buffer, 0);
    welcome_encode(&buffer, &welcome);
    const struct frame frame = frame_of(&buffer);
    assert_int_equal(welcome_decode(&frame, &got), 0);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.features, 6);
    assert_int_equal(got.body_limit, FRAME_BODY_BYTES);
    assert_int_equal(got.heartbeat_ms, 30000);
    assert_text(got.server, "host");
    assert_text(got.name, "ann");
    buffer_done(&buffer);
}

static void an_error_says_which_request_and_whether_it_is_the_end(void **state)
{
    (void)state;
    for (int fatal = 0; fatal <= 1; fatal++) {
        const struct refusal refusal = {.id = 77,
                                        .code = FRAME_ERROR_TOO_MANY,
                                        .fatal = fatal,
                                        .retry_after_ms = 1500,
                                        .sentence = text_of("later")};
        struct refusal got;
        struct buffer buffer;
        buffer_init(&buffer, 0);
        refusal_encode(&buffer, &refusal);
        const struct frame frame = frame_of(&buffer);
        assert_int_equal(frame.flags, fatal ? FRAME_FATAL : 0);
        assert_int_equal(refusal_decode(&frame, &got), 0);
        assert_true(got.id == 77);
        assert_int_equal(got.code, FRAME_ERROR_TOO_MANY);
        assert_int_equal(got.fatal, fatal);
        assert_int_equal(got.retry_after_ms, 1500);
        assert_text(got.sentence, "later");
        buffer_done(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_comes_back),
        cmocka_unit_test(every_truncation_is_refused_and_every_addition_taken),
        cmocka_unit_test(hello_is_refused_where_it_is_none),
        cmocka_unit_test(the_version_is_the_highest_of_both),
        cmocka_unit_test(welcome_comes_back),
        cmocka_unit_test(an_error_says_which_request_and_whether_it_is_the_end),
    };
    return cmocka_run_group_tests_name("greeting", tests, NULL, NULL);
}
