/* Chunks: a file's pieces, each checked, noted and sent again by itself; and the map of those that
 * are there.
 *
 * A chunk is the smallest power of two from 1 MiB to 16 MiB that cuts the file into fewer than 2,000
 * chunks; both sides work it out from the size. From 31 GiB on there are more of them. */
#ifndef WOSHOU_FILE_CHUNK_H
#define WOSHOU_FILE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHUNK_LEAST_BYTES = 1 << 20,
    CHUNK_MOST_BYTES = 16 << 20,
    CHUNK_COUNT_AIMED = 2000
};
/* The longest file there is to us: its map still fits a frame. */
#define CHUNK_FILE_MOST_BYTES (INT64_C(1) << 46)

/* `size` is at most CHUNK_FILE_MOST_BYTES. A file of 0 bytes has no chunk. */
uint32_t chunk_bytes(uint64_t size);
uint32_t chunk_count(uint64_t size);
/* How long chunk number `index` is: the last one may be shorter. */
uint32_t chunk_length(uint64_t size, uint32_t index);
uint64_t chunk_offset(uint64_t size, uint32_t index);

/* Which chunks are there: a bit each, the first in the highest bit of the first byte. */
struct chunk_map {
    uint32_t count;
    uint32_t set; /* how many are there */
    uint8_t *bits;
};

/* None is there. Returns 0 or ERROR_MEMORY. */
int chunk_map_init(struct chunk_map *ret_map, uint32_t count);
/* Accepts one that is done already, or all zero. */
void chunk_map_done(struct chunk_map *map);
size_t chunk_map_bytes(const struct chunk_map *map);
bool chunk_map_has(const struct chunk_map *map, uint32_t index);
/* Whether it was not there before. */
bool chunk_map_add(struct chunk_map *map, uint32_t index);
bool chunk_map_full(const struct chunk_map *map);
/* Takes the bits of a map of the same count from outside: ERROR_CORRUPT where there are not as many
 * bytes as that takes, or bits set behind the last. */
int chunk_map_read(struct chunk_map *map, const uint8_t *bits, size_t length);
/* How many bytes of a file of `size` the chunks that are there hold. */
uint64_t chunk_map_covered_bytes(const struct chunk_map *map, uint64_t size);

#endif
