/* What holds: the `there` bytes from `at` on were read and not taken yet. They stand in the
 * buffer, and move to its front when room runs out, so that every record stands in one
 * piece; or in the caller's memory, which is not copied, so that a read past its end is
 * one past the caller's own. */
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

/* Between a quarter and half a MiB a file in the page cache is read fastest: the buffer
 * still is in the processor's own cache when its bytes are looked at. */
enum { BUFFER_BYTES = 512 << 10 };

struct source {
    int fd; /* -1: memory */
    const uint8_t *at;
    size_t there;
    uint8_t *buffer; /* null while the bytes are the caller's */
    size_t capacity;
    bool ended; /* nothing comes after what is there */
    uint64_t position, size;
    /* Of a compressed file: */
    const struct inflate *inflate;
    void *state;
    uint8_t *stored_buffer; /* or null: the caller's memory */
    const uint8_t *stored;  /* what was read and not yet decompressed */
    size_t stored_there;
    bool whole; /* what was decompressed so far ends where a stream does */
    struct error failure;
    int (*wait)(void *owner, int fd); /* or null */
    void *wait_owner;
};

/* --- Reading --- */

/* What the file has next; 0 at its end, and on failure, of which `failure` tells. */
static size_t read_stored(struct source *source, uint8_t *bytes, size_t room)
{
    if (source->fd < 0)
        return 0;
    int code = source->wait ? source->wait(source->wait_owner, source->fd) : 0;
    if (code) {
        error_set(&source->failure, code, "waiting for it");
        return 0;
    }
    ssize_t got = read(source->fd, bytes, room);
    if (got < 0) {
        error_set_system(&source->failure, errno, "reading it");
        return 0;
    }
    source->position += (uint64_t)got;
    return (size_t)got;
}

static int fail_inflating(struct source *source, int code)
{
    const char *name = source->inflate->name;
    if (code == ERROR_MEMORY)
        return error_set(&source->failure, code, "no memory to decompress it");
    if (code == ERROR_LIMIT)
        return error_set(&source->failure, code,
                         "its %s compression asks for more memory than it gets", name);
    return error_set(&source->failure, code, "its %s compression is broken", name);
}

/* Decompresses as much as comes of what is stored and fits in the room. False when that
 * was all: at the end, or on failure. */
static bool read_inflated(struct source *source, uint8_t *bytes, size_t room)
{
    bool at_end = false;
    if (source->stored_there == 0) {
        source->stored = source->stored_buffer;
        source->stored_there = read_stored(source, source->stored_buffer, BUFFER_BYTES);
        at_end = source->stored_there == 0;
    }
    if (source->failure.code)
        return false;
    struct inflate_step step = {source->stored, source->stored_there, bytes, room};
    int code = source->inflate->step(source->state, &step, &source->whole);
    bool moved = step.in_left < source->stored_there || step.out_left < room;
    source->stored = step.in;
    source->stored_there = step.in_left;
    source->there += room - step.out_left;
    if (code == 0 && moved)
        return true;
    if (code)
        fail_inflating(source, code);
    else if (!at_end)
        fail_inflating(source, ERROR_CORRUPT);
    else if (!source->whole)
        error_set(&source->failure, ERROR_CORRUPT, "its %s compression ends too early",
                  source->inflate->name);
    return false;
}

/* Whether more may come. */
static bool read_more(struct source *source)
{
    size_t held = (size_t)(source->at - source->buffer) + source->there;
    uint8_t *bytes = source->buffer + held;
    size_t room = source->capacity - held;
    if (source->inflate)
        return read_inflated(source, bytes, room);
    size_t got = read_stored(source, bytes, room);
    source->there += got;
    return got > 0;
}

/* --- The buffer --- */

