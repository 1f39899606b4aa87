#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* of `bytes` */
    alignas(max_align_t) char bytes[];
};

enum {
    BLOCK_BYTES = 64 * 1024, /* taken from the system at once, header included */
    LARGE_BYTES = 16 * 1024  /* pieces from here on get a block of their own */
};

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){.limit = limit};
}

void arena_done(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->bytes = 0;
}

/* A block with room for `size` bytes, and for more where the limit lets it; null where
 * not. */
static struct arena_block *new_block(struct arena *arena, size_t size)
{
    size_t left = arena->limit ? arena->limit - arena->bytes : SIZE_MAX;
    if (left < sizeof(struct arena_block) || size > left - sizeof(struct arena_block))
        return NULL;
    size_t total = sizeof(struct arena_block) + size;
    if (size < LARGE_BYTES)
        total = left < BLOCK_BYTES ? left : BLOCK_BYTES;
    struct arena_block *block = calloc(1, total);
    if (!block)
        return NULL;
    block->size = total - sizeof *block;
    arena->bytes += total;
    return block;
}

/* A block of its own goes behind the newest, whose rest stays in use. */
static void link_block(struct arena *arena, struct arena_block *block, size_t size)
{
    if (size >= LARGE_BYTES && arena->blocks) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
        return;
    }
    block->next = arena->blocks;
    arena->blocks = block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - BLOCK_BYTES)
        return NULL;
    size = (size + align - 1) / align * align;
    struct arena_block *block = arena->blocks;
    if (!block || size > block->size - block->used) {
        block = new_block(arena, size);
        if (!block)
            return NULL;
        link_block(arena, block, size);
    }
    void *piece = block->bytes + block->used;
    block->used += size;
    return piece;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = arena_alloc(arena, length + 1);
    if (copy && length > 0)
        memcpy(copy, bytes, length);
    return copy;
}
