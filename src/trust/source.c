#include "trust/source.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
    PLACES = 4096, /* a power of two */
    TRIES = 8      /* how far from its own place a source may stand */
};

struct key {
    uint8_t family, address[8]; /* what of the address makes the source */
};

struct place {
    struct key key; /* family 0: free */
    unsigned strangers;
    int64_t paid_ns; /* when it will have paid all it owes */
};

struct sources {
    pthread_mutex_t lock;
    uint8_t
        secret[crypto_shorthash_KEYBYTES]; /* so that nobody can choose his neighbours */
    struct place places[PLACES];
};

int sources_new(struct sources **ret_sources, struct error *err)
{
    struct sources *sources = calloc(1, sizeof *sources);
    if (!sources || sodium_init() < 0) {
        free(sources);
        return error_set(err, ERROR_MEMORY, "no memory");
    }
    pthread_mutex_init(&sources->lock, NULL);
    crypto_shorthash_keygen(sources->secret);
    *ret_sources = sources;
    return 0;
}

void sources_free(struct sources **sources)
{
    if (!*sources)
        return;
    pthread_mutex_destroy(&(*sources)->lock);
    free(*sources);
    *sources = NULL;
}

static struct key key_of(const struct endpoint *source)
{
    struct key key = {.family = source->family ? source->family : 1};
    memcpy(key.address, source->address, source->family == 6 ? 8 : 4);
    return key;
}

static bool idle(const struct place *place, int64_t now_ns)
{
    return place->strangers == 0 && place->paid_ns <= now_ns;
}

/* Who matters less gives way: who owes least, of those without strangers. */
static bool matters_less(const struct place *a, const struct place *b)
{
    if ((a->strangers == 0) != (b->strangers == 0))
        return a->strangers == 0;
    return a->paid_ns < b->paid_ns;
}

/* The source's place; where it has none, a free one, or that of the one that matters
 * least, is made its own if `make`; else null. Under the lock. */
static struct place *find(struct sources *sources, const struct endpoint *source,
                          int64_t now_ns, bool make)
{
    const struct key key = key_of(source);
    uint64_t hash;
    struct place *least = NULL;
    crypto_shorthash((uint8_t *)&hash, (const uint8_t *)&key, sizeof key,
                     sources->secret);
    for (uint64_t i = 0; i < TRIES; i++) {
        struct place *place = &sources->places[(hash + i) % PLACES];
        if (memcmp(&place->key, &key, sizeof key) == 0)
            return place;
        if (idle(place, now_ns))
            place->paid_ns = 0;
        if (!least || matters_less(place, least))
            least = place;
    }
    if (!make)
        return NULL;
    *least = (struct place){.key = key};
    return least;
}

unsigned sources_enter(struct sources *sources, const struct endpoint *source,
                       int64_t now_ns)
{
    pthread_mutex_lock(&sources->lock);
    unsigned strangers = ++find(sources, source, now_ns, true)->strangers;
    pthread_mutex_unlock(&sources->lock);
    return strangers;
}

/* One whose place was taken meanwhile is counted no more. */
void sources_leave(struct sources *sources, const struct endpoint *source, int64_t now_ns)
{
    pthread_mutex_lock(&sources->lock);
    struct place *place = find(sources, source, now_ns, false);
    if (place && place->strangers)
        place->strangers--;
    pthread_mutex_unlock(&sources->lock);
}

void sources_owe(struct sources *sources, const struct endpoint *source, int64_t now_ns,
                 int64_t debt_ns)
{
    pthread_mutex_lock(&sources->lock);
    struct place *place = find(sources, source, now_ns, true);
    int64_t owed_ns = place->paid_ns > now_ns ? place->paid_ns - now_ns : 0;
    owed_ns += debt_ns;
    if (owed_ns > SOURCES_DEBT_MOST_NS)
        owed_ns = SOURCES_DEBT_MOST_NS;
    place->paid_ns = now_ns + owed_ns;
    pthread_mutex_unlock(&sources->lock);
}

int64_t sources_refused_ns(struct sources *sources, const struct endpoint *source,
                           int64_t now_ns)
{
    pthread_mutex_lock(&sources->lock);
    const struct place *place = find(sources, source, now_ns, false);
    int64_t over_ns = place ? place->paid_ns - now_ns - SOURCES_PATIENCE_NS : -1;
    pthread_mutex_unlock(&sources->lock);
    return over_ns >= 0 ? over_ns + 1 : 0;
}
