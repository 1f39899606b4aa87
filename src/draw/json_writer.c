#include "draw/json_writer.h"

#include <string.h>

#include "base/buffer.h"
#include "base/decimal.h"

static inline void separate(struct json_writer *writer)
{
    if (writer->comma)
        buffer_append(writer->buffer, ",", 1);
    writer->comma = true;
}

void json_put_begin(struct json_writer *writer, char bracket)
{
    separate(writer);
    buffer_append(writer->buffer, &bracket, 1);
    writer->comma = false;
}

void json_put_end(struct json_writer *writer, char bracket)
{
    buffer_append(writer->buffer, &bracket, 1);
    writer->comma = true;
}

void json_put_key(struct json_writer *writer, const char *key)
{
    separate(writer);
    buffer_append(writer->buffer, "\"", 1);
    buffer_append(writer->buffer, key, strlen(key));
    buffer_append(writer->buffer, "\":", 2);
    writer->comma = false;
}

void json_put_null(struct json_writer *writer)
{
    separate(writer);
    buffer_append(writer->buffer, "null", 4);
}

void json_put_integer(struct json_writer *writer, int64_t value)
{
    char text[1 + DECIMAL_TEXT] = "-";
    bool negative = value < 0;
    uint64_t size = negative ? -(uint64_t)value : (uint64_t)value;
    size_t length = decimal_put(text + negative, size);

    separate(writer);
    buffer_append(writer->buffer, text, negative + length);
}

/* --- texts --- */

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static size_t plain_length(const char *text, size_t length)
{
    size_t plain = 0;
    while (plain < length && is_plain(text[plain]))
        plain++;
    return plain;
}

/* RFC 8259, 7. */
static void append_escaped(struct buffer *buffer, char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = strchr(from, c);
    if (c && known)
        buffer_append_format(buffer, "\\%c", to[known - from]);
    else
        buffer_append_format(buffer, "\\u%04X", (unsigned char)c);
}

static void append_text(struct buffer *buffer, const char *text, size_t length)
{
    while (length > 0) {
        size_t plain = plain_length(text, length);
        buffer_append(buffer, text, plain);
        if (plain == length)
            return;
        append_escaped(buffer, text[plain]);
        text += plain + 1;
        length -= plain + 1;
    }
}

void json_put_text(struct json_writer *writer, const char *text)
{
    if (!text) {
        json_put_null(writer);
        return;
    }
    separate(writer);
    buffer_append(writer->buffer, "\"", 1);
    append_text(writer->buffer, text, strlen(text));
    buffer_append(writer->buffer, "\"", 1);
}

size_t json_put_text_begin(struct json_writer *writer)
{
    separate(writer);
    buffer_append(writer->buffer, "\"", 1);
    return writer->buffer->length;
}

/* Only what needs escaping, which is rare, is written anew, with all behind it. */
void json_put_text_end(struct json_writer *writer, size_t begin)
{
    struct buffer *buffer = writer->buffer, rest;
    begin += plain_length(buffer_text(buffer) + begin, buffer->length - begin);
    if (begin < buffer->length) {
        buffer_init(&rest, 0);
        buffer_append(&rest, buffer->bytes + begin, buffer->length - begin);
        buffer->length = begin;
        append_text(buffer, buffer_text(&rest), rest.length);
        if (rest.failed && !buffer->failed)
            buffer->failed = rest.failed;
        buffer_done(&rest);
    }
    buffer_append(buffer, "\"", 1);
}
