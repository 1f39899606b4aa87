/* A check: 16 bytes that tell whether data is what it was. XXH3-128, over each chunk of a file, made
 * by who sends it and made again by who receives it.
 *
 * It guards against errors of memory, disks and programs, not against people: those TLS keeps out.
 * SHA-256, at less than 2 GB/s a core, would be the slowest part of a transfer; this is not. */
#ifndef WOSHOU_FILE_CHECK_H
#define WOSHOU_FILE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHECK_BYTES = 16, CHECK_TEXT = 2 * CHECK_BYTES + 1 };

struct check {
    uint8_t bytes[CHECK_BYTES]; /* the canonical form: big-endian, as xxhsum prints it */
};

/* A check that is being made. */
struct check_state;

/* Null where there is no memory. */
struct check_state *check_state_new(void);
/* Accepts null, leaves null. */
void check_state_free(struct check_state **state);
/* Begins anew. */
void check_begin(struct check_state *state);
void check_update(struct check_state *state, const void *bytes, size_t length);
struct check check_end(const struct check_state *state);

/* All at once. */
struct check check_of(const void *bytes, size_t length);
/* The same with a seed: a key in tables, which nobody can aim at who does not know the seed. */
struct check check_keyed(uint64_t seed, const void *bytes, size_t length);
bool check_equal(const struct check *a, const struct check *b);
/* In hexadecimal digits; returns `text`. */
char *check_format(const struct check *check, char text[CHECK_TEXT]);

#endif
