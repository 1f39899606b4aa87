/* A ladder: stories as rows in the order of time, ready to be laid out. The printers
 * (text, SVG) draw from it and decide nothing about time or order themselves.
 *
 * One ladder shows one story, or several of the same two hosts side by side in time (a
 * client with three connections); each mark then says which story it belongs to.
 *
 * A row is one moment: a packet's sending or its arrival, a call's entry or return, a
 * change of state, together with what belongs to the same moment: the state a packet's
 * sending or arrival led to, the call that an arrival made return. Rows depend only on
 * what came before them, so that a ladder made anew from grown stories has the same first
 * rows, but for the last: a live printer prints the new ones. */
#ifndef WOSHOU_DRAW_LADDER_H
#define WOSHOU_DRAW_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "tcp/story.h"

struct words;

enum {
    LADDER_NONE = -1,
    LADDER_STORIES_MAX = 9 /* in one ladder: so many marks there are */
};

/* What happens at one end within so little of a row's first moment belongs to the same
 * moment. */
#define LADDER_MOMENT_NS INT64_C(1000000)

/* A silence longer than this becomes a break of its own between two rows. */
#define LADDER_BREAK_NS INT64_C(300000000)

/* A call, from entry to return. */
struct ladder_call {
    int story; /* index */
    enum place side;
    const char *name;
    int enter_row;  /* LADDER_NONE: its entry was not seen */
    int return_row; /* LADDER_NONE: it has not returned; may equal enter_row */
    int64_t result;
};

/* A stretch of one end's life in one state. */
struct ladder_state {
    int story;
    enum place side;
    enum tcp_state state;
    enum standing standing;
    int from_row;
    int to_row; /* the row of the next state, or LADDER_NONE while it lasts */
};

struct ladder_packet {
    int story;
    struct event_packet packet; /* a copy */
    int sent_row;     /* LADDER_NONE: its sending was not seen (injected); of a copy the
                         wire made: the row where its original was sent */
    int received_row; /* LADDER_NONE: lost, still in flight, or not seen */
    bool level;       /* all was seen from one place: its arrival cannot be known, and its
                         arrow is drawn level, whole in its one row */
    bool copy; /* the wire made it of an earlier packet: it leaves that one's arrow */
    const struct event_run *run; /* it stands for a run of packets, most of whose payload
                                    went its way; or null */
    const char
        *label; /* "SYN seq=j", "12 bytes \"hello\" seq=k+1", "ACK seq=j+1 ack=k+1" */
    const char *name; /* the label without its numbers: "SYN", "12 bytes \"hello\"" */
};

struct ladder_side {
    int state; /* index into states of the one that begins in this row, or LADDER_NONE */
    int call;  /* index into calls of the one that enters or returns here, or LADDER_NONE
                */
    bool call_enters,
        call_returns; /* both: it entered and returned with nothing between */
};

struct ladder_row {
    int story;          /* index: all of a row is one story's */
    int64_t t_ns;       /* of its first moment */
    int64_t silence_ns; /* before this row: the break's length, or 0 for none */
    int packet; /* index into packets of the one sent or received here, or LADDER_NONE */
    bool packet_sent, packet_received;
    struct ladder_side side[2]; /* PLACE_CLIENT, PLACE_SERVER */
};

/* A number in the margin of a row: see note.h. */
struct ladder_note {
    int row;
    int number;
    const char *text; /* or null */
    bool wrong;
};

struct ladder {
    struct arena arena;
    const struct story *const
        *stories; /* borrowed, each; the array is the ladder's own */
    size_t story_count;
    int64_t start_ns; /* the first row's time: what rows' times are shown against */
    struct ladder_row *rows;
    size_t row_count;
    struct ladder_call *calls;
    size_t call_count;
    struct ladder_state *states;
    size_t state_count;
    struct ladder_packet *packets;
    size_t packet_count;
    struct ladder_note *notes; /* in the order of their numbers */
    size_t note_count;
};

/* Makes the ladder of `story_count` (1 to LADDER_STORIES_MAX) stories, which are borrowed
 * until ladder_free, with labels in the language of `words`. 0, ERROR_ARGUMENT for
 * another count, or ERROR_MEMORY. */
int ladder_new(const struct story *const *stories, size_t story_count,
               const struct words *words, struct ladder **ret_ladder);
/* Frees it and leaves null; accepts null. */
void ladder_free(struct ladder **ladder);

#endif
