/* A layout: a ladder's geometry. Pure: from rows to coordinates in pixels (x to the
 * right, y down), with every text's place and width. The SVG printer draws it and moves
 * nothing.
 *
 * From left to right: number | time | the client's calls | its state | the wire | the server's
 * state | its calls. Lanes with nothing in them are left out. Rows are evenly spaced, a
 * silence makes room for its break. Guaranteed: no text overlaps another, and all lies
 * inside the frame, as measure.h measures; arrows end on the inner edges of the
 * lifelines.
 *
 * layout_new makes one, layout_free takes it back. */
#ifndef WOSHOU_DRAW_LAYOUT_H
#define WOSHOU_DRAW_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "draw/box.h"
#include "draw/ladder.h"
#include "draw/words.h"

enum layout_role {
    ROLE_HOST, /* "client", with its endpoint beneath as ROLE_ENDPOINT */
    ROLE_ENDPOINT,
    ROLE_LANE,   /* what a lane shows */
    ROLE_NUMBER, /* of a capture's packet: in the monospaced face, like the next */
    ROLE_TIME,
    ROLE_CALL,
    ROLE_STATE,
    ROLE_PACKET, /* along its arrow */
    ROLE_BREAK,
    ROLE_KEY,  /* which connection a story's mark stands for */
    ROLE_NOTE, /* a line of a note's text */
    ROLE_COUNT
};

enum layout_lane { LANE_NUMBER, LANE_TIME, LANE_CALLS, LANE_STATE, LANE_WIRE };

enum layout_anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

struct layout_text {
    enum layout_role role;
    enum layout_anchor anchor;
    double x, y;   /* where its baseline is anchored */
    double angle;  /* turned about that point; radians */
    double width;  /* of text and note together */
    size_t mark;   /* leading bytes that are the story's mark */
    size_t strong; /* the bytes after it that carry most: a packet's flags */
    const char *text;
    const char *note;       /* set apart after the text ("lost"), or null */
    enum place place;       /* whose lane; PLACE_WIRE for the rest */
    enum layout_lane lane;  /* of a caption: which lane's */
    int row;                /* the row it stands in, or LADDER_NONE */
    int bar;                /* index of the call or state it belongs to, or LADDER_NONE */
    int story;              /* LADDER_NONE: of all of them */
    enum standing standing; /* of a state */
    int line; /* of a note: its index times LAYOUT_NOTE_LINES, and which of its lines */
};

enum arrow_end {
    ARROW_HOST,      /* on a lifeline */
    ARROW_LOST,      /* a cross on the wire */
    ARROW_IN_FLIGHT, /* on the wire still */
    ARROW_INJECTED,  /* begins on the wire: nobody sent it */
    ARROW_COPY /* begins on the wire, on another's arrow: the wire made it of that one */
};

struct layout_arrow {
    int packet; /* index into the ladder's packets */
    double x1, y1, x2, y2;
    enum arrow_end from, to;
};

/* A stretch of a lifeline, centred on x. */
struct layout_state {
    int state; /* index into the ladder's states */
    double x, y1, y2;
};

struct layout_call {
    int call; /* index into the ladder's calls */
    double x, y1, y2;
    bool open_start, open_end; /* its entry was not seen; it has not returned */
};

/* A hair line from a bar to its text, where several stand side by side. */
struct layout_tick {
    double x1, x2, y;
    int story;
};

struct layout_break {
    double y;
    int row; /* the row after it */
};

/* A story's line in the key, where there are several. */
struct layout_key {
    double x1, x2, y;
    int story;
};

/* A note: its number in the margin, and where its text begins. */
struct layout_note {
    int note;     /* index into the ladder's notes */
    double x, y;  /* its number's middle */
    double row_y; /* of the row it is about */
    int lines;    /* of its text; 0: it has none */
    double text_y;
};

/* More lines than this has no note. */
enum { LAYOUT_NOTE_LINES = 6 };

struct layout_column {
    int bars;    /* side by side; 0: the lane is left out */
    double bar;  /* the bar nearest to the wire, its centre; the others step outwards */
    double text; /* where texts are anchored */
};

struct layout_host {
    double edge; /* the lifeline's inner edge: where arrows end */
    struct layout_column states, calls;
};

struct layout {
    struct arena arena;
    const struct ladder *ladder; /* borrowed */
    double width, height;
    double number_right; /* the right edge of the lane of packets' numbers; 0: left out */
    double time_right;   /* of the time's lane */
    double rows_right;   /* where rows end, and notes begin */
    double note_text;    /* from there to the notes' texts */
    double note_width;   /* of numbers and texts together; 0: there are none */
    double top, bottom;  /* of the lifelines */
    double row_height;
    double *row_y; /* ladder->row_count of them */
    struct layout_host host[2];
    struct layout_text *texts;
    size_t text_count;
    struct layout_arrow *arrows;
    size_t arrow_count;
    struct layout_state *states;
    size_t state_count;
    struct layout_call *calls;
    size_t call_count;
    struct layout_tick *ticks;
    size_t tick_count;
    struct layout_break *breaks;
    size_t break_count;
    struct layout_note *notes;
    size_t note_count;
    struct layout_key *keys;
    size_t key_count;
};

/* Width of a bar, and from one bar's centre to the next one's. */
#define LAYOUT_BAR 7.0
#define LAYOUT_BAR_STEP 11.0

/* Between a text and its note. */
#define LAYOUT_NOTE_GAP 7.0

/* Lays out the ladder, borrowed until layout_free, in the language of `words`. 0 or
 * ERROR_MEMORY. */
int layout_new(const struct ladder *ladder, const struct words *words,
               struct layout **ret_layout);
/* Frees it and leaves null; accepts null. */
void layout_free(struct layout **layout);

/* The size of a role's letters in pixels. */
double layout_size(enum layout_role role);
/* What a text occupies. */
struct box layout_text_box(const struct layout_text *text);

#endif
