/* Units: what is to be sent next, and sending it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "file/sending_state.h"

enum { MOST_DAMAGED = 3 }; /* times for one unit, before its root is given up */

void sending_free_unit(struct unit *unit)
{
    list_remove(&unit->place);
    free(unit->packed);
    free(unit);
}

bool sending_is_dead(const struct sending *sending, const struct unit *unit)
{
    /* A pack may be of several roots; files of those that have ended are left out of it. */
    return !unit->packed &&
           sending->roots[sending->entries[unit->entry].root].state == ROOT_ENDED;
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
    for (const struct entry *entry;
         (entry = first_wanted(sending)) && sending_is_small(entry);) {
        bytes += entry->size + OVERHEAD;
        if (unit->packed_count == MOST ||
            (unit->packed_count > 0 && bytes > FILE_PACK_BYTES))
            break;
        unit->packed[unit->packed_count++] = sending->wanted[sending->wanted_at++];
    }
    return unit;
}

struct unit *sending_next_unit(struct sending *sending)
{
    struct list_link *place = list_first(&sending->again);
    if (place) {
        list_remove(place);
        return list_member(place, struct unit, place);
    }
    for (struct entry *entry; (entry = first_wanted(sending)); sending->wanted_at++) {
        uint32_t chunk, number = sending->wanted[sending->wanted_at];
        if (sending_is_small(entry))
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
    int fd = -1, code = sending_open_file(sending, number, &fd, err);
    if (code)
        return code;
    size_t begin = piece->length;
    frame_put_u32(piece, number);
    frame_put_bytes(piece, (const uint8_t[CHECK_BYTES]){0}, CHECK_BYTES);
    frame_put_u32(piece, (uint32_t)size);
    code = buffer_reserve(piece, size)
               ? error_set(err, ERROR_MEMORY, "no memory for a pack")
               : sending_read(sending, number, fd, piece->bytes + piece->length, size, 0,
                              err);
    if (!code)
        code = sending_check_unchanged(sending, number, fd, err);
    close(fd);
    if (code) {
        piece->length = begin;
        return code;
    }
    assert(piece->bytes); /* buffer_reserve has seen to it */
    const struct check check = check_of(piece->bytes + piece->length, size);
    memcpy(piece->bytes + begin + sizeof number, check.bytes, CHECK_BYTES);
    piece->length += size;
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
        int code = sending_fail_by(sending, root, &err);
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
static void drop_current(struct sending *sending, struct link *link)
{
    if (link->out.current)
        sending_free_unit(link->out.current);
    link->out.current = NULL;
    sending_release(sending, &link->out.source);
}

static int begin_chunk(struct sending *sending, struct link *link, struct unit *unit)
{
    const struct entry *entry = &sending->entries[unit->entry];
    struct outflow *out = &link->out;
    struct error err;
    list_append(&out->outstanding, &unit->place);
    out->current = unit;
    if (sending_acquire(sending, unit->entry, &out->source, &err)) {
        drop_current(sending, link);
        return sending_fail_by(sending, &sending->roots[entry->root], &err);
    }
    out->offset = chunk_offset(entry->size, unit->chunk);
    out->end = out->offset + chunk_length(entry->size, unit->chunk);
    check_begin(out->state);
    return 0;
}

int sending_begin_unit(struct sending *sending, struct link *link, struct unit *unit)
{
    if (sending_is_dead(sending, unit)) {
        sending_free_unit(unit);
        return 0;
    }
    unit->id = link->out.next_id++;
    if (unit->damaged <= MOST_DAMAGED)
        return unit->packed ? send_pack(sending, link, unit)
                            : begin_chunk(sending, link, unit);
    struct root *root = &sending->roots[sending->entries[unit->entry].root];
    sending_free_unit(unit);
    return sending_fail(sending, root, FRAME_ERROR_CHECK,
                        "its bytes arrive damaged again and again");
}

/* The chunk is read to its end: its check follows the data. */
static int end_chunk(struct sending *sending, struct link *link)
{
    struct outflow *out = &link->out;
    const struct check check = check_end(out->state);
    struct error err;
    uint32_t number = out->current->entry;
    if (sending_check_unchanged(sending, number, out->source->fd, &err)) {
        drop_current(sending, link);
        buffer_clear(&out->piece);
        return sending_fail_by(sending, &sending->roots[sending->entries[number].root],
                               &err);
    }
    size_t begin = frame_begin(&out->piece, FILE_CHECK, 0, out->current->id);
    frame_put_u32(&out->piece, number);
    frame_put_u32(&out->piece, out->current->chunk);
    frame_put_bytes(&out->piece, check.bytes, CHECK_BYTES);
    if (frame_end(&out->piece, begin))
        return -ENOMEM;
    out->current = NULL; /* it stays outstanding */
    sending_release(sending, &out->source);
    return 0;
}

/* The next piece of the chunk that is under way. */
int sending_send_piece(struct sending *sending, struct link *link)
{
    struct outflow *out = &link->out;
    struct unit *unit = out->current;
    struct error err;
    uint64_t left = out->end - out->offset;
    size_t length = left < FILE_PIECE_BYTES ? (size_t)left : FILE_PIECE_BYTES;
    if (sending_is_dead(sending, unit)) {
        drop_current(sending, link);
        return 0;
    }
    size_t begin = frame_begin(&out->piece, FILE_DATA, 0, unit->id);
    frame_put_u32(&out->piece, unit->entry);
    frame_put_u64(&out->piece, out->offset);
    if (buffer_reserve(&out->piece, length + FRAME_HEADER_BYTES + 64))
        return -ENOMEM;
    char *data = out->piece.bytes + out->piece.length;
    if (sending_read(sending, unit->entry, out->source->fd, data, length, out->offset,
                     &err)) {
        struct root *root = &sending->roots[sending->entries[unit->entry].root];
        buffer_clear(&out->piece);
        drop_current(sending, link);
        return sending_fail_by(sending, root, &err);
    }
    check_update(out->state, data, length);
    out->piece.length += length;
    out->offset += length;
    if (frame_end(&out->piece, begin))
        return -ENOMEM;
    return out->offset == out->end ? end_chunk(sending, link) : 0;
}
