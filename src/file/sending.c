/* What holds always: a unit - a chunk, or a pack of small files - that was taken from the work to do is
 * in one link's `outstanding` until it is answered; what comes back from there goes to `again`, which
 * is looked at first. Units of a root that has ended are dropped wherever they are met. This file has
 * more than 600 lines, since all of that is one state. */
#include "file/sending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "file/beneath.h"
#include "file/chunk.h"
#include "file/manifest.h"
#include "file/protocol.h"
#include "file/walk.h"

enum {
    MOST_DAMAGED = 3,     /* times for one unit, before its root is given up */
    FILL_BYTES = 1 << 20, /* sent by one sending_fill, so that others have their turn */
    ENTRIES_AHEAD = 64 << 10, /* told of and not answered, before the walk waits */
    PIECE_ROOM = FILE_PACK_BYTES + FILE_PACKED_BYTES
};

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
    uint32_t ended;  /* roots */
    uint32_t cached; /* a folder's entry, */
    int cached_fd;   /* and its descriptor; -1 */
    struct tally tally;
};

/* --- Life --- */

int sending_new(const struct sending_options *options, struct sending **ret_sending,
                struct error *err)
{
    struct sending *sending = calloc(1, sizeof *sending);
    if (!sending)
        return error_set(err, ERROR_MEMORY, "no memory for a transfer");
    sending->options = *options;
    sending->cached_fd = -1;
    buffer_init(&sending->names, UINT32_MAX - 1);
    list_init(&sending->again);
    list_init(&sending->sources);
    *ret_sending = sending;
    return 0;
}

static void free_unit(struct unit *unit)
{
    list_remove(&unit->place);
    free(unit->packed);
    free(unit);
}

static void free_units(struct list *units)
{
    list_for_each_safe (link, units)
        free_unit(list_member(link, struct unit, place));
}

static void forget_folder(struct sending *sending)
{
    if (sending->cached_fd >= 0)
        close(sending->cached_fd);
    sending->cached_fd = -1;
}

void sending_free(struct sending **pointer)
{
    struct sending *sending = *pointer;
    if (!sending)
        return;
    walk_close(&sending->walk);
    free_units(&sending->again);
    forget_folder(sending);
    for (uint32_t i = 0; i < sending->count; i++)
        chunk_map_done(&sending->entries[i].have);
    for (uint32_t i = 0; i < sending->root_count; i++) {
        free(sending->roots[i].path);
        free(sending->roots[i].sentence);
    }
    free(sending->roots);
    free(sending->entries);
    free(sending->wanted);
    buffer_done(&sending->names);
    const struct transfer_reports reports = sending->options.reports;
    free(sending);
    *pointer = NULL;
    if (reports.closed)
        reports.closed(reports.owner);
}

/* --- Roots --- */

static struct root *new_root(struct sending *sending, const char *as)
{
    struct root *roots =
        realloc(sending->roots, (sending->root_count + 1) * sizeof *roots);
    if (!roots)
        return NULL;
    sending->roots = roots;
    struct root *root = &roots[sending->root_count];
    *root = (struct root){.first = MANIFEST_ROOT, .folder = -1};
    strncpy(root->name, as, sizeof root->name - 1);
    return root;
}

int sending_add(struct sending *sending, int folder, const char *path, const char *as,
                struct error *err)
{
    struct walk *walk;
    int code = walk_open(folder, path, folder == AT_FDCWD, as, &walk, err);
    if (code)
        return code;
    walk_close(&walk);
    struct root *root = new_root(sending, as);
    char *copy = strdup(path);
    if (!root || !copy) {
        free(copy);
        return error_set(err, ERROR_MEMORY, "no memory for '%s'", path);
    }
    root->path = copy;
    root->folder = folder;
    root->follow = folder == AT_FDCWD;
    sending->root_count++;
    return 0;
}

int sending_add_failed(struct sending *sending, const char *as, unsigned code,
                       const char *sentence)
{
    struct root *root = new_root(sending, as);
    if (!root || !(root->sentence = strdup(sentence)))
        return ERROR_MEMORY;
    root->failed = code;
    sending->root_count++;
    return 0;
}

static void end_root(struct sending *sending, struct root *root,
                     const struct transfer_result *result)
{
    if (root->state == ROOT_ENDED)
        return;
    root->state = ROOT_ENDED;
    sending->ended++;
    if (sending->options.reports.ended)
        sending->options.reports.ended(sending->options.reports.owner, result);
}

