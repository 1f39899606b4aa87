#include "file/check.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>
/* The library holds variants for AVX2 and AVX-512 beside the one of every x86-64 and chooses when it
 * runs; they take a third of the time. */
#if WOSHOU_XXH_DISPATCH
#include <xxh_x86dispatch.h>
#endif

/* struct check_state is the library's XXH3_state_t under a name of ours. */
static XXH3_state_t *own(struct check_state *state)
{
    return (XXH3_state_t *)(void *)state;
}

static struct check check_from(XXH128_hash_t hash)
{
    struct check check;
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(check.bytes, canonical.digest, CHECK_BYTES);
    return check;
}

struct check_state *check_state_new(void)
{
    return (struct check_state *)(void *)XXH3_createState();
}

void check_state_free(struct check_state **state)
{
    XXH3_freeState(own(*state));
    *state = NULL;
}

void check_begin(struct check_state *state)
{
    XXH3_128bits_reset(own(state));
}

void check_update(struct check_state *state, const void *bytes, size_t length)
{
    XXH3_128bits_update(own(state), bytes, length);
}

struct check check_end(const struct check_state *state)
{
    return check_from(XXH3_128bits_digest((const XXH3_state_t *)(const void *)state));
}

struct check check_of(const void *bytes, size_t length)
{
    return check_from(XXH3_128bits(bytes, length));
}

struct check check_keyed(uint64_t seed, const void *bytes, size_t length)
{
    return check_from(XXH3_128bits_withSeed(bytes, length, seed));
}

bool check_equal(const struct check *a, const struct check *b)
{
    return memcmp(a->bytes, b->bytes, CHECK_BYTES) == 0;
}

char *check_format(const struct check *check, char text[CHECK_TEXT])
{
    for (size_t i = 0; i < CHECK_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", check->bytes[i]);
    return text;
}
