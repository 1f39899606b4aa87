#include "draw/note.h"

#include <string.h>

#include "base/error.h"

static int row_of_packet(const struct ladder *ladder, const struct note_wish *wish)
{
    for (size_t i = 0; i < ladder->packet_count; i++) {
        const struct ladder_packet *packet = &ladder->packets[i];
        if (packet->packet.number != wish->packet || packet->copy ||
            (wish->story >= 0 && packet->story != wish->story))
            continue;
        return packet->sent_row != LADDER_NONE ? packet->sent_row : packet->received_row;
    }
    return LADDER_NONE;
}

static int64_t distance(const struct ladder *ladder, int row, int64_t t_ns)
{
    int64_t far = ladder->rows[row].t_ns - t_ns;
    return far < 0 ? -far : far;
}

/* Of several the same, the one nearest in time. */
static void take_nearer(const struct ladder *ladder, const struct note_wish *wish,
                        int row, int *best)
{
    if (row != LADDER_NONE &&
        (*best == LADDER_NONE ||
         distance(ladder, row, wish->t_ns) < distance(ladder, *best, wish->t_ns)))
        *best = row;
}

static int row_of_state(const struct ladder *ladder, const struct note_wish *wish)
{
    int best = LADDER_NONE;
    for (size_t i = 0; i < ladder->state_count; i++) {
        const struct ladder_state *state = &ladder->states[i];
        if (state->state == wish->state && state->side == wish->place &&
            (wish->story < 0 || state->story == wish->story))
            take_nearer(ladder, wish, state->from_row, &best);
    }
    return best;
}

static int row_of_return(const struct ladder *ladder, const struct note_wish *wish)
{
    int best = LADDER_NONE;
    for (size_t i = 0; i < ladder->call_count; i++) {
        const struct ladder_call *call = &ladder->calls[i];
        if (strcmp(call->name, wish->call) == 0 && call->side == wish->place &&
            (wish->story < 0 || call->story == wish->story))
            take_nearer(ladder, wish, call->return_row, &best);
    }
    return best != LADDER_NONE &&
                   distance(ladder, best, wish->t_ns) <= LADDER_MOMENT_NS * 5
               ? best
               : LADDER_NONE;
}

static int row_of(const struct ladder *ladder, const struct note_wish *wish)
{
    switch (wish->about) {
    case NOTE_PACKET: return row_of_packet(ladder, wish);
    case NOTE_STATE: return row_of_state(ladder, wish);
    case NOTE_RETURN: return row_of_return(ladder, wish);
    }
    return LADDER_NONE;
}

int ladder_put_notes(struct ladder *ladder, const struct note_wish *wishes, size_t count)
{
    ladder->notes = arena_alloc(&ladder->arena, count * sizeof *ladder->notes);
    if (!ladder->notes)
        return ERROR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct note_wish *wish = &wishes[i];
        int row = row_of(ladder, wish);
        if (row == LADDER_NONE)
            continue;
        const char *text = NULL;
        if (wish->text &&
            !(text = arena_copy(&ladder->arena, wish->text, strlen(wish->text))))
            return ERROR_MEMORY;
        ladder->notes[ladder->note_count++] = (struct ladder_note){
            .row = row, .number = wish->number, .text = text, .wrong = wish->wrong};
    }
    return 0;
}