/* It failed on this side: the receiver is told, and who asks for reports. */
static int fail_root(struct sending *sending, struct root *root, unsigned code,
                     const char *sentence)
{
    struct buffer frames;
    if (root->state == ROOT_ENDED)
        return 0;
    buffer_init(&frames, 0);
    file_put_failed(&frames, root->first, code, root->name, sentence);
    int sent = sending->control ? link_send(sending->control, &frames) : 0;
    buffer_done(&frames);
    const struct transfer_result result = {
        .name = root->name, .code = code, .sentence = sentence};
    end_root(sending, root, &result);
    return sent;
}

static int fail_root_by(struct sending *sending, struct root *root,
                        const struct error *err)
{
    return fail_root(sending, root, file_error_code(err), err->sentence);
}

/* --- Telling what there is --- */

static int append_entry(struct sending *sending, const struct manifest_entry *told)
{
    if (sending->count == sending->capacity) {
        uint32_t capacity = sending->capacity ? sending->capacity * 2 : 16;
        struct entry *entries =
            capacity > FILE_ENTRIES_MOST
                ? NULL
                : realloc(sending->entries, capacity * sizeof *entries);
        if (!entries)
            return ERROR_MEMORY;
        sending->entries = entries;
        sending->capacity = capacity;
    }
    struct root *root = &sending->roots[sending->root_at];
    sending->entries[sending->count] =
        (struct entry){.size = told->size,
                       .version = told->version,
                       .parent = told->parent,
                       .root = sending->root_at,
                       .name = (uint32_t)sending->names.length,
                       .kind = told->kind};
    buffer_append(&sending->names, told->name, told->name_length);
    if (buffer_append_char(&sending->names, '\0'))
        return ERROR_MEMORY;
    if (told->parent == MANIFEST_ROOT)
        root->first = sending->count;
    sending->count++;
    if (told->kind == FILE_REGULAR) {
        root->files++;
        root->bytes += told->size;
        sending->tally.files++;
        sending->tally.bytes += told->size;
    }
    return 0;
}

/* The next entry of the root that is walked through: 1, or 0 where it has no more (or failed: then it is
 * told of). */
static int walk_on(struct sending *sending, struct manifest_writer *writer)
{
    struct root *root = &sending->roots[sending->root_at];
    struct manifest_entry entry = {0};
    struct error err;
    const char *why = "";
    int found = root->failed || root->state == ROOT_ENDED ? WALK_END : 0;
    if (!sending->walk && !root->failed && root->state != ROOT_ENDED) {
        root->state = ROOT_WALKED;
        found = walk_open(root->folder, root->path, root->follow, root->name,
                          &sending->walk, &err);
    }
    if (sending->walk && root->state != ROOT_ENDED)
        found = walk_next(sending->walk, sending->count, &entry, &why, &err);
    if (found == WALK_PASSED && sending->options.reports.passed)
        sending->options.reports.passed(sending->options.reports.owner, root->name,
                                        entry.name, why);
    if (found == WALK_PASSED)
        return 1;
    if (found == WALK_ENTRY && append_entry(sending, &entry) == 0) {
        manifest_put(writer, &entry);
        return 1;
    }
    if (found == WALK_ENTRY)
        found = error_set(&err, ERROR_LIMIT, "more entries than memory for them");
    walk_close(&sending->walk);
    if (root->state == ROOT_WALKED)
        root->state = ROOT_SENT;
    if (found < 0) {
        root->failed = file_error_code(&err);
        free(root->sentence);
        root->sentence = strdup(err.sentence);
    }
    return 0;
}

/* One batch; it holds entries of several roots where they are small. A root that fails is told of behind
 * the entries that it has. */
static int tell_batch(struct sending *sending)
{
    struct buffer frames;
    struct manifest_writer writer;
    buffer_init(&frames, 0);
    manifest_begin(&writer, &frames, sending->count);
    struct root *failed = NULL;
    while (!failed && sending->root_at < sending->root_count &&
           writer.count < UINT16_MAX && frames.length < FILE_BATCH_BYTES) {
        if (walk_on(sending, &writer))
            continue;
        struct root *root = &sending->roots[sending->root_at++];
        failed = root->failed ? root : NULL;
    }
    int code = manifest_end(&writer) ? -ENOMEM : 0;
    if (!code && frames.length > 0)
        code = link_send(sending->control, &frames);
    buffer_done(&frames);
    if (!code && failed)
        code = fail_root(sending, failed, failed->failed,
                         failed->sentence ? failed->sentence : "no memory");
    return code;
}

