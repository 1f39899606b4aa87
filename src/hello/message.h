/* The article's message: a string in UTF-16LE that ends with a zero unit, 200 bytes at
 * most where our server reads it. "hello" is twelve bytes: 68 00 65 00 6c 00 6c 00 6f 00
 * 00 00.
 *
 * Received bytes come in pieces of any size; a reader gathers them until the string is
 * complete. Nothing here waits, allocates more than a string's bytes, or trusts them. */
#ifndef WOSHOU_HELLO_MESSAGE_H
#define WOSHOU_HELLO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct error;

enum { MESSAGE_BYTES = 200 }; /* the most that the server reads, the zero included */

/* What was wrong with a string that was read all the same. */
struct message_faults {
    unsigned lone_surrogates; /* each shown as U+FFFD */
    bool odd_byte;            /* a last byte without its second half, left out */
    bool too_long;            /* more came than was allowed, left out */
};

bool message_faulty(const struct message_faults *faults);
/* Appends what was wrong, as one sentence without a full stop; nothing where nothing was.
 * `limit` is the reader's. */
void message_describe(const struct message_faults *faults, size_t limit,
                      struct buffer *ret_sentence);

/* Appends the text and its zero. ERROR_CORRUPT for ill-formed UTF-8, ERROR_LIMIT where it
 * takes more than MESSAGE_BYTES, ERROR_ARGUMENT for a zero inside. On failure nothing was
 * appended. */
int message_encode(const char *utf8, size_t length, struct buffer *ret_bytes,
                   struct error *err);

/* Gathers one string. Ready for the first byte after init, and again after each
 * finish. */
struct message_reader {
    struct buffer bytes; /* the string so far, without its zero */
    size_t limit;        /* most bytes of a string, its zero included */
    bool complete;       /* the zero came, or the limit */
    bool too_long;       /* bytes came after the limit */
};

/* `limit` is even. */
void message_reader_init(struct message_reader *reader, size_t limit);
void message_reader_done(struct message_reader *reader);

/* Takes bytes as far as they belong to this string, and sets `complete` where it ends
 * with them. `ret_taken` says how many. Returns 0, or ERROR_MEMORY. */
int message_reader_take(struct message_reader *reader, const void *bytes, size_t length,
                        size_t *ret_taken);

/* Appends the string as UTF-8, complete or as far as it came, says what was wrong with
 * it, and makes the reader ready for the next. Returns 0 or the buffer's failure. */
int message_reader_finish(struct message_reader *reader, struct buffer *ret_utf8,
                          struct message_faults *ret_faults);

#endif
