#include "text/reel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/frame.h"

static size_t footprint(const struct segment *segment)
{
    return sizeof *segment + segment->capacity;
}

static struct segment *segment_new(struct reel *reel, size_t least)
{
    /* A reel that fills its segments gets larger ones. */
    size_t capacity = reel->last ? (size_t)reel->last->capacity * 2 : REEL_SEGMENT_LEAST;
    if (capacity > REEL_SEGMENT_MOST)
        capacity = REEL_SEGMENT_MOST;
    if (capacity < least)
        capacity = least;
    struct segment *segment = malloc(sizeof *segment + capacity);
    if (!segment)
        return NULL;
    atomic_init(&segment->references, 1);
    atomic_init(&segment->length, 0);
    atomic_init(&segment->next, NULL);
    segment->capacity = (uint32_t)capacity;
    segment->start = atomic_load_explicit(&reel->end, memory_order_relaxed);
    segment->memory = reel->memory;
    atomic_fetch_add_explicit(segment->memory, footprint(segment), memory_order_relaxed);
    return segment;
}

static struct segment *take(struct segment *segment)
{
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
    return segment;
}

/* The last reference frees it, and lets go of the next: as a loop, for thousands may stand in a row. */
static void drop(struct segment *segment)
{
    while (segment && atomic_fetch_sub_explicit(&segment->references, 1,
                                                memory_order_acq_rel) == 1) {
        struct segment *next = atomic_load_explicit(&segment->next, memory_order_relaxed);
        atomic_fetch_sub_explicit(segment->memory, footprint(segment),
                                  memory_order_relaxed);
        free(segment);
        segment = next;
    }
}

void reel_init(struct reel *reel, _Atomic size_t *memory)
{
    reel->last = NULL;
    reel->memory = memory;
    atomic_init(&reel->end, 0);
}

void reel_rest(struct reel *reel)
{
    drop(reel->last);
    reel->last = NULL;
}

void reel_done(struct reel *reel)
{
    reel_rest(reel);
}

/* Makes a segment the reel's last; the one before, which holds it too, has an end then. */
static struct segment *add_segment(struct reel *reel, size_t least)
{
    struct segment *segment = segment_new(reel, least);
    if (!segment)
        return NULL;
    if (reel->last) {
        atomic_store_explicit(&reel->last->next, take(segment), memory_order_release);
        drop(reel->last);
    }
    return reel->last = segment;
}

uint8_t *reel_reserve(struct reel *reel, size_t length)
{
    struct segment *last = reel->last;
    uint32_t used = last ? atomic_load_explicit(&last->length, memory_order_relaxed) : 0;
    if (!last || last->capacity - used < length) {
        last = add_segment(reel, length);
        used = 0;
    }
    return last ? last->bytes + used : NULL;
}

void reel_publish(struct reel *reel, size_t length)
{
    uint32_t used = atomic_load_explicit(&reel->last->length, memory_order_relaxed);
    atomic_fetch_add_explicit(&reel->end, length, memory_order_relaxed);
    atomic_store_explicit(&reel->last->length, used + (uint32_t)length,
                          memory_order_release);
}

int cursor_begin(struct cursor *cursor, struct reel *reel)
{
    if (!reel->last && !add_segment(reel, 0))
        return -ENOMEM;
    cursor->segment = take(reel->last);
    cursor->offset = atomic_load_explicit(&reel->last->length, memory_order_relaxed);
    return 0;
}

void cursor_end(struct cursor *cursor)
{
    drop(cursor->segment);
    cursor->segment = NULL;
}

size_t cursor_look(struct cursor *cursor, const uint8_t **ret_bytes)
{
    for (;;) {
        struct segment *segment = cursor->segment;
        /* Before the length: a segment that has a next grows no more. */
        struct segment *next = atomic_load_explicit(&segment->next, memory_order_acquire);
        uint32_t length = atomic_load_explicit(&segment->length, memory_order_acquire);
        if (cursor->offset < length) {
            *ret_bytes = segment->bytes + cursor->offset;
            return length - cursor->offset;
        }
        if (!next)
            return 0;
        cursor->segment = take(next);
        cursor->offset = 0;
        drop(segment);
    }
}

void cursor_advance(struct cursor *cursor, size_t length)
{
    cursor->offset += (uint32_t)length;
}

uint64_t cursor_position(const struct cursor *cursor)
{
    return cursor->segment->start + cursor->offset;
}

size_t cursor_frame_rest(const struct cursor *cursor, const uint8_t **ret_bytes)
{
    const struct segment *segment = cursor->segment;
    uint32_t at = 0,
             length = atomic_load_explicit(&segment->length, memory_order_acquire);
    while (at < cursor->offset) {
        struct frame frame;
        size_t needed;
        if (frame_decode(segment->bytes + at, length - at, UINT32_MAX, &frame, &needed) !=
            1)
            return 0; /* cannot be: whole frames are published */
        at += FRAME_HEADER_BYTES + frame.total;
    }
    *ret_bytes = segment->bytes + cursor->offset;
    return at - cursor->offset;
}
