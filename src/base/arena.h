/* An arena: memory that is given out piece by piece and taken back all at once. One a
 * capture, or one a set of stories. Not for several threads at once. */
#ifndef WOSHOU_BASE_ARENA_H
#define WOSHOU_BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t bytes;               /* taken from the system so far */
    size_t limit;               /* most bytes it may take; 0: no limit */
};

void arena_init(struct arena *arena, size_t limit);
/* Frees everything at once and leaves an empty arena with the same limit. */
void arena_done(struct arena *arena);

/* `size` zeroed bytes, aligned for any type, valid until arena_done; null when memory or
 * the limit is spent. A size of 0 gives a valid pointer to nothing. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of `length` bytes with a 0 after them; null as above. */
char *arena_copy(struct arena *arena, const void *bytes, size_t length);

#endif
