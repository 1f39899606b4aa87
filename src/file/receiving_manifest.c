/* What a receiver is told of: entries, each put into its root's arrival and answered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file/manifest.h"
#include "file/receiving_state.h"

static int grow_roots(struct receiving *receiving)
{
    if (receiving->root_count < receiving->root_capacity)
        return 0;
    uint32_t capacity = receiving->root_capacity ? receiving->root_capacity * 2 : 4;
    struct root *roots = realloc(receiving->roots, capacity * sizeof *roots);
    if (!roots)
        return -ENOMEM;
    receiving->roots = roots;
    uint32_t *ready = realloc(receiving->ready, capacity * sizeof *ready);
    if (!ready)
        return -ENOMEM;
    receiving->ready = ready;
    receiving->root_capacity = capacity;
    return 0;
}

static int append_where(struct receiving *receiving, uint32_t root)
{
    if (receiving->count == receiving->capacity) {
        uint32_t capacity = receiving->capacity ? receiving->capacity * 2 : 16;
        struct where *where = capacity > FILE_ENTRIES_MOST
                                  ? NULL
                                  : realloc(receiving->where, capacity * sizeof *where);
        if (!where)
            return -ENOMEM;
        receiving->where = where;
        receiving->capacity = capacity;
    }
    receiving->where[receiving->count++] = (struct where){root, RECEIVING_NOTHING};
    return 0;
}

/* The last root has no more entries. */
static int end_last_root(struct receiving *receiving)
{
    if (receiving->root_count == 0)
        return 0;
    uint32_t number = receiving->root_count - 1;
    struct root *root = &receiving->roots[number];
    if (root->state != ROOT_COMES || root->arrival->ended)
        return 0;
    arrival_end(root->arrival);
    return receiving_look(receiving, number);
}

static void count_entry(struct receiving *receiving, const struct root *root,
                        const struct manifest_entry *entry, uint32_t index)
{
    const struct arrival_entry *added = &root->arrival->entries[index];
    struct tally *tally = &receiving->tally;
    if (entry->kind == FILE_FOLDER)
        return;
    tally->files++;
    tally->bytes += entry->size;
    if (added->whole) {
        tally->done_files++;
        tally->had_bytes += entry->size;
    } else if (added->part) {
        tally->had_bytes += chunk_map_covered_bytes(&added->part->map, entry->size);
    }
}

/* Adds the entry numbered last to its root; `written` has the parent's number in the arrival. */
static int add_entry(struct receiving *receiving, const struct manifest_entry *written)
{
    struct where *where = &receiving->where[receiving->count - 1];
    struct root *root = &receiving->roots[where->root];
    struct error err;
    if (arrival_add(root->arrival, written, &where->index, &err)) {
        where->index = RECEIVING_NOTHING;
        return receiving_fail(receiving, root, &err);
    }
    count_entry(receiving, root, written, where->index);
    return 0;
}

static int there_already(struct receiving *receiving, struct root *root,
                         const struct manifest_entry *written)
{
    const struct transfer_result result = {
        .name = root->name, .already = true, .bytes = written->size, .files = 1};
    receiving->tally.files++;
    receiving->tally.done_files++;
    receiving->tally.bytes += written->size;
    receiving->tally.had_bytes += written->size;
    return receiving_finish(receiving, root, &result);
}

/* `named` is what manifest_read said of its name. */
static int take_root(struct receiving *receiving, const struct manifest_entry *written,
                     int named, struct error *err)
{
    int code = end_last_root(receiving);
    if (!code)
        code = grow_roots(receiving);
    if (!code)
        code = append_where(receiving, receiving->root_count);
    if (code)
        return code;
    struct root *root = &receiving->roots[receiving->root_count++];
    *root = (struct root){.number = receiving->count - 1,
                          .folder = written->kind == FILE_FOLDER};
    size_t length = written->name_length < sizeof root->name - 1 ? written->name_length
                                                                 : sizeof root->name - 1;
    memcpy(root->name, written->name, length);
    if (named < 0)
        return receiving_fail(receiving, root, err);
    code = arrival_open(&receiving->options.arrival, written, &root->arrival, err);
    if (code == 1)
        return there_already(receiving, root, written);
    if (code)
        return receiving_fail(receiving, root, err);
    return add_entry(receiving, written);
}