static int tell_end(struct sending *sending)
{
    struct buffer frames;
    buffer_init(&frames, 0);
    size_t begin = frame_begin(&frames, FILE_END, 0, 0);
    frame_put_u32(&frames, sending->count);
    frame_put_u64(&frames, sending->tally.bytes);
    frame_end(&frames, begin);
    int code = link_send(sending->control, &frames);
    buffer_done(&frames);
    sending->told_all = sending->tally.counted = true;
    return code;
}

/* As long as the receiver keeps up. */
static int tell(struct sending *sending)
{
    int code = 0;
    while (!code && sending->control && !sending->told_all &&
           sending->count - sending->answered < ENTRIES_AHEAD &&
           channel_unsent_bytes(&sending->control->channel) == 0 &&
           sending->control->later.length == 0)
        code = sending->root_at == sending->root_count ? tell_end(sending)
                                                       : tell_batch(sending);
    return code;
}

/* --- Opening what is told of --- */

/* A descriptor of the caller's, or an error's code. */
static int open_root(struct sending *sending, const struct root *root, int flags)
{
    if (root->follow)
        return openat(root->folder, root->path, flags | O_CLOEXEC);
    int fd = beneath_open(root->folder, root->path, flags, 0);
    (void)sending;
    errno = fd < 0 ? -fd : 0;
    return fd < 0 ? -1 : fd;
}

static int open_entry(struct sending *sending, uint32_t number, int flags);

