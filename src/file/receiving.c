/* What holds always: an arrival belongs to one root; while a job of the disk's has it, it is touched by
 * nobody else. */
#include "file/receiving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "file/manifest.h"
#include "file/protocol.h"
#include "file/shelf.h"

enum {
    CHECKPOINT_BYTES = 256 << 20, /* written, before the disk is asked to make it last */
    NOTHING = UINT32_MAX - 1      /* the index of an entry that its root does not have */
};

enum root_state {
    ROOT_COMES,
    ROOT_COMMITS, /* whole: it waits for the disk, or the disk has it */
    ROOT_ENDED
};

struct root {
    struct arrival *arrival; /* null: it has ended */
    char name[256];
    uint32_t number; /* of its entry */
    enum root_state state;
    bool folder;
    bool checkpointed; /* a job is about it */
};

/* Where an entry of the transfer is. */
struct where {
    uint32_t root, index;
};

struct commit_job {
    struct disk_job job;
    struct receiving *receiving;
    uint32_t count;
    struct committed {
        uint32_t root;
        struct arrival *arrival;
        struct error err;
        int code;
    } * committed;
};

struct checkpoint_job {
    struct disk_job job;
    struct receiving *receiving;
    uint32_t root;
    struct arrival_checkpoint checkpoint;
};

struct receiving {
    struct receiving_options options;
    struct link *control; /* null once it is gone */
    struct link *links[FILE_CONNECTIONS_MOST];
    size_t link_count;
    struct root *roots;
    uint32_t root_count, root_capacity, ended;
    uint32_t *ready; /* roots that are whole and wait for the disk; has root_capacity */
    uint32_t ready_count;
    struct where *where;
    uint32_t count, capacity;
    bool told_all;
    bool closed;
    bool committing;
    unsigned jobs;
    struct tally tally;
};

/* --- Life --- */

int receiving_new(const struct receiving_options *options,
                  struct receiving **ret_receiving, struct error *err)
{
    struct receiving *receiving = calloc(1, sizeof *receiving);
    if (!receiving)
        return error_set(err, ERROR_MEMORY, "no memory for a transfer");
    receiving->options = *options;
    *ret_receiving = receiving;
    return 0;
}

static void free_receiving(struct receiving *receiving)
{
    for (uint32_t i = 0; i < receiving->root_count; i++)
        arrival_close(&receiving->roots[i].arrival, ARRIVAL_LEAVE);
    free(receiving->roots);
    free(receiving->where);
    free(receiving->ready);
    const struct transfer_reports reports = receiving->options.reports;
    free(receiving);
    if (reports.closed)
        reports.closed(reports.owner);
}

void receiving_close(struct receiving **receiving)
{
    if (!*receiving)
        return;
    (*receiving)->closed = true;
    (*receiving)->control = NULL;
    (*receiving)->link_count = 0;
    if ((*receiving)->jobs == 0)
        free_receiving(*receiving);
    *receiving = NULL;
}

void receiving_attach(struct receiving *receiving, struct link *link)
{
    if (!receiving->control && receiving->link_count == 0)
        receiving->control = link;
    if (receiving->link_count < FILE_CONNECTIONS_MOST)
        receiving->links[receiving->link_count++] = link;
}

void receiving_detach(struct receiving *receiving, struct link *link)
{
    if (receiving->control == link)
        receiving->control = NULL;
    for (size_t i = 0; i < receiving->link_count; i++)
        if (receiving->links[i] == link)
            receiving->links[i] = receiving->links[--receiving->link_count];
}

/* --- The ends of roots --- */

static int say(struct receiving *receiving, struct buffer *frames)
{
    int code = receiving->control ? link_send(receiving->control, frames) : 0;
    buffer_done(frames);
    return code;
}

static void end_root(struct receiving *receiving, struct root *root,
                     const struct transfer_result *result)
{
    root->state = ROOT_ENDED;
    receiving->ended++;
    if (receiving->options.reports.ended)
        receiving->options.reports.ended(receiving->options.reports.owner, result);
}