/* An entry below the root that is coming. */
static int take_below(struct receiving *receiving, struct manifest_entry *written,
                      int named, struct error *err)
{
    uint32_t number = receiving->root_count - 1;
    if (receiving->root_count == 0 || receiving->where[written->parent].root != number)
        return -EBADMSG;
    struct root *root = &receiving->roots[number];
    uint32_t parent = receiving->where[written->parent].index;
    int code = append_where(receiving, number);
    if (code || root->state != ROOT_COMES)
        return code;
    if (named < 0)
        return receiving_fail(receiving, root, err);
    if (root->arrival->entries[parent].kind != FILE_FOLDER)
        return -EBADMSG;
    written->parent = parent;
    return add_entry(receiving, written);
}

static void answer_entry(struct receiving *receiving, uint32_t number,
                         struct manifest_writer *answers)
{
    const struct where *where = &receiving->where[number];
    const struct root *root = &receiving->roots[where->root];
    const struct chunk_map *map = NULL;
    uint8_t want = root->state == ROOT_ENDED ? FILE_NOT : FILE_HAVE;
    if (root->state == ROOT_COMES)
        want = arrival_want(root->arrival, where->index, &map);
    want_put(answers, want, map);
}

int receiving_take_entries(struct receiving *receiving, const struct frame *frame)
{
    struct manifest_reader reader;
    struct manifest_entry entry;
    struct error err;
    uint32_t first = receiving->count;
    if (receiving->told_all || manifest_open(&reader, frame, first, &err))
        return -EBADMSG;
    int found, code = 0;
    while (!code && (found = manifest_read(&reader, &entry, &err)) != 0) {
        if (found < 0 && found != ERROR_ARGUMENT)
            return -EBADMSG;
        code = entry.parent == MANIFEST_ROOT ? take_root(receiving, &entry, found, &err)
                                             : take_below(receiving, &entry, found, &err);
    }
    if (code)
        return code;
    struct buffer frames;
    struct manifest_writer answers;
    buffer_init(&frames, 0);
    want_begin(&answers, &frames, first);
    for (uint32_t number = first; number < receiving->count; number++)
        answer_entry(receiving, number, &answers);
    want_end(&answers);
    return receiving_say(receiving, &frames);
}

int receiving_take_end(struct receiving *receiving, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t count = frame_read_u32(&reader);
    if (reader.failed || count != receiving->count || receiving->told_all)
        return -EBADMSG;
    receiving->told_all = receiving->tally.counted = true;
    return end_last_root(receiving);
}

/* The sender will not send it. What it says is text from outside. */
int receiving_take_failed(struct receiving *receiving, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t number = frame_read_u32(&reader);
    unsigned code = frame_read_u16(&reader);
    struct frame_text name = frame_read_text(&reader), said = frame_read_text(&reader);
    struct error err, named;
    if (reader.failed || (number != MANIFEST_ROOT && number >= receiving->count))
        return -EBADMSG;
    code = code ? code : FRAME_ERROR_INTERNAL;
    error_set(&err, ERROR_REFUSED, "%.*s", (int)said.length, said.bytes);
    if (number != MANIFEST_ROOT) {
        struct root *root = &receiving->roots[receiving->where[number].root];
        if (root->state == ROOT_COMES)
            receiving_give_up(receiving, root, code, err.sentence);
        return 0;
    }
    error_set(&named, 0, "%.*s", (int)name.length, name.bytes);
    const struct transfer_result result = {
        .name = named.sentence, .code = code, .sentence = err.sentence};
    if (receiving->options.reports.ended)
        receiving->options.reports.ended(receiving->options.reports.owner, &result);
    return 0;
}