/* Twice as large as often as it takes. */
static bool grow(struct source *source, size_t count)
{
    size_t capacity = source->capacity;
    while (capacity < count)
        capacity *= 2;
    uint8_t *larger = malloc(capacity);
    if (!larger) {
        error_set(&source->failure, ERROR_MEMORY, "no memory for a record of %zu bytes",
                  count);
        return false;
    }
    memcpy(larger, source->at, source->there);
    free(source->buffer);
    source->at = source->buffer = larger;
    source->capacity = capacity;
    return true;
}

/* Sees to it that `count` bytes fit from `at` on. */
static bool make_room(struct source *source, size_t count)
{
    if (count > source->capacity)
        return grow(source, count);
    if (source->there == 0)
        source->at = source->buffer;
    if (source->capacity - (size_t)(source->at - source->buffer) < count) {
        memmove(source->buffer, source->at, source->there);
        source->at = source->buffer;
    }
    return true;
}

static void fill(struct source *source, size_t count)
{
    if (source->ended || count > SOURCE_NEED_MAX)
        return;
    if (!make_room(source, count))
        source->ended = true;
    while (!source->ended && source->there < count)
        source->ended = !read_more(source);
}

size_t source_need(struct source *source, size_t count, const uint8_t **ret_bytes)
{
    if (source->there < count)
        fill(source, count);
    *ret_bytes = source->at;
    return source->there;
}

void source_skip(struct source *source, size_t count)
{
    source->at += count;
    source->there -= count;
}

/* --- Opening and closing --- */

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_MEMORY, "no memory to read it with");
}

static bool new_buffer(struct source *source)
{
    source->capacity = BUFFER_BYTES;
    source->buffer = malloc(source->capacity);
    source->at = source->buffer;
    source->there = 0;
    return source->buffer;
}

/* What is there turns out to be compressed: it is what is stored, and its buffer that of
 * what is stored. */
static int begin_inflating(struct source *source, const struct inflate *inflate)
{
    source->inflate = inflate;
    source->stored_buffer = source->buffer;
    source->stored = source->at;
    source->stored_there = source->there;
    source->state = inflate->open();
    source->ended = false;
    return new_buffer(source) && source->state ? 0 : ERROR_MEMORY;
}

static int begin(struct source *source, struct error *err)
{
    const uint8_t *bytes;
    size_t length = source_need(source, INFLATE_MAGIC_BYTES, &bytes);
    if (source_failure(source, err))
        return source->failure.code;
    const struct inflate *inflate = inflate_find(bytes, length);
    return inflate && begin_inflating(source, inflate) ? no_memory(err) : 0;
}

static int finish_opening(struct source *source, int code, struct source **ret_source)
{
    if (code)
        source_close(&source);
    else
        *ret_source = source;
    return code;
}

int source_take(int fd, struct source **ret_source, struct error *err)
{
    struct stat about;
    struct source *source = calloc(1, sizeof *source);
    if (!source) {
        close(fd);
        return no_memory(err);
    }
    source->fd = fd;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
        source->size = (uint64_t)about.st_size;
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* where it does not help: no harm */
    int code = new_buffer(source) ? begin(source, err) : no_memory(err);
    return finish_opening(source, code, ret_source);
}

int source_open(const char *path, struct source **ret_source, struct error *err)
{
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                    : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_system(err, errno, "opening it");
    return source_take(fd, ret_source, err);
}

int source_memory(const void *bytes, size_t length, struct source **ret_source,
                  struct error *err)
{
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return no_memory(err);
    source->fd = -1;
    source->at = bytes;
    source->there = source->position = source->size = length;
    source->ended = true;
    return finish_opening(source, begin(source, err), ret_source);
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
    free(closed->stored_buffer);
    free(closed->buffer);
    free(closed);
    *source = NULL;
}

void source_on_wait(struct source *source, int (*wait)(void *owner, int fd), void *owner)
{
    struct stat about;
    if (source->fd < 0 || (fstat(source->fd, &about) == 0 && S_ISREG(about.st_mode)))
        return;
    source->wait = wait;
    source->wait_owner = owner;
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