/* It will not be whole: what is there of it stays for a later try, unless it stands in the way. */
static void give_up(struct receiving *receiving, struct root *root, unsigned code,
                    const char *sentence)
{
    const struct transfer_result result = {
        .name = root->name, .folder = root->folder, .code = code, .sentence = sentence};
    arrival_close(&root->arrival,
                  code == FRAME_ERROR_DISK_FULL ? ARRIVAL_DROP : ARRIVAL_LEAVE);
    end_root(receiving, root, &result);
}

static int fail_root(struct receiving *receiving, struct root *root,
                     const struct error *err)
{
    struct buffer frames;
    unsigned code = file_error_code(err);
    buffer_init(&frames, 0);
    file_put_failed(&frames, root->number, code, root->name, err->sentence);
    give_up(receiving, root, code, err->sentence);
    return say(receiving, &frames);
}

static int done_root(struct receiving *receiving, struct root *root,
                     const struct transfer_result *result)
{
    struct buffer frames;
    buffer_init(&frames, 0);
    size_t begin = frame_begin(&frames, FILE_DONE, 0, 0);
    frame_put_u32(&frames, root->number);
    frame_put_u8(&frames, result->already);
    frame_put_u8(&frames, result->checked);
    frame_put_bytes(&frames, result->check.bytes, CHECK_BYTES);
    frame_end(&frames, begin);
    end_root(receiving, root, result);
    return say(receiving, &frames);
}

/* --- Committing: roots that are whole, as many as there are, in one job --- */

/* Several are synced by one call for the whole file system: of thousands of small files, each on its own
 * would wait for the disk. */
static void sync_committed(struct commit_job *job)
{
    enum { ONE_BY_ONE = 4 };
    const struct arrival_options *options = &job->receiving->options.arrival;
    if (options->sink)
        return;
    if (job->count > ONE_BY_ONE) {
        int failed = syncfs(shelf_arriving(options->shelf)) < 0 ? errno : 0;
        for (uint32_t i = 0; failed && i < job->count; i++)
            job->committed[i].code = error_set_system(&job->committed[i].err, failed,
                                                      "syncing what has arrived");
        return;
    }
    for (uint32_t i = 0; i < job->count; i++)
        if (!job->committed[i].code)
            job->committed[i].code =
                arrival_sync(job->committed[i].arrival, &job->committed[i].err);
}

static void run_commit(struct disk_job *disk_job)
{
    struct commit_job *job = (struct commit_job *)disk_job;
    const struct arrival_options *options = &job->receiving->options.arrival;
    for (uint32_t i = 0; i < job->count; i++)
        job->committed[i].code =
            arrival_settle(job->committed[i].arrival, &job->committed[i].err);
    sync_committed(job);
    for (uint32_t i = 0; i < job->count; i++)
        if (!job->committed[i].code)
            job->committed[i].code =
                arrival_place(job->committed[i].arrival, &job->committed[i].err);
    struct error err;
    if (!options->sink && shelf_sync(options->shelf, &err))
        for (uint32_t i = 0; i < job->count; i++)
            if (!job->committed[i].code) {
                job->committed[i].err = err;
                job->committed[i].code = err.code;
            }
}

static int start_commit(struct receiving *receiving)
{
    if (receiving->committing || receiving->ready_count == 0)
        return 0;
    struct commit_job *job = calloc(1, sizeof *job);
    uint32_t count = receiving->ready_count;
    if (!job || !(job->committed = calloc(count, sizeof *job->committed))) {
        free(job);
        return -ENOMEM;
    }
    job->job.run = run_commit;
    job->receiving = receiving;
    job->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct root *root = &receiving->roots[receiving->ready[i]];
        job->committed[i].root = receiving->ready[i];
        job->committed[i].arrival = root->arrival;
        root->arrival = NULL;
    }
    receiving->ready_count = 0;
    receiving->committing = true;
    receiving->jobs++;
    disk_submit(receiving->options.disk, receiving->options.port, &job->job);
    return 0;
}

static int settle_one(struct receiving *receiving, struct committed *committed)
{
    struct root *root = &receiving->roots[committed->root];
    struct arrival *arrival = committed->arrival;
    int code;
    if (committed->code) {
        root->arrival = arrival;
        return fail_root(receiving, root, &committed->err);
    }
    const struct transfer_result result = {.name = root->name,
                                           .folder = root->folder,
                                           .checked = !root->folder && arrival->bytes > 0,
                                           .check = arrival->entries[0].check,
                                           .bytes = arrival->bytes,
                                           .files = arrival->files};
    code = done_root(receiving, root, &result);
    arrival_close(&committed->arrival, ARRIVAL_DROP);
    return code;
}

