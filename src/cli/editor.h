/* A line being typed in a terminal: bytes of keys in, a line out, and how to draw it. Pure: it
 * reads and writes no terminal.
 *
 * Keys: those of readline, as far as people use them: arrows, Home and End, Ctrl-A -E -B -F, Delete,
 * Backspace, Ctrl-K -U -W, Ctrl-P and -N and the arrows for the lines before, Ctrl-L, Ctrl-D at an
 * empty line and Ctrl-C for the end. What is typed is shown made visible, in as much of it as
 * there are columns for. */
#ifndef WOSHOU_CLI_EDITOR_H
#define WOSHOU_CLI_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

enum { EDITOR_BEFORE = 200, EDITOR_LINE_BYTES = 8 << 10 };

enum editor_answer {
    EDITOR_MORE,   /* the line may have changed: draw it */
    EDITOR_LINE,   /* it is complete: editor_take */
    EDITOR_END,    /* nothing more will be typed */
    EDITOR_CLEAR,  /* the screen is to be cleared */
    EDITOR_SUSPEND /* the program is to be suspended (Ctrl-Z) */
};

struct editor {
    struct buffer line;
    size_t cursor; /* in bytes, between two characters as people count them */
    char *before[EDITOR_BEFORE]; /* the lines before, a ring */
    size_t before_count;         /* ever */
    size_t browsing;             /* how far back; 0: the line that is typed */
    struct buffer typed;         /* that line, while browsing */
    char pending[8];             /* of a character or an escape sequence */
    size_t pending_length;
};

void editor_init(struct editor *editor);
void editor_done(struct editor *editor);

/* One byte that came from the terminal. */
enum editor_answer editor_key(struct editor *editor, char byte);
/* Moves the complete line out, and remembers it among those before. */
void editor_take(struct editor *editor, struct buffer *ret_line);

/* Appends what draws the line anew over the one the cursor is in, and what takes it away. */
void editor_draw(const struct editor *editor, const char *prompt, int columns,
                 struct buffer *ret_output);
void editor_erase(struct buffer *ret_output);

#endif
