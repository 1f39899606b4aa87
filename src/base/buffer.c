#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { FIRST_CAPACITY = 64 };

void buffer_init(struct buffer *buffer, size_t limit)
{
    /* The terminating 0 needs a byte beyond the limit. */
    *buffer = (struct buffer){.limit = limit ? limit : SIZE_MAX - 1};
}

void buffer_init_fixed(struct buffer *buffer, char *array, size_t size)
{
    *buffer = (struct buffer){
        .bytes = array, .capacity = size, .limit = size - 1, .fixed = true};
    array[0] = '\0';
}

void buffer_done(struct buffer *buffer)
{
    if (!buffer->fixed)
        free(buffer->bytes);
    buffer_init(buffer, 0);
}

/* Twice what it was, or what is needed if that is more, within the limit. */
static size_t grown_capacity(const struct buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    return capacity > buffer->limit ? buffer->limit + 1 : capacity;
}

int buffer_reserve(struct buffer *buffer, size_t length)
{
    if (buffer->failed)
        return buffer->failed;
    if (length > buffer->limit - buffer->length)
        return buffer->failed = ERROR_LIMIT;
    size_t needed = buffer->length + length + 1;
    if (needed <= buffer->capacity)
        return 0;
    size_t capacity = grown_capacity(buffer, needed);
    char *bytes = realloc(buffer->bytes, capacity);
    if (!bytes)
        return buffer->failed = ERROR_MEMORY;
    bytes[buffer->length] = '\0';
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return 0;
}

int buffer_append_growing(struct buffer *buffer, const void *bytes, size_t length)
{
    int code = buffer_reserve(buffer, length);
    if (code || length == 0)
        return code;
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
    return 0;
}

int buffer_append_repeated(struct buffer *buffer, char c, size_t count)
{
    int code = buffer_reserve(buffer, count);
    if (code || count == 0)
        return code;
    memset(buffer->bytes + buffer->length, c, count);
    buffer->length += count;
    buffer->bytes[buffer->length] = '\0';
    return 0;
}

int buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    /* Only a format with wide characters can fail, or one of more than INT_MAX bytes. */
    int code = length < 0 && !buffer->failed
                   ? (buffer->failed = ERROR_LIMIT)
                   : buffer_reserve(buffer, length < 0 ? 0 : length);
    if (!code) {
        vsnprintf(buffer->bytes + buffer->length, (size_t)length + 1, format, again);
        buffer->length += length;
    }
    va_end(again);
    return code;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    if (length > buffer->length)
        length = buffer->length;
    if (length == 0)
        return;
    buffer->length -= length;
    memmove(buffer->bytes, buffer->bytes + length, buffer->length + 1);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = 0;
    if (buffer->bytes)
        buffer->bytes[0] = '\0';
}

const char *buffer_text(const struct buffer *buffer)
{
    return buffer->bytes ? buffer->bytes : "";
}