static int settle_commit(struct commit_job *job)
{
    struct receiving *receiving = job->receiving;
    int code = 0;
    receiving->committing = false;
    for (uint32_t i = 0; i < job->count; i++) {
        int settled = settle_one(receiving, &job->committed[i]);
        code = code ? code : settled;
    }
    return code ? code : start_commit(receiving);
}

static int look_whether_whole(struct receiving *receiving, uint32_t number)
{
    struct root *root = &receiving->roots[number];
    if (root->state != ROOT_COMES || !arrival_complete(root->arrival))
        return 0;
    root->state = ROOT_COMMITS;
    receiving->ready[receiving->ready_count++] = number;
    return start_commit(receiving);
}

/* --- Checkpoints --- */

static void run_checkpoint(struct disk_job *disk_job)
{
    struct checkpoint_job *job = (struct checkpoint_job *)disk_job;
    arrival_checkpoint_run(&job->checkpoint);
}

static void checkpoint(struct receiving *receiving, uint32_t number)
{
    struct root *root = &receiving->roots[number];
    if (root->checkpointed || root->state != ROOT_COMES || !root->arrival->kept ||
        root->arrival->unsynced_bytes < CHECKPOINT_BYTES)
        return;
    struct checkpoint_job *job = calloc(1, sizeof *job);
    if (!job || !arrival_checkpoint_begin(root->arrival, &job->checkpoint)) {
        free(job);
        return;
    }
    job->job.run = run_checkpoint;
    job->receiving = receiving;
    job->root = number;
    root->checkpointed = true;
    receiving->jobs++;
    disk_submit(receiving->options.disk, receiving->options.port, &job->job);
}

static int settle_checkpoint(struct checkpoint_job *job)
{
    struct root *root = &job->receiving->roots[job->root];
    root->checkpointed = false;
    if (root->state == ROOT_COMES)
        arrival_checkpoint_end(root->arrival, &job->checkpoint);
    return 0;
}

int receiving_settle(struct disk_job *disk_job)
{
    int code;
    struct receiving *receiving;
    if (disk_job->run == run_commit) {
        struct commit_job *job = (struct commit_job *)disk_job;
        receiving = job->receiving;
        code = settle_commit(job);
        free(job->committed);
    } else {
        struct checkpoint_job *job = (struct checkpoint_job *)disk_job;
        receiving = job->receiving;
        code = settle_checkpoint(job);
    }
    free(disk_job);
    if (--receiving->jobs == 0 && receiving->closed) {
        free_receiving(receiving);
        return 0;
    }
    return receiving->closed ? 0 : code;
}

/* --- Entries --- */

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
    receiving->where[receiving->count++] = (struct where){root, NOTHING};
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
    return look_whether_whole(receiving, number);
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
        where->index = NOTHING;
        return fail_root(receiving, root, &err);
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
    return done_root(receiving, root, &result);
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
        return fail_root(receiving, root, err);
    code = arrival_open(&receiving->options.arrival, written, &root->arrival, err);
    if (code == 1)
        return there_already(receiving, root, written);
    if (code)
        return fail_root(receiving, root, err);
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
        return fail_root(receiving, root, err);
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

static int take_entries(struct receiving *receiving, const struct frame *frame)
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
    return say(receiving, &frames);
}

static int take_end(struct receiving *receiving, const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t count = frame_read_u32(&reader);
    if (reader.failed || count != receiving->count || receiving->told_all)
        return -EBADMSG;
    receiving->told_all = receiving->tally.counted = true;
    return end_last_root(receiving);
}

/* The sender will not send it. What it says is text from outside. */
static int take_failed(struct receiving *receiving, const struct frame *frame)
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
            give_up(receiving, root, code, err.sentence);
        return 0;
    }
    error_set(&named, 0, "%.*s", (int)name.length, name.bytes);
    const struct transfer_result result = {
        .name = named.sentence, .code = code, .sentence = err.sentence};
    if (receiving->options.reports.ended)
        receiving->options.reports.ended(receiving->options.reports.owner, &result);
    return 0;
}

