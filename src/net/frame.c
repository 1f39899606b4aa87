#include "net/frame.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/utf.h"

static uint64_t get_integer(const uint8_t *bytes, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void set_integer(uint8_t *bytes, size_t width, uint64_t value)
{
    for (size_t i = width; i-- > 0; value >>= 8)
        bytes[i] = (uint8_t)value;
}

int frame_decode(const void *bytes, size_t length, uint32_t limit,
                 struct frame *ret_frame, size_t *ret_needed)
{
    const uint8_t *header = bytes;
    if (length < FRAME_HEADER_BYTES) {
        *ret_needed = FRAME_HEADER_BYTES;
        return 0;
    }
    uint32_t total = (uint32_t)get_integer(header, 4);
    if (total > limit)
        return -EMSGSIZE;
    size_t there = length - FRAME_HEADER_BYTES;
    *ret_frame = (struct frame){
        .type = (uint16_t)get_integer(header + 4, 2),
        .flags = (uint16_t)get_integer(header + 6, 2),
        .id = get_integer(header + 8, 8),
        .total = total,
        .length = there < total ? (uint32_t)there : total,
        .body = header + FRAME_HEADER_BYTES,
    };
    *ret_needed = FRAME_HEADER_BYTES + (size_t)total;
    return there >= total;
}

void frame_encode_header(const struct frame *frame,
                         uint8_t ret_header[FRAME_HEADER_BYTES])
{
    set_integer(ret_header, 4, frame->total);
    set_integer(ret_header + 4, 2, frame->type);
    set_integer(ret_header + 6, 2, frame->flags);
    set_integer(ret_header + 8, 8, frame->id);
}

/* --- Reading fields --- */

struct frame_reader frame_reader(const struct frame *frame)
{
    return (struct frame_reader){.at = frame->body, .end = frame->body + frame->length};
}

const uint8_t *frame_read_bytes(struct frame_reader *reader, size_t length)
{
    const uint8_t *bytes = reader->at;
    if (reader->failed || length > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return NULL;
    }
    reader->at += length;
    return bytes;
}

static uint64_t read_integer(struct frame_reader *reader, size_t width)
{
    const uint8_t *bytes = frame_read_bytes(reader, width);
    return bytes ? get_integer(bytes, width) : 0;
}

uint8_t frame_read_u8(struct frame_reader *reader)
{
    return (uint8_t)read_integer(reader, 1);
}

uint16_t frame_read_u16(struct frame_reader *reader)
{
    return (uint16_t)read_integer(reader, 2);
}

uint32_t frame_read_u32(struct frame_reader *reader)
{
    return (uint32_t)read_integer(reader, 4);
}

uint64_t frame_read_u64(struct frame_reader *reader)
{
    return read_integer(reader, 8);
}

struct frame_text frame_read_text(struct frame_reader *reader)
{
    uint16_t length = frame_read_u16(reader);
    const uint8_t *bytes = frame_read_bytes(reader, length);
    if (bytes && (memchr(bytes, 0, length) || !utf8_valid(bytes, length))) {
        reader->failed = true;
        bytes = NULL;
    }
    return bytes ? (struct frame_text){(const char *)bytes, length}
                 : (struct frame_text){"", 0};
}

struct frame_blob frame_read_blob(struct frame_reader *reader)
{
    uint32_t length = frame_read_u32(reader);
    const uint8_t *bytes = frame_read_bytes(reader, length);
    return bytes ? (struct frame_blob){bytes, length}
                 : (struct frame_blob){(const uint8_t *)"", 0};
}

struct frame_blob frame_read_rest(struct frame_reader *reader)
{
    size_t length = reader->failed ? 0 : (size_t)(reader->end - reader->at);
    const uint8_t *bytes = frame_read_bytes(reader, length);
    return bytes ? (struct frame_blob){bytes, (uint32_t)length}
                 : (struct frame_blob){(const uint8_t *)"", 0};
}

/* --- Writing fields --- */

static void put_integer(struct buffer *buffer, size_t width, uint64_t value)
{
    uint8_t bytes[8];
    set_integer(bytes, width, value);
    buffer_append(buffer, bytes, width);
}

size_t frame_begin(struct buffer *buffer, unsigned type, unsigned flags, uint64_t id)
{
    const struct frame frame = {
        .type = (uint16_t)type, .flags = (uint16_t)flags, .id = id};
    uint8_t header[FRAME_HEADER_BYTES];
    size_t begin = buffer->length;
    frame_encode_header(&frame, header);
    buffer_append(buffer, header, sizeof header);
    return begin;
}

void frame_put_u8(struct buffer *buffer, uint8_t value)
{
    put_integer(buffer, 1, value);
}

void frame_put_u16(struct buffer *buffer, uint16_t value)
{
    put_integer(buffer, 2, value);
}

void frame_put_u32(struct buffer *buffer, uint32_t value)
{
    put_integer(buffer, 4, value);
}

void frame_put_u64(struct buffer *buffer, uint64_t value)
{
    put_integer(buffer, 8, value);
}

static void fail(struct buffer *buffer)
{
    if (!buffer->failed)
        buffer->failed = ERROR_LIMIT;
}

void frame_put_text(struct buffer *buffer, const void *text, size_t length)
{
    if (length > UINT16_MAX) {
        fail(buffer);
        return;
    }
    frame_put_u16(buffer, (uint16_t)length);
    buffer_append(buffer, text, length);
}

void frame_put_blob(struct buffer *buffer, const void *bytes, size_t length)
{
    if (length > FRAME_BODY_BYTES) {
        fail(buffer);
        return;
    }
    frame_put_u32(buffer, (uint32_t)length);
    buffer_append(buffer, bytes, length);
}

void frame_put_bytes(struct buffer *buffer, const void *bytes, size_t length)
{
    buffer_append(buffer, bytes, length);
}

int frame_end_raw(struct buffer *buffer, size_t begin, size_t raw)
{
    if (buffer->failed)
        return buffer->failed;
    size_t body = buffer->length - begin - FRAME_HEADER_BYTES;
    if (body > FRAME_BODY_BYTES || raw > FRAME_BODY_BYTES - body) {
        buffer->length = begin;
        buffer->bytes[begin] = '\0';
        return ERROR_LIMIT;
    }
    set_integer((uint8_t *)buffer->bytes + begin, 4, body + raw);
    return 0;
}

int frame_end(struct buffer *buffer, size_t begin)
{
    return frame_end_raw(buffer, begin, 0);
}

/* --- What an ERROR says --- */

const char *frame_error_name(unsigned code)
{
    static const char *const names[] = {
        [FRAME_ERROR_VERSION] = "version",
        [FRAME_ERROR_MALFORMED] = "malformed",
        [FRAME_ERROR_TOO_LARGE] = "too-large",
        [FRAME_ERROR_UNKNOWN_TYPE] = "unknown-type",
        [FRAME_ERROR_TLS_REQUIRED] = "tls-required",
        [FRAME_ERROR_TOKEN_REQUIRED] = "token-required",
        [FRAME_ERROR_TOKEN_WRONG] = "token-wrong",
        [FRAME_ERROR_TOO_MANY] = "too-many",
        [FRAME_ERROR_SLOW_READER] = "slow-reader",
        [FRAME_ERROR_TIMEOUT] = "timeout",
        [FRAME_ERROR_NOT_FOUND] = "not-found",
        [FRAME_ERROR_EXISTS] = "exists",
        [FRAME_ERROR_NAME] = "name",
        [FRAME_ERROR_DISK_FULL] = "disk-full",
        [FRAME_ERROR_INTERNAL] = "internal",
        [FRAME_ERROR_DRAINING] = "draining",
        [FRAME_ERROR_UNEXPECTED] = "unexpected",
        [FRAME_ERROR_BUSINESS] = "business",
        [FRAME_ERROR_FORBIDDEN] = "forbidden",
        [FRAME_ERROR_CHECK] = "check",
        [FRAME_ERROR_CHANGED] = "changed",
        [FRAME_ERROR_UNSUPPORTED] = "unsupported",
    };
    _Static_assert(sizeof names / sizeof *names == FRAME_ERRORS, "every code has a name");
    return code < FRAME_ERRORS ? names[code] : NULL;
}
