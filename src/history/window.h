/* Which of a client's numbers were kept: exact for the KEEP_WINDOW numbers up to the highest, and
 * for those below known to be unknown. Pure. A client's window is one row, written once a
 * commit, where a row a message would double what a commit writes. */
#ifndef WOSHOU_HISTORY_WINDOW_H
#define WOSHOU_HISTORY_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "text/keep.h"

struct window {
    uint64_t highest;                /* 0: none yet */
    uint64_t bits[KEEP_WINDOW / 64]; /* number n of the window: bit n % KEEP_WINDOW */
};

enum window_answer { WINDOW_NEW, WINDOW_KNOWN, WINDOW_TOO_OLD };

/* As bytes: the highest, big-endian, then the bits, each word big-endian. */
enum { WINDOW_BYTES = 8 + KEEP_WINDOW / 8 };

enum window_answer window_look(const struct window *window, uint64_t number);
/* Notes a number that is WINDOW_NEW. */
void window_note(struct window *window, uint64_t number);

void window_encode(const struct window *window, uint8_t ret_bytes[WINDOW_BYTES]);
/* -1 where the length is another. */
int window_decode(const void *bytes, size_t length, struct window *ret_window);

#endif
