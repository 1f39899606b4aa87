#include "file/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

uint32_t chunk_bytes(uint64_t size)
{
    uint32_t bytes = CHUNK_LEAST_BYTES;
    while (bytes < CHUNK_MOST_BYTES && size > (uint64_t)bytes * (CHUNK_COUNT_AIMED - 1))
        bytes *= 2;
    return bytes;
}

uint32_t chunk_count(uint64_t size)
{
    uint32_t bytes = chunk_bytes(size);
    return (uint32_t)((size + bytes - 1) / bytes);
}

uint64_t chunk_offset(uint64_t size, uint32_t index)
{
    return (uint64_t)chunk_bytes(size) * index;
}

uint32_t chunk_length(uint64_t size, uint32_t index)
{
    uint64_t left = size - chunk_offset(size, index);
    return left < chunk_bytes(size) ? (uint32_t)left : chunk_bytes(size);
}

int chunk_map_init(struct chunk_map *ret_map, uint32_t count)
{
    struct chunk_map map = {.count = count};
    if (count > 0 && !(map.bits = calloc(1, chunk_map_bytes(&map))))
        return ERROR_MEMORY;
    *ret_map = map;
    return 0;
}

void chunk_map_done(struct chunk_map *map)
{
    free(map->bits);
    *map = (struct chunk_map){0};
}

size_t chunk_map_bytes(const struct chunk_map *map)
{
    return ((size_t)map->count + 7) / 8;
}

static uint8_t bit_of(uint32_t index)
{
    return (uint8_t)(0x80u >> (index % 8));
}

bool chunk_map_has(const struct chunk_map *map, uint32_t index)
{
    return index < map->count && (map->bits[index / 8] & bit_of(index));
}

bool chunk_map_add(struct chunk_map *map, uint32_t index)
{
    if (index >= map->count || chunk_map_has(map, index))
        return false;
    map->bits[index / 8] |= bit_of(index);
    map->set++;
    return true;
}

bool chunk_map_full(const struct chunk_map *map)
{
    return map->set == map->count;
}

int chunk_map_read(struct chunk_map *map, const uint8_t *bits, size_t length)
{
    if (length != chunk_map_bytes(map))
        return ERROR_CORRUPT;
    if (length == 0)
        return 0;
    unsigned spare = (unsigned)(length * 8 - map->count);
    if (bits[length - 1] & ((1u << spare) - 1))
        return ERROR_CORRUPT;
    memcpy(map->bits, bits, length);
    map->set = 0;
    for (size_t i = 0; i < length; i++)
        map->set += (uint32_t)__builtin_popcount(bits[i]);
    return 0;
}

uint64_t chunk_map_covered_bytes(const struct chunk_map *map, uint64_t size)
{
    if (map->set == 0)
        return 0;
    uint64_t bytes = (uint64_t)map->set * chunk_bytes(size);
    uint32_t last = map->count - 1;
    return chunk_map_has(map, last) ? bytes - chunk_bytes(size) + chunk_length(size, last)
                                    : bytes;
}
