/* What holds: [begin, end) of the buffer is what was read and not taken yet. It moves to
 * the front when room runs out, so that every record stands in one piece. */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "capture/inflate.h"

enum { BUFFER_BYTES = 512 << 10, STORED_BYTES = 128 << 10 };

struct source {
    int fd; /* -1: memory */
    uint8_t *buffer;
    size_t capacity, begin, end;
    bool ended;
    uint64_t position, size;
    const uint8_t *memory; /* what is left of it */
    size_t memory_left;
    /* Of a compressed file: */
    const struct inflate *inflate;
    void *state;
    uint8_t *stored; /* what was read and not yet decompressed */
    size_t stored_begin, stored_end;
    bool whole;
    struct error failure;
};

/* --- What is stored --- */

/* Reads what is stored; 0 at its end, or negative, and `failure` says why. */
static ssize_t read_stored(struct source *source, uint8_t *bytes, size_t room)
{
    ssize_t got;
    if (source->fd < 0) {
        size_t count = source->memory_left < room ? source->memory_left : room;
        if (count > 0)
            memcpy(bytes, source->memory, count);
        source->memory += count;
        source->memory_left -= count;
        source->position += count;
        return (ssize_t)count;
    }
    do
        got = read(source->fd, bytes, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        error_set_system(&source->failure, errno, "reading it");
    else
        source->position += (uint64_t)got;
    return got;
}

/* Reads and decompresses, as much as there is room for. Whether anything came. */
static bool read_inflated(struct source *source)
{
    size_t room = source->capacity - source->end, was = room;
    while (room == was) {
        bool at_end = false;
        if (source->stored_begin == source->stored_end) {
            ssize_t got = read_stored(source, source->stored, STORED_BYTES);
            if (got < 0)
                return false;
            source->stored_begin = 0;
            source->stored_end = (size_t)got;
            at_end = got == 0;
        }
        struct inflate_step step = {source->stored + source->stored_begin,
                                    source->stored_end - source->stored_begin,
                                    source->buffer + source->end, room};
        int code = source->inflate->step(source->state, &step, &source->whole);
        source->stored_begin = source->stored_end - step.in_left;
        source->end += room - step.out_left;
        room = step.out_left;
        if (code) {
            error_set(&source->failure, code,
                      code == ERROR_MEMORY ? "no memory to decompress it"
                                           : "its %s compression is broken",
                      source->inflate->name);
            source->ended = true;
            return room < was;
        }
        if (at_end && room == was) {
            if (!source->whole)
                error_set(&source->failure, ERROR_CORRUPT,
                          "its %s compression ends too early", source->inflate->name);
            return false;
        }
    }
    return true;
}

static bool read_plain(struct source *source)
{
    ssize_t got =
        read_stored(source, source->buffer + source->end, source->capacity - source->end);
    if (got <= 0)
        return false;
    source->end += (size_t)got;
    return true;
}

/* --- The buffer --- */

/* Room for `count` bytes from `begin` on. */
static bool make_room(struct source *source, size_t count)
{
    size_t held = source->end - source->begin;
    if (count > source->capacity) {
        uint8_t *larger = realloc(source->buffer, count);
        if (!larger) {
            error_set(&source->failure, ERROR_MEMORY,
                      "no memory for a record of %zu bytes", count);
            return false;
        }
        source->buffer = larger;
        source->capacity = count;
    }
    memmove(source->buffer, source->buffer + source->begin, held);
    source->begin = 0;
    source->end = held;
    return true;
}

static void fill(struct source *source, size_t count)
{
    if (source->ended || count > SOURCE_NEED_MAX)
        return;
    if (source->capacity - source->begin < count && !make_room(source, count)) {
        source->ended = true;
        return;
    }
    while (!source->ended && source->end - source->begin < count) {
        bool more = source->inflate ? read_inflated(source) : read_plain(source);
        source->ended = source->ended || !more;
    }
}

size_t source_need(struct source *source, size_t count, const uint8_t **ret_bytes)
{
    if (source->end - source->begin < count)
        fill(source, count);
    *ret_bytes = source->buffer + source->begin;
    return source->end - source->begin;
}

void source_skip(struct source *source, size_t count)
{
    source->begin += count;
}

/* --- Opening and closing --- */

/* What was read so far turns out to be compressed: it is what is stored. */
static int begin_inflating(struct source *source, const struct inflate *inflate)
{
    size_t held = source->end - source->begin;
    source->stored = malloc(held > STORED_BYTES ? held : STORED_BYTES);
    source->state = inflate->open();
    source->inflate = inflate;
    if (!source->stored || !source->state)
        return ERROR_MEMORY;
    memcpy(source->stored, source->buffer + source->begin, held);
    source->stored_end = held;
    source->begin = source->end = 0;
    source->ended = false;
    return 0;
}

static int begin(struct source *source, struct error *err)
{
    const uint8_t *bytes;
    source->capacity = BUFFER_BYTES;
    source->buffer = malloc(source->capacity);
    if (!source->buffer)
        return error_set(err, ERROR_MEMORY, "no memory to read it with");
    size_t length = source_need(source, 4, &bytes);
    const struct inflate *inflate = inflate_find(bytes, length);
    if (inflate && begin_inflating(source, inflate))
        return error_set(err, ERROR_MEMORY, "no memory to decompress it");
    return source_failure(source, err);
}

static struct source *new_source(struct error *err)
{
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        error_set(err, ERROR_MEMORY, "no memory to read it with");
    else
        source->fd = -1;
    return source;
}

int source_open(const char *path, struct source **ret_source, struct error *err)
{
    struct source *source = new_source(err);
    struct stat about;
    if (!source)
        return ERROR_MEMORY;
    if (strcmp(path, "-") == 0)
        source->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    else
        source->fd = open(path, O_RDONLY | O_CLOEXEC);
    int code = 0;
    if (source->fd < 0)
        code = error_set_system(err, errno, "opening it");
    else if (fstat(source->fd, &about) == 0 && S_ISREG(about.st_mode))
        source->size = (uint64_t)about.st_size;
    if (code == 0)
        code = begin(source, err);
    if (code) {
        source_close(&source);
        return code;
    }
    posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *ret_source = source;
    return 0;
}

int source_memory(const void *bytes, size_t length, struct source **ret_source,
                  struct error *err)
{
    struct source *source = new_source(err);
    if (!source)
        return ERROR_MEMORY;
    source->memory = bytes;
    source->memory_left = source->size = length;
    int code = begin(source, err);
    if (code) {
        source_close(&source);
        return code;
    }
    *ret_source = source;
    return 0;
}

void source_close(struct source **source)
{
    struct source *closed = *source;
    if (!closed)
        return;
    if (closed->state)
        closed->inflate->close(closed->state);
    if (closed->fd >= 0)
        close(closed->fd);
    free(closed->stored);
    free(closed->buffer);
    free(closed);
    *source = NULL;
}

/* --- What is known of it --- */

int source_failure(const struct source *source, struct error *err)
{
    if (source->failure.code && err)
        *err = source->failure;
    return source->failure.code;
}

uint64_t source_position(const struct source *source)
{
    return source->position;
}

uint64_t source_size(const struct source *source)
{
    return source->size;
}

const char *source_compression(const struct source *source)
{
    return source->inflate ? source->inflate->name : "";
}
