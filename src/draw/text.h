/* A ladder as text, for terminals and files: lanes for the time, the client's calls and
 * states, the wire, the server's states and calls.
 *
 *     text_options_fit   leaves out lanes that would stay empty
 *     text_header        names the ends and the lanes
 *     text_rows          rows, as many and as often as there are new ones
 *     text_footer        the verdicts
 *
 * What is printed of a row depends on that row and those before it, so that a live
 * printer may print all rows but the last (which can still grow) and go on later. Lines
 * are at most `width` columns. */
#ifndef WOSHOU_DRAW_TEXT_H
#define WOSHOU_DRAW_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "draw/ladder.h"

struct buffer;
struct words;

enum { TEXT_WIDTH_MIN = 80, TEXT_WIDTH_MAX = 200 };

struct text_options {
    int width; /* columns; taken for TEXT_WIDTH_MIN at least and TEXT_WIDTH_MAX at most */
    bool ascii; /* no box drawing; text from translations and payloads stays what it is */
    bool colour;                        /* with escape sequences */
    bool without_calls, without_states; /* lanes left out */
    int number_width; /* of a lane for packets' numbers, by which a capture has them; 0 */
    const struct words *words;
};

/* Leaves out the lanes for which the ladder has nothing, and gives one to the numbers that
 * packets of a capture have. Not for a ladder that still
 * grows. */
void text_options_fit(struct text_options *options, const struct ladder *ladder);

void text_header(const struct ladder *ladder, const struct text_options *options,
                 struct buffer *buffer);
/* The rows from `from` up to but not including `to`. */
void text_rows(const struct ladder *ladder, const struct text_options *options,
               size_t from, size_t to, struct buffer *buffer);
/* A sentence or two for each story; of a capture, what to check next. */
void text_footer(const struct ladder *ladder, const struct text_options *options,
                 struct buffer *buffer);

#endif
