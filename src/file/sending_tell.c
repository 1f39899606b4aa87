/* Telling the receiver what there is, as the walk finds it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/sending_state.h"
#include "file/walk.h"

enum { ENTRIES_AHEAD = 64 << 10 }; /* told of and not answered, before the walk waits */

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
        code = sending_fail(sending, failed, failed->failed,
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
int sending_tell(struct sending *sending)
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
