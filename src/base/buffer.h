/* A buffer: counted bytes, growable up to a limit, or fixed in an array of the caller's.
 *
 * Failure is sticky: once an append did not fit or memory ran out, `failed` holds the
 * code, the contents stay as they were before that append, and later appends do
 * nothing. So a printer appends without looking and its caller checks `failed` once, at
 * the end. */
#ifndef WOSHOU_BASE_BUFFER_H
#define WOSHOU_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
    char *bytes; /* null while empty and growable; always terminated by a 0 not counted */
    size_t length;   /* bytes in use */
    size_t capacity; /* bytes there are, the terminating 0 included */
    size_t limit;    /* most bytes it may hold, the terminating 0 not included */
    bool fixed;      /* the array is the caller's: never grown, never freed */
    int failed;      /* 0, ERROR_MEMORY or ERROR_LIMIT */
};

/* Growable, empty, at most `limit` bytes (0: no limit but memory's). Allocates nothing
 * yet. */
void buffer_init(struct buffer *buffer, size_t limit);
/* Fixed: `size` bytes at `array`, borrowed until buffer_done; size >= 1, one is for the
 * final 0. */
void buffer_init_fixed(struct buffer *buffer, char *array, size_t size);
/* Frees what it owns and leaves it empty and growable. Accepts one that is done
 * already. */
void buffer_done(struct buffer *buffer);

/* Where there may not be room enough yet: for buffer_append alone. */
int buffer_append_growing(struct buffer *buffer, const void *bytes, size_t length);

/* Each returns 0, or the sticky code. In line, because lines are put together of many
 * pieces of a few bytes. */
static inline int buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
    if (buffer->failed || length == 0 || length >= buffer->capacity - buffer->length)
        return buffer_append_growing(buffer, bytes, length);
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    buffer->bytes[buffer->length] = '\0';
    return 0;
}
/* Up to its 0. */
static inline int buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, text, strlen(text));
}
static inline int buffer_append_char(struct buffer *buffer, char c)
{
    return buffer_append(buffer, &c, 1);
}
int buffer_append_repeated(struct buffer *buffer, char c, size_t count);
int buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for `length` more bytes, to be filled at bytes+length and counted by the
 * caller. */
int buffer_reserve(struct buffer *buffer, size_t length);
/* Drops the first `length` bytes (at most all). */
void buffer_consume(struct buffer *buffer, size_t length);
/* Empties it, keeps its memory, and clears `failed`. */
void buffer_clear(struct buffer *buffer);
/* The contents as a terminated string, never null: "" when nothing was ever appended. */
const char *buffer_text(const struct buffer *buffer);

#endif
