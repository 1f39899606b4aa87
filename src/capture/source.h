/* Bytes of a capture file, in order: from a path, a descriptor or memory, as they are or
 * out of gzip, zstd or lz4, told by their magic numbers and never by a name.
 *
 *     source_open, source_take or source_memory
 *     source_need, source_skip        again and again
 *     source_close
 *
 * Files are read into one buffer, not mapped: that takes a quarter of the time, counts
 * nowhere as memory and works for pipes, and a mapped file that somebody cuts meanwhile
 * ends the program with SIGBUS. */
#ifndef WOSHOU_CAPTURE_SOURCE_H
#define WOSHOU_CAPTURE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct source;

/* The most that source_need may be asked for at once. */
enum { SOURCE_NEED_MAX = 16 << 20 };

/* `path` is "-" for standard input. 0, or a negative code. */
int source_open(const char *path, struct source **ret_source, struct error *err);
/* From where the descriptor stands; it is taken, and closed on failure too. */
int source_take(int fd, struct source **ret_source, struct error *err);
/* Bytes in memory, borrowed until source_close. */
int source_memory(const void *bytes, size_t length, struct source **ret_source,
                  struct error *err);
/* Closes it and leaves null; accepts null. */
void source_close(struct source **source);

/* From here on `wait` is called before each read of what is no ordinary file, and waits
 * until there is something to read: 0; or a negative code, which ends the bytes. */
void source_on_wait(struct source *source, int (*wait)(void *owner, int fd), void *owner);

/* At least `count` bytes (at most SOURCE_NEED_MAX) that come next, or as many as there
 * are before the end; `ret_bytes` is borrowed until the next call. Returns how many there
 * are, which may be more. An unreadable file or a broken compression ends the bytes too;
 * source_failure then tells. So does a signal that comes while a pipe is waited for, where
 * its handler lets no call be restarted: ERROR_INTERRUPTED. */
size_t source_need(struct source *source, size_t count, const uint8_t **ret_bytes);
/* Takes `count` bytes away, which source_need has shown. */
void source_skip(struct source *source, size_t count);

/* 0 where the bytes ended because the file did; else the code, and the sentence in `err`. */
int source_failure(const struct source *source, struct error *err);

/* Bytes of the stored file that were read so far, and its size (0: not known). */
uint64_t source_position(const struct source *source);
uint64_t source_size(const struct source *source);
/* "gzip", "zstd", "lz4", or "" for bytes as they are. */
const char *source_compression(const struct source *source);

#endif
