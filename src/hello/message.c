#include "hello/message.h"

#include <string.h>

#include "base/error.h"
#include "base/utf.h"

bool message_faulty(const struct message_faults *faults)
{
    return faults->lone_surrogates || faults->odd_byte || faults->too_long;
}

void message_describe(const struct message_faults *faults, size_t limit,
                      struct buffer *ret_sentence)
{
    const char *between = "";
    if (faults->too_long) {
        buffer_append_format(ret_sentence, "more than %zu bytes, the rest left out",
                             limit);
        between = "; ";
    }
    if (faults->lone_surrogates) {
        buffer_append_format(ret_sentence, "%s%u lone surrogate%s, shown as U+FFFD",
                             between, faults->lone_surrogates,
                             faults->lone_surrogates == 1 ? "" : "s");
        between = "; ";
    }
    if (faults->odd_byte)
        buffer_append_format(ret_sentence, "%san odd number of bytes, the last left out",
                             between);
}

int message_encode(const char *utf8, size_t length, struct buffer *ret_bytes,
                   struct error *err)
{
    if (memchr(utf8, '\0', length))
        return error_set(err, ERROR_ARGUMENT,
                         "the text holds a zero, which would end it");
    struct buffer bytes;
    buffer_init(&bytes, 0);
    int code = utf8_to_utf16le(utf8, length, &bytes, err);
    if (!code)
        code = buffer_append(&bytes, "\0", 2);
    if (!code && bytes.length > MESSAGE_BYTES)
        code = error_set(err, ERROR_LIMIT,
                         "the text takes %zu bytes with its zero, of at most %d",
                         bytes.length, MESSAGE_BYTES);
    if (!code)
        code = buffer_append(ret_bytes, bytes.bytes, bytes.length);
    buffer_done(&bytes);
    return code;
}

void message_reader_init(struct message_reader *reader, size_t limit)
{
    *reader = (struct message_reader){.limit = limit};
    buffer_init(&reader->bytes, 0);
}

void message_reader_done(struct message_reader *reader)
{
    buffer_done(&reader->bytes);
}

/* Where the first zero unit at or after the even offset `at` begins, or the length. */
static size_t find_zero(const struct buffer *bytes, size_t at)
{
    for (; at + 1 < bytes->length; at += 2)
        if (!bytes->bytes[at] && !bytes->bytes[at + 1])
            return at;
    return bytes->length;
}

int message_reader_take(struct message_reader *reader, const void *bytes, size_t length,
                        size_t *ret_taken)
{
    size_t before = reader->bytes.length, room = reader->limit - before;
    if (reader->complete || length == 0) {
        *ret_taken = 0;
        return 0;
    }
    int code = buffer_append(&reader->bytes, bytes, length < room ? length : room);
    if (code)
        return code;
    size_t zero = find_zero(&reader->bytes, before - before % 2);
    if (zero < reader->bytes.length) {
        reader->complete = true;
        reader->bytes.length = zero;
        *ret_taken = zero + 2 - before;
        return 0;
    }
    reader->complete = length >= room;
    reader->too_long = length > room;
    *ret_taken = length < room ? length : room;
    return 0;
}

int message_reader_finish(struct message_reader *reader, struct buffer *ret_utf8,
                          struct message_faults *ret_faults)
{
    struct utf16_faults utf16;
    int code = utf16le_to_utf8(buffer_text(&reader->bytes), reader->bytes.length,
                               ret_utf8, &utf16);
    if (!code)
        *ret_faults = (struct message_faults){.lone_surrogates = utf16.lone_surrogates,
                                              .odd_byte = utf16.odd_byte,
                                              .too_long = reader->too_long};
    reader->complete = reader->too_long = false;
    buffer_clear(&reader->bytes);
    return code;
}
