/* Decompression of a stream, whichever library does it: bytes in, bytes out. */
#ifndef WOSHOU_CAPTURE_INFLATE_H
#define WOSHOU_CAPTURE_INFLATE_H

#include <stddef.h>
#include <stdint.h>

/* What is still to be read, and where to write; both move on. */
struct inflate_step {
    const uint8_t *in;
    size_t in_left;
    uint8_t *out;
    size_t out_left;
};

struct inflate {
    const char *name;
    /* Null without memory. */
    void *(*open)(void);
    void (*close)(void *state);
    /* Goes on until input or room is used up. 0, or ERROR_CORRUPT, ERROR_MEMORY,
     * ERROR_LIMIT (it asks for more memory than it gets). Several streams behind one
     * another are one. `ret_whole`: the input so far ends where a stream ends. */
    int (*step)(void *state, struct inflate_step *step, _Bool *ret_whole);
};

enum { INFLATE_MAGIC_BYTES = 4 };

/* The one whose magic number the bytes begin with, or null. */
const struct inflate *inflate_find(const uint8_t *bytes, size_t length);

#endif
