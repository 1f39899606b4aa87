/* A reel: what a room says, as one run of bytes, encoded once and read by any number of cursors.
 *
 * It stands in segments. A segment holds a reference to the one behind it, and each cursor to the
 * one it is in, the reel itself to its last: so what nobody reads any more is freed, and a
 * cursor far behind keeps everything from there on, once for all who are that far behind.
 *
 * Frames never lie across segments. Writing is for one thread at a time (the room's lock);
 * cursors may be used by other threads meanwhile, each by one at a time. */
#ifndef WOSHOU_TEXT_REEL_H
#define WOSHOU_TEXT_REEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { REEL_SEGMENT_LEAST = 4 << 10, REEL_SEGMENT_MOST = 64 << 10 };

struct segment {
    atomic_uint references;
    uint32_t capacity;
    _Atomic uint32_t length; /* bytes that may be read */
    _Atomic(struct segment *) next;
    uint64_t start; /* of its first byte in the reel */
    _Atomic size_t
        *memory; /* the sum of all segments' bytes, of whoever owns the reels */
    uint8_t bytes[];
};

struct reel {
    struct segment *last; /* null until the first is needed */
    _Atomic uint64_t end; /* bytes that were ever published */
    _Atomic size_t *memory;
};

void reel_init(struct reel *reel, _Atomic size_t *memory);
/* Cursors may outlive it. */
void reel_done(struct reel *reel);
/* Gives back the memory of a reel that has no cursors; it goes on where it was. */
void reel_rest(struct reel *reel);

/* Room for `length` bytes; null: no memory. Then reel_publish makes them readable. */
uint8_t *reel_reserve(struct reel *reel, size_t length);
void reel_publish(struct reel *reel, size_t length);

struct cursor {
    struct segment *segment; /* null: of no reel */
    uint32_t offset;
};

/* At the reel's end: what is published from now on. -ENOMEM. */
int cursor_begin(struct cursor *cursor, struct reel *reel);
void cursor_end(struct cursor *cursor);
/* How many bytes stand there one behind the other, and where; 0: none. */
size_t cursor_look(struct cursor *cursor, const uint8_t **ret_bytes);
/* `length` of those were read. */
void cursor_advance(struct cursor *cursor, size_t length);
/* Where it is in the reel. */
uint64_t cursor_position(const struct cursor *cursor);
/* The rest of the frame in whose middle the cursor is, that was begun but not sent whole; 0: it
 * is between frames. */
size_t cursor_frame_rest(const struct cursor *cursor, const uint8_t **ret_bytes);

#endif
