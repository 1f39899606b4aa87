/* Text from outside, made safe to show: in terminals, logs and pages alike. */
#ifndef WOSHOU_BASE_VISIBLE_H
#define WOSHOU_BASE_VISIBLE_H

#include <stddef.h>

struct buffer;

/* Appends the text with everything made visible that could move a cursor, start an escape
 * sequence or turn the direction of reading:
 *
 *     ^[ ^A ^?    C0 controls and DEL, newline and tab too
 *     <U+XXXX>    C1 controls, U+2028, U+2029; direction marks, embeddings, overrides and
 *                 isolates (U+200E, U+200F, U+061C, U+202A-202E, U+2066-2069), the byte
 *                 order mark and all of Unicode's category Cf; unassigned and private ones
 *     <XX>        a byte that is not UTF-8
 *
 * The result is one line of well-formed UTF-8. Returns 0 or the buffer's failure. */
int visible_append(struct buffer *buffer, const void *text, size_t length);

/* Columns that well-formed UTF-8 takes in a terminal (libunistring's width: 2 for 中;
 * characters of ambiguous width count 1); controls count 0. */
int visible_width(const char *utf8, size_t length);

/* Bytes of the longest prefix of well-formed UTF-8 that takes at most `columns`
 * columns. */
size_t visible_prefix(const char *utf8, size_t length, int columns);

#endif
