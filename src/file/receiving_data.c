/* What a receiver gets: packs, and chunks in pieces. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "file/receiving_state.h"

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
        return receiving_fail(receiving, &receiving->roots[receiving->where[number].root],
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
        return receiving_fail(receiving, &receiving->roots[root], &err);
    receiving_checkpoint(receiving, root);
    return receiving_look(receiving, root);
}

int receiving_take_pack(struct receiving *receiving, struct link *link,
                        const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    uint32_t root = RECEIVING_NOTHING;
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
        if (root != RECEIVING_NOTHING && root != receiving->where[number].root)
            code = end_packed(receiving, root);
        root = receiving->where[number].root;
        if (!code)
            code = take_packed(receiving, number, &contents, &check);
    }
    if (!code && root != RECEIVING_NOTHING)
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

int receiving_take_data(struct receiving *receiving, struct link *link,
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
    return receiving_fail(receiving, &receiving->roots[receiving->where[in->number].root],
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
        return receiving_fail(receiving, &receiving->roots[number], &err);
    receiving->tally.moved_bytes += in->end - in->begin;
    receiving->tally.done_files += arrival->entries[index].whole;
    receiving_checkpoint(receiving, number);
    int code = answer(link, FILE_GOT, id);
    return code ? code : receiving_look(receiving, number);
}

int receiving_take_check(struct receiving *receiving, struct link *link,
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