/* --- Data --- */

static int answer(struct link *link, unsigned type, uint64_t id)
{
    char array[FRAME_HEADER_BYTES + 1];
    struct buffer frame;
    buffer_init_fixed(&frame, array, sizeof array);
    frame_end(&frame, frame_begin(&frame, type, 0, id));
    return link_send(link, &frame);
}

/* The arrival of an entry, while its root is coming; or null. */
static struct arrival *arrival_of(struct receiving *receiving, uint32_t number)
{
    struct root *root = &receiving->roots[receiving->where[number].root];
    return root->state == ROOT_COMES ? root->arrival : NULL;
}

static int take_packed(struct receiving *receiving, uint32_t number,
                       const struct frame_blob *contents, const struct check *check)
{
    struct arrival *arrival = arrival_of(receiving, number);
    uint32_t index = receiving->where[number].index;
    struct error err;
    if (!arrival || arrival->entries[index].whole)
        return 0;
    int code =
        arrival_put(arrival, index, contents->bytes, contents->length, check, &err);
    if (code == ERROR_CORRUPT)
        return -EBADMSG;
    if (code)
        return fail_root(receiving, &receiving->roots[receiving->where[number].root],
                         &err);
    receiving->tally.moved_bytes += contents->length;
    receiving->tally.done_files++;
    return 0;
}

/* Of a root that a pack, or part of one, was about. */
static int end_packed(struct receiving *receiving, uint32_t root)
{
    struct arrival *arrival = receiving->roots[root].arrival;
    struct error err;
    if (receiving->roots[root].state != ROOT_COMES)
        return 0;
    if (arrival_note(arrival, &err))
        return fail_root(receiving, &receiving->roots[root], &err);
    checkpoint(receiving, root);
    return look_whether_whole(receiving, root);
}

static int take_pack(struct receiving *receiving, struct link *link,
                     const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t root = NOTHING;
    int code = 0;
    while (!code && reader.at < reader.end) {
        uint32_t number = frame_read_u32(&reader);
        const uint8_t *bytes = frame_read_bytes(&reader, CHECK_BYTES);
        struct frame_blob contents = frame_read_blob(&reader);
        if (reader.failed || number >= receiving->count)
            return -EBADMSG;
        struct check check, right = check_of(contents.bytes, contents.length);
        memcpy(check.bytes, bytes, CHECK_BYTES);
        if (!check_equal(&check, &right))
            return answer(link, FILE_AGAIN, frame->id);
        if (root != NOTHING && root != receiving->where[number].root)
            code = end_packed(receiving, root);
        root = receiving->where[number].root;
        if (!code)
            code = take_packed(receiving, number, &contents, &check);
    }
    if (!code && root != NOTHING)
        code = end_packed(receiving, root);
    return code ? code : answer(link, FILE_GOT, frame->id);
}

/* Nobody else may write where this link is going to. */
static void take_over(struct receiving *receiving, const struct link *link)
{
    for (size_t i = 0; i < receiving->link_count; i++) {
        struct inflow *other = &receiving->links[i]->in;
        if (receiving->links[i] != link && other->begun &&
            other->number == link->in.number && other->chunk == link->in.chunk)
            other->unwanted = true;
    }
}

/* A chunk begins, or goes on. What was begun and is not carried on was given up by the sender. */
static int place_data(struct receiving *receiving, struct link *link, uint32_t number,
                      uint64_t offset)
{
    struct inflow *in = &link->in;
    if (in->begun && in->number == number && in->at == offset && in->at != in->begin)
        return 0;
    if (number >= receiving->count)
        return -EBADMSG;
    struct arrival *arrival = arrival_of(receiving, number);
    uint32_t index = receiving->where[number].index;
    *in = (struct inflow){.begun = true,
                          .unwanted = true,
                          .number = number,
                          .begin = offset,
                          .at = offset,
                          .end = UINT64_MAX,
                          .state = in->state};
    check_begin(in->state);
    if (!arrival)
        return 0;
    const struct arrival_entry *entry = &arrival->entries[index];
    if (entry->kind != FILE_REGULAR || entry->size <= FILE_PACKED_BYTES ||
        offset >= entry->size || offset % chunk_bytes(entry->size) != 0)
        return -EBADMSG;
    in->chunk = (uint32_t)(offset / chunk_bytes(entry->size));
    in->end = offset + chunk_length(entry->size, in->chunk);
    in->unwanted = arrival_has_chunk(arrival, index, in->chunk);
    if (!in->unwanted)
        take_over(receiving, link);
    return 0;
}

