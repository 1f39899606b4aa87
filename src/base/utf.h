/* UTF-8 inside, UTF-16LE on the article's wire. Strict: no overlong forms, no lone
 * surrogates, nothing above U+10FFFF. libunistring does the work. */
#ifndef WOSHOU_BASE_UTF_H
#define WOSHOU_BASE_UTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/* Whether the bytes are well-formed UTF-8 (a 0 byte is). */
bool utf8_valid(const void *bytes, size_t length);

/* Appends `length` bytes of UTF-8 as UTF-16LE, without a byte order mark and without a
 * terminating zero. ERROR_CORRUPT where the UTF-8 is not well-formed (nothing appended
 * then), or the buffer's own failure. */
int utf8_to_utf16le(const void *utf8, size_t length, struct buffer *ret_utf16le,
                    struct error *err);

/* What was wrong with UTF-16LE that was read all the same. */
struct utf16_faults {
    unsigned lone_surrogates; /* each shown as U+FFFD */
    bool odd_byte;            /* a last byte without its second half, left out */
};

/* Appends `length` bytes of UTF-16LE as UTF-8, faults replaced and counted. A zero code
 * unit is a character like any other here: the caller cuts at it if it means an end.
 * Returns 0 or the buffer's failure. */
int utf16le_to_utf8(const void *utf16le, size_t length, struct buffer *ret_utf8,
                    struct utf16_faults *ret_faults);

#endif