/* A folder that entries name; the descriptor is borrowed until the next call. */
static int open_parent(struct sending *sending, uint32_t number)
{
    if (sending->cached_fd >= 0 && sending->cached == number)
        return sending->cached_fd;
    int fd = open_entry(sending, number, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return -1;
    forget_folder(sending);
    sending->cached = number;
    return sending->cached_fd = fd;
}

static int open_entry(struct sending *sending, uint32_t number, int flags)
{
    const struct entry *entry = &sending->entries[number];
    if (entry->parent == MANIFEST_ROOT)
        return open_root(sending, &sending->roots[entry->root], flags);
    int folder = open_parent(sending, entry->parent);
    if (folder < 0)
        return -1;
    int fd = beneath_open(folder, sending->names.bytes + entry->name, flags, 0);
    errno = fd < 0 ? -fd : 0;
    return fd < 0 ? -1 : fd;
}

static int blame(struct sending *sending, uint32_t number, int code, const char *what,
                 struct error *err)
{
    const struct entry *entry = &sending->entries[number];
    const char *root = sending->roots[entry->root].name;
    const char *name = sending->names.bytes + entry->name;
    return entry->parent == MANIFEST_ROOT
               ? error_set(err, code, "'%s' %s", root, what)
               : error_set(err, code, "'%s' in '%s' %s", name, root, what);
}

static int blame_system(struct sending *sending, uint32_t number, int system,
                        struct error *err)
{
    const struct entry *entry = &sending->entries[number];
    return error_set_system(err, system, "reading '%s'",
                            sending->names.bytes + entry->name);
}

/* Opens the file; it must be the one that was told of. */
static int open_file(struct sending *sending, uint32_t number, int *ret_fd,
                     struct error *err)
{
    struct stat status;
    int fd = open_entry(sending, number, O_RDONLY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return blame(sending, number, ERROR_AGAIN, "went away while it was sent", err);
    if (fd < 0)
        return blame_system(sending, number, errno, err);
    int code = 0;
    if (fstat(fd, &status) < 0)
        code = blame_system(sending, number, errno, err);
    else if (!S_ISREG(status.st_mode) ||
             walk_version(&status) != sending->entries[number].version)
        code = blame(sending, number, ERROR_AGAIN, "changed while it was sent", err);
    if (code) {
        close(fd);
        return code;
    }
    *ret_fd = fd;
    return 0;
}

/* Whether it still is what was told of, now that it was read. */
static int check_unchanged(struct sending *sending, uint32_t number, int fd,
                           struct error *err)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return blame_system(sending, number, errno, err);
    return walk_version(&status) == sending->entries[number].version
               ? 0
               : blame(sending, number, ERROR_AGAIN, "changed while it was sent", err);
}

/* All of `length` bytes; a file that has fewer was cut. */
static int read_exactly(struct sending *sending, uint32_t number, int fd, char *bytes,
                        size_t length, uint64_t offset, struct error *err)
{
    while (length > 0) {
        ssize_t got = pread(fd, bytes, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return blame_system(sending, number, errno, err);
        if (got == 0)
            return blame(sending, number, ERROR_AGAIN, "was cut while it was sent", err);
        bytes += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

static int acquire(struct sending *sending, uint32_t number, struct source **ret_source,
                   struct error *err)
{
    list_for_each (link, &sending->sources) {
        struct source *source = list_member(link, struct source, place);
        if (source->entry == number) {
            source->users++;
            *ret_source = source;
            return 0;
        }
    }
    struct source *source = calloc(1, sizeof *source);
    if (!source)
        return error_set(err, ERROR_MEMORY, "no memory for a file");
    int code = open_file(sending, number, &source->fd, err);
    if (code) {
        free(source);
        return code;
    }
    posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    source->entry = number;
    source->users = 1;
    list_append(&sending->sources, &source->place);
    *ret_source = source;
    return 0;
}

static void release(struct source **source)
{
    if (*source && --(*source)->users == 0) {
        list_remove(&(*source)->place);
        close((*source)->fd);
        free(*source);
    }
    *source = NULL;
}

/* --- What is wanted --- */

static int want_entry(struct sending *sending, uint32_t number)
{
    if (sending->wanted_count == sending->wanted_capacity) {
        size_t capacity = sending->wanted_capacity ? sending->wanted_capacity * 2 : 64;
        uint32_t *wanted = realloc(sending->wanted, capacity * sizeof *wanted);
        if (!wanted)
            return -ENOMEM;
        sending->wanted = wanted;
        sending->wanted_capacity = capacity;
    }
    sending->wanted[sending->wanted_count++] = number;
    return 0;
}

static bool is_small(const struct entry *entry)
{
    return entry->size <= FILE_PACKED_BYTES;
}

static int take_answer(struct sending *sending, const struct want *want)
{
    struct entry *entry = &sending->entries[want->number];
    struct tally *tally = &sending->tally;
    if (entry->kind == FILE_FOLDER || want->want == FILE_NOT)
        return 0;
    if (want->want == FILE_HAVE) {
        tally->had_bytes += entry->size;
        tally->done_files++;
        return 0;
    }
    entry->chunks_left = is_small(entry) ? 1 : chunk_count(entry->size);
    if (want->want == FILE_SOME) {
        if (is_small(entry) || chunk_map_init(&entry->have, chunk_count(entry->size)))
            return -EBADMSG;
        if (chunk_map_read(&entry->have, want->bits.bytes, want->bits.length) ||
            chunk_map_full(&entry->have))
            return -EBADMSG;
        entry->chunks_left -= entry->have.set;
        tally->had_bytes += chunk_map_covered_bytes(&entry->have, entry->size);
    }
    return want_entry(sending, want->number);
}

static int take_want(struct sending *sending, const struct frame *frame)
{
    struct want_reader reader;
    struct want want;
    if (want_open(&reader, frame, NULL) || reader.number != sending->answered ||
        reader.left > sending->count - sending->answered)
        return -EBADMSG;
    int more, code = 0;
    while (!code && (more = want_read(&reader, &want, NULL)) != 0) {
        code = more < 0 ? -EBADMSG : take_answer(sending, &want);
        sending->answered++;
    }
    return code;
}

/* --- What comes back --- */

static bool is_dead(const struct sending *sending, const struct unit *unit)
{
    return sending->roots[sending->entries[unit->entry].root].state == ROOT_ENDED;
}

static void acknowledge_entry(struct sending *sending, uint32_t number, uint64_t bytes)
{
    struct entry *entry = &sending->entries[number];
    sending->tally.moved_bytes += bytes;
    if (entry->chunks_left > 0 && --entry->chunks_left == 0) {
        sending->tally.done_files++;
        chunk_map_done(&entry->have);
    }
}

static void acknowledge(struct sending *sending, struct unit *unit)
{
    if (!unit->packed)
        acknowledge_entry(sending, unit->entry,
                          chunk_length(sending->entries[unit->entry].size, unit->chunk));
    for (uint32_t i = 0; i < unit->packed_count; i++)
        acknowledge_entry(sending, unit->packed[i],
                          sending->entries[unit->packed[i]].size);
    free_unit(unit);
}

/* All up to `id` were right, or all before it, and that one was not. */
static int take_answered(struct sending *sending, struct link *link, uint64_t id,
                         bool right)
{
    struct list *outstanding = &link->out.outstanding;
    struct unit *unit = NULL;
    while (!list_empty(outstanding)) {
        unit = list_member(list_first(outstanding), struct unit, place);
        if (unit->id > id || unit == link->out.current || (unit->id == id && !right))
            break;
        acknowledge(sending, unit);
        unit = NULL;
    }
    if (right)
        return 0;
    if (!unit || unit->id != id || unit == link->out.current)
        return -EBADMSG;
    list_remove(&unit->place);
    unit->damaged++;
    list_append(&sending->again, &unit->place);
    return 0;
}

static struct root *root_of_entry(struct sending *sending, uint32_t number)
{
    if (number >= sending->count)
        return NULL;
    struct root *root = &sending->roots[sending->entries[number].root];
    return root->first == number ? root : NULL;
}

static int take_done(struct sending *sending, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    struct root *root = root_of_entry(sending, frame_read_u32(&reader));
    uint8_t already = frame_read_u8(&reader), checked = frame_read_u8(&reader);
    const uint8_t *check = frame_read_bytes(&reader, CHECK_BYTES);
    if (reader.failed || !root)
        return -EBADMSG;
    struct transfer_result result = {.name = root->name,
                                     .folder = sending->entries[root->first].kind ==
                                               FILE_FOLDER,
                                     .already = already,
                                     .checked = checked,
                                     .bytes = root->bytes,
                                     .files = root->files};
    memcpy(result.check.bytes, check, CHECK_BYTES);
    end_root(sending, root, &result);
    return 0;
}

static int take_failed(struct sending *sending, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    struct root *root = root_of_entry(sending, frame_read_u32(&reader));
    unsigned code = frame_read_u16(&reader);
    frame_read_text(&reader);
    struct frame_text said = frame_read_text(&reader);
    if (reader.failed || !root)
        return -EBADMSG;
    struct error err;
    error_set(&err, ERROR_REFUSED, "%.*s", (int)said.length, said.bytes);
    const struct transfer_result result = {.name = root->name,
                                           .code = code ? code : FRAME_ERROR_INTERNAL,
                                           .sentence = err.sentence};
    end_root(sending, root, &result);
    return 0;
}

int sending_take(struct sending *sending, struct link *link, const struct frame *frame)
{
    switch (frame->type) {
    case FILE_WANT: return take_want(sending, frame);
    case FILE_GOT: return take_answered(sending, link, frame->id, true);
    case FILE_AGAIN: return take_answered(sending, link, frame->id, false);
    case FILE_DONE: return take_done(sending, frame);
    case FILE_FAILED: return take_failed(sending, frame);
    default: return -EBADMSG;
    }
}

/* --- The next unit --- */

static struct unit *new_unit(uint32_t entry, uint32_t chunk)
{
    struct unit *unit = calloc(1, sizeof *unit);
    if (unit) {
        unit->entry = entry;
        unit->chunk = chunk;
    }
    return unit;
}

/* The next chunk of a file that is not there; or false, and the file is done with. */
static bool next_chunk(struct entry *entry, uint32_t *ret_chunk)
{
    uint32_t count = chunk_count(entry->size);
    while (entry->next_chunk < count && chunk_map_has(&entry->have, entry->next_chunk))
        entry->next_chunk++;
    if (entry->next_chunk == count)
        return false;
    *ret_chunk = entry->next_chunk++;
    return true;
}

static struct entry *first_wanted(struct sending *sending)
{
    while (sending->wanted_at < sending->wanted_count) {
        struct entry *entry = &sending->entries[sending->wanted[sending->wanted_at]];
        if (sending->roots[entry->root].state != ROOT_ENDED)
            return entry;
        sending->wanted_at++;
    }
    sending->wanted_at = sending->wanted_count = 0;
    return NULL;
}

/* As many small files as a pack holds, from the first one on. */
static struct unit *next_pack(struct sending *sending)
{
    enum { OVERHEAD = 24, MOST = FILE_PACK_BYTES / OVERHEAD };
    struct unit *unit = new_unit(sending->wanted[sending->wanted_at], 0);
    if (!unit || !(unit->packed = malloc(MOST * sizeof *unit->packed))) {
        free(unit);
        return NULL;
    }
    size_t bytes = 0;
    for (const struct entry *entry; (entry = first_wanted(sending)) && is_small(entry);) {
        bytes += entry->size + OVERHEAD;
        if (unit->packed_count == MOST ||
            (unit->packed_count > 0 && bytes > FILE_PACK_BYTES))
            break;
        unit->packed[unit->packed_count++] = sending->wanted[sending->wanted_at++];
    }
    return unit;
}

/* What is to be sent next, or null: nothing, or no memory. */
static struct unit *next_unit(struct sending *sending)
{
    while (!list_empty(&sending->again)) {
        struct unit *unit = list_member(list_first(&sending->again), struct unit, place);
        list_remove(&unit->place);
        if (!is_dead(sending, unit))
            return unit;
        free_unit(unit);
    }
    for (struct entry *entry; (entry = first_wanted(sending)); sending->wanted_at++) {
        uint32_t chunk, number = sending->wanted[sending->wanted_at];
        if (is_small(entry))
            return next_pack(sending);
        if (next_chunk(entry, &chunk))
            return new_unit(number, chunk);
    }
    return NULL;
}

/* --- Sending them --- */

/* Puts the contents of one small file behind what the pack has. */
static int pack_file(struct sending *sending, struct buffer *piece, uint32_t number,
                     struct error *err)
{
    size_t size = sending->entries[number].size;
    int fd, code = open_file(sending, number, &fd, err);
    if (code)
        return code;
    size_t begin = piece->length;
    frame_put_u32(piece, number);
    frame_put_bytes(piece, (const uint8_t[CHECK_BYTES]){0}, CHECK_BYTES);
    frame_put_u32(piece, (uint32_t)size);
    code = buffer_reserve(piece, size);
    if (code)
        error_set(err, code, "no memory for a pack");
    char *contents = piece->bytes + piece->length;
    if (!code)
        code = read_exactly(sending, number, fd, contents, size, 0, err);
    if (!code)
        code = check_unchanged(sending, number, fd, err);
    close(fd);
    if (code) {
        piece->length = begin;
        return code;
    }
    piece->length += size;
    const struct check check = check_of(contents, size);
    memcpy(piece->bytes + begin + sizeof number, check.bytes, CHECK_BYTES);
    return 0;
}

/* Files whose root fails meanwhile are left out, and the pack goes without them. */
static int send_pack(struct sending *sending, struct link *link, struct unit *unit)
{
    struct buffer *piece = &link->out.piece;
    size_t begin = frame_begin(piece, FILE_PACK, 0, unit->id);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < unit->packed_count; i++) {
        uint32_t number = unit->packed[i];
        struct root *root = &sending->roots[sending->entries[number].root];
        struct error err;
        if (root->state == ROOT_ENDED)
            continue;
        if (pack_file(sending, piece, number, &err) == 0) {
            unit->packed[kept++] = number;
            continue;
        }
        int code = fail_root_by(sending, root, &err);
        if (code)
            return code;
    }
    unit->packed_count = kept;
    if (frame_end(piece, begin))
        return -ENOMEM;
    list_append(&link->out.outstanding, &unit->place);
    return 0;
}

/* What is under way on the link is over, and nobody will answer it. */
static void drop_current(struct link *link)
{
    if (link->out.current)
        free_unit(link->out.current);
    link->out.current = NULL;
    release(&link->out.source);
}

static int begin_chunk(struct sending *sending, struct link *link, struct unit *unit)
{
    const struct entry *entry = &sending->entries[unit->entry];
    struct outflow *out = &link->out;
    struct error err;
    list_append(&out->outstanding, &unit->place);
    out->current = unit;
    if (acquire(sending, unit->entry, &out->source, &err)) {
        drop_current(link);
        return fail_root_by(sending, &sending->roots[entry->root], &err);
    }
    out->offset = chunk_offset(entry->size, unit->chunk);
    out->end = out->offset + chunk_length(entry->size, unit->chunk);
    check_begin(out->state);
    return 0;
}

static int begin_unit(struct sending *sending, struct link *link, struct unit *unit)
{
    unit->id = link->out.next_id++;
    if (unit->damaged <= MOST_DAMAGED)
        return unit->packed ? send_pack(sending, link, unit)
                            : begin_chunk(sending, link, unit);
    struct root *root = &sending->roots[sending->entries[unit->entry].root];
    free_unit(unit);
    return fail_root(sending, root, FRAME_ERROR_CHECK,
                     "its bytes arrive damaged again and again");
}

/* The chunk is read to its end: its check follows the data. */
static int end_chunk(struct sending *sending, struct link *link)
{
    struct outflow *out = &link->out;
    const struct check check = check_end(out->state);
    struct error err;
    uint32_t number = out->current->entry;
    if (check_unchanged(sending, number, out->source->fd, &err)) {
        drop_current(link);
        buffer_clear(&out->piece);
        return fail_root_by(sending, &sending->roots[sending->entries[number].root],
                            &err);
    }
    size_t begin = frame_begin(&out->piece, FILE_CHECK, 0, out->current->id);
    frame_put_u32(&out->piece, number);
    frame_put_u32(&out->piece, out->current->chunk);
    frame_put_bytes(&out->piece, check.bytes, CHECK_BYTES);
    if (frame_end(&out->piece, begin))
        return -ENOMEM;
    out->current = NULL; /* it stays outstanding */
    release(&out->source);
    return 0;
}

/* The next piece of the chunk that is under way. */
static int send_piece(struct sending *sending, struct link *link)
{
    struct outflow *out = &link->out;
    struct unit *unit = out->current;
    struct error err;
    uint64_t left = out->end - out->offset;
    size_t length = left < FILE_PIECE_BYTES ? (size_t)left : FILE_PIECE_BYTES;
    if (is_dead(sending, unit)) {
        drop_current(link);
        return 0;
    }
    size_t begin = frame_begin(&out->piece, FILE_DATA, 0, unit->id);
    frame_put_u32(&out->piece, unit->entry);
    frame_put_u64(&out->piece, out->offset);
    if (buffer_reserve(&out->piece, length + FRAME_HEADER_BYTES + 64))
        return -ENOMEM;
    char *data = out->piece.bytes + out->piece.length;
    if (read_exactly(sending, unit->entry, out->source->fd, data, length, out->offset,
                     &err)) {
        struct root *root = &sending->roots[sending->entries[unit->entry].root];
        buffer_clear(&out->piece);
        drop_current(link);
        return fail_root_by(sending, root, &err);
    }
    check_update(out->state, data, length);
    out->piece.length += length;
    out->offset += length;
    if (frame_end(&out->piece, begin))
        return -ENOMEM;
    return out->offset == out->end ? end_chunk(sending, link) : 0;
}

int sending_fill(struct sending *sending, struct link *link, int64_t now_ns)
{
    struct outflow *out = &link->out;
    size_t filled = 0;
    int code;
    while ((code = link_push(link, now_ns)) == 0) {
        code = tell(sending);
        if (code)
            break;
        if (filled >= FILL_BYTES)
            return 1;
        struct unit *unit = out->current ? NULL : next_unit(sending);
        if (unit)
            code = begin_unit(sending, link, unit);
        else if (!out->current)
            return 0;
        if (!code && out->current)
            code = send_piece(sending, link);
        if (code)
            break;
        filled += out->piece.length;
    }
    return code == -EAGAIN ? 0 : code;
}

/* --- Links --- */

void sending_attach(struct sending *sending, struct link *link)
{
    if (!sending->control)
        sending->control = link;
}

void sending_detach(struct sending *sending, struct link *link)
{
    struct outflow *out = &link->out;
    out->current = NULL;
    release(&out->source);
    list_for_each_safe (place, &out->outstanding) {
        list_remove(place);
        list_append(&sending->again, place);
    }
    if (sending->control == link)
        sending->control = NULL;
}

bool sending_is_busy(const struct sending *sending)
{
    return sending->wanted_at < sending->wanted_count || !list_empty(&sending->again);
}

bool sending_waits_for(const struct sending *sending, const struct link *link)
{
    (void)sending;
    return !list_empty(&link->out.outstanding) || link->out.sent < link->out.piece.length;
}

bool sending_is_over(const struct sending *sending)
{
    return sending->told_all && sending->ended == sending->root_count;
}

struct tally sending_tally(const struct sending *sending)
{
    return sending->tally;
}