static int take_data(struct receiving *receiving, struct link *link,
                     const struct frame *frame)
{
    struct inflow *in = &link->in;
    const uint8_t *data = frame->body;
    size_t length = frame->length;
    if (frame->offset == 0) {
        struct frame_reader reader = frame_reader(frame);
        uint32_t number = frame_read_u32(&reader);
        uint64_t offset = frame_read_u64(&reader);
        int code = reader.failed ? -EBADMSG : place_data(receiving, link, number, offset);
        if (code)
            return code;
        data += FILE_DATA_HEAD_BYTES;
        length -= FILE_DATA_HEAD_BYTES;
    }
    if (length > in->end - in->at)
        return -EBADMSG;
    struct arrival *arrival = arrival_of(receiving, in->number);
    uint32_t index = receiving->where[in->number].index;
    uint64_t at = in->at;
    in->at += length;
    if (!arrival || in->unwanted)
        return 0;
    struct error err;
    check_update(in->state, data, length);
    if (arrival_write(arrival, index, at, data, length, &err) == 0)
        return 0;
    in->unwanted = true;
    return fail_root(receiving, &receiving->roots[receiving->where[in->number].root],
                     &err);
}

/* Of a chunk that is complete and was wanted. */
static int end_chunk(struct receiving *receiving, struct link *link, uint64_t id,
                     const struct check *check)
{
    struct inflow *in = &link->in;
    struct arrival *arrival = arrival_of(receiving, in->number);
    uint32_t index = receiving->where[in->number].index;
    uint32_t number = receiving->where[in->number].root;
    const struct check right = check_end(in->state);
    struct error err;
    if (!check_equal(check, &right))
        return answer(link, FILE_AGAIN, id);
    if (arrival_chunk(arrival, index, in->chunk, check, &err))
        return fail_root(receiving, &receiving->roots[number], &err);
    receiving->tally.moved_bytes += in->end - in->begin;
    receiving->tally.done_files += arrival->entries[index].whole;
    checkpoint(receiving, number);
    int code = answer(link, FILE_GOT, id);
    return code ? code : look_whether_whole(receiving, number);
}

static int take_check(struct receiving *receiving, struct link *link,
                      const struct frame *frame)
{
    struct inflow *in = &link->in;
    struct frame_reader reader = frame_reader(frame);
    uint32_t number = frame_read_u32(&reader), chunk = frame_read_u32(&reader);
    const uint8_t *bytes = frame_read_bytes(&reader, CHECK_BYTES);
    struct check check;
    if (reader.failed || !in->begun || number != in->number)
        return -EBADMSG;
    in->begun = false;
    if (in->unwanted || !arrival_of(receiving, number))
        return answer(link, FILE_GOT, frame->id);
    if (chunk != in->chunk || in->at != in->end)
        return -EBADMSG;
    memcpy(check.bytes, bytes, CHECK_BYTES);
    return end_chunk(receiving, link, frame->id, &check);
}

int receiving_take(struct receiving *receiving, struct link *link,
                   const struct frame *frame)
{
    switch (frame->type) {
    case FILE_ENTRIES: return take_entries(receiving, frame);
    case FILE_END: return take_end(receiving, frame);
    case FILE_FAILED: return take_failed(receiving, frame);
    case FILE_PACK: return take_pack(receiving, link, frame);
    case FILE_DATA: return take_data(receiving, link, frame);
    case FILE_CHECK: return take_check(receiving, link, frame);
    default: return -EBADMSG;
    }
}

bool receiving_is_over(const struct receiving *receiving)
{
    return receiving->told_all && receiving->ended == receiving->root_count;
}

bool receiving_waits_for_disk(const struct receiving *receiving)
{
    return receiving->jobs > 0;
}

struct tally receiving_tally(const struct receiving *receiving)
{
    return receiving->tally;
}
