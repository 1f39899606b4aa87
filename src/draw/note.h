/* Notes on a ladder: numbers in its margin, some with a text, each on the row of the event
 * it is about. Whoever lists them beside the picture links the two. */
#ifndef WOSHOU_DRAW_NOTE_H
#define WOSHOU_DRAW_NOTE_H

#include "draw/ladder.h"

enum note_about { NOTE_PACKET, NOTE_STATE, NOTE_RETURN };

/* What a note is about: an event of a story, as far as it takes to find it. */
struct note_wish {
    enum note_about about;
    int story; /* index; -1: of whichever it is found in */
    int64_t t_ns;
    enum place place; /* of a state or a call */
    uint64_t packet;  /* its number */
    enum tcp_state state;
    const char *call; /* its name */
    int number;       /* from 1; shown */
    const char *text; /* copied; null: the number alone */
    bool wrong;       /* it is not as it should be */
};

/* Puts notes on a ladder that has none; those whose event the ladder does not show are
 * left out. 0 or ERROR_MEMORY. */
int ladder_put_notes(struct ladder *ladder, const struct note_wish *wishes, size_t count);

#endif
