#include "file/sending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/sending_state.h"
#include "file/walk.h"

enum {
    FILL_BYTES = 1 << 20
}; /* sent by one sending_fill, so that others have their turn */

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

static void free_units(struct list *units)
{
    list_for_each_safe (link, units)
        sending_free_unit(list_member(link, struct unit, place));
}

void sending_free(struct sending **pointer)
{
    struct sending *sending = *pointer;
    if (!sending)
        return;
    walk_close(&sending->walk);
    free_units(&sending->again);
    sending_forget_folder(sending);
    sending_forget_source(sending);
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
int sending_fail(struct sending *sending, struct root *root, unsigned code,
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

int sending_fail_by(struct sending *sending, struct root *root, const struct error *err)
{
    return sending_fail(sending, root, file_error_code(err), err->sentence);
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
    entry->chunks_left = sending_is_small(entry) ? 1 : chunk_count(entry->size);
    if (want->want == FILE_SOME) {
        if (sending_is_small(entry) ||
            chunk_map_init(&entry->have, chunk_count(entry->size)))
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
    for (uint32_t i = 0; unit->packed && i < unit->packed_count; i++)
        acknowledge_entry(sending, unit->packed[i],
                          sending->entries[unit->packed[i]].size);
    sending_free_unit(unit);
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

/* --- Sending --- */

int sending_fill(struct sending *sending, struct link *link, int64_t now_ns)
{
    struct outflow *out = &link->out;
    size_t filled = 0;
    int code;
    while ((code = link_push(link, now_ns)) == 0) {
        code = sending_tell(sending);
        if (code)
            break;
        if (filled >= FILL_BYTES)
            return 1;
        struct unit *unit = out->current ? NULL : sending_next_unit(sending);
        if (unit)
            code = sending_begin_unit(sending, link, unit);
        else if (!out->current)
            return 0;
        if (!code && out->current)
            code = sending_send_piece(sending, link);
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
    sending_release(sending, &out->source);
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
