/* The sender's state, and what its files say to each other. Private to sending*.c.
 *
 * What holds always: a unit - a chunk, or a pack of small files - that was taken from the work to do is
 * in one link's `outstanding` until it is answered; what comes back from there goes to `again`, which
 * is looked at first. Units of a root that has ended are dropped wherever they are met. */
#ifndef WOSHOU_FILE_SENDING_STATE_H
#define WOSHOU_FILE_SENDING_STATE_H

#include "base/buffer.h"
#include "base/list.h"
#include "file/chunk.h"
#include "file/manifest.h"
#include "file/protocol.h"
#include "file/sending.h"

struct error;
struct walk;

struct entry {
    uint64_t size, version;
    uint32_t parent, root;
    uint32_t name;        /* where it begins in `names` */
    uint32_t next_chunk;  /* to be taken */
    uint32_t chunks_left; /* not acknowledged; of a small file 1 */
    uint8_t kind;
    struct chunk_map have; /* chunks that are there already */
};

enum root_state { ROOT_WAITS, ROOT_WALKED, ROOT_SENT, ROOT_ENDED };

struct root {
    char name[256];
    char *path;
    int folder;
    bool follow;
    enum root_state state;
    uint32_t first; /* its own entry; MANIFEST_ROOT until it has one */
    uint32_t files;
    uint64_t bytes;
    unsigned failed; /* before its turn came: with this code, */
    char *sentence;  /* and this reason */
};

/* A file that is being read, by as many links as have a chunk of it. */
struct source {
    struct list_link place;
    uint32_t entry;
    unsigned users;
    int fd;
};

struct unit {
    struct list_link place;
    uint64_t id;
    uint32_t entry;
    uint32_t chunk;
    uint32_t *packed; /* a pack's entries; null: a chunk */
    uint32_t packed_count;
    unsigned damaged; /* how often it arrived with another check */
};

struct sending {
    struct sending_options options;
    struct link *control;
    struct root *roots;
    uint32_t root_count, root_at; /* the one that is walked through */
    struct walk *walk;
    bool told_all; /* END was sent */
    struct entry *entries;
    uint32_t count, capacity, answered;
    struct buffer names;
    uint32_t *wanted; /* entries with something to send, in order */
    size_t wanted_count, wanted_capacity, wanted_at;
    struct list again;
    struct list sources;
    struct source *kept; /* open, and used by nobody; or null */
    uint32_t ended;      /* roots */
    uint32_t cached;     /* a folder's entry, */
    int cached_fd;       /* and its descriptor; -1 */
    struct tally tally;
};

/* --- sending.c --- */

/* It failed on this side: the receiver is told, and who asks for reports. What the control link fails
 * with. */
int sending_fail(struct sending *sending, struct root *root, unsigned code,
                 const char *sentence);
int sending_fail_by(struct sending *sending, struct root *root, const struct error *err);

/* --- sending_tell.c --- */

/* Sends ENTRIES as long as the receiver keeps up, and END. */
int sending_tell(struct sending *sending);

/* --- sending_source.c --- */

/* Opens a file; it must be the one that was told of. A descriptor of the caller's. */
int sending_open_file(struct sending *sending, uint32_t number, int *ret_fd,
                      struct error *err);
/* Whether it still is what was told of, now that it was read. */
int sending_check_unchanged(struct sending *sending, uint32_t number, int fd,
                            struct error *err);
/* All of `length` bytes; a file that has fewer was cut. */
int sending_read(struct sending *sending, uint32_t number, int fd, char *bytes,
                 size_t length, uint64_t offset, struct error *err);
/* The same file for all links that read it. */
int sending_acquire(struct sending *sending, uint32_t number, struct source **ret_source,
                    struct error *err);
/* Accepts null, leaves null. */
void sending_release(struct sending *sending, struct source **source);
void sending_forget_source(struct sending *sending);
void sending_forget_folder(struct sending *sending);

/* --- sending_unit.c --- */

static inline bool sending_is_small(const struct entry *entry)
{
    return entry->size <= FILE_PACKED_BYTES;
}
/* Whether its root has ended: it need not arrive any more. */
bool sending_is_dead(const struct sending *sending, const struct unit *unit);
void sending_free_unit(struct unit *unit);
/* What is to be sent next, or null: nothing, or no memory. */
struct unit *sending_next_unit(struct sending *sending);
int sending_begin_unit(struct sending *sending, struct link *link, struct unit *unit);
/* The next piece of the chunk that is under way. */
int sending_send_piece(struct sending *sending, struct link *link);

#endif
