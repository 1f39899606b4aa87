/* A line of a terminal, put together out of order: texts are put at columns, later ones
 * over earlier ones, and the line is then written from left to right. A wide character
 * takes two columns and is never shown by half. */
#ifndef WOSHOU_DRAW_CANVAS_H
#define WOSHOU_DRAW_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { CANVAS_COLUMNS = 240 };

enum canvas_style {
    STYLE_PLAIN,
    STYLE_FAINT,  /* times, lifelines, what is in flight */
    STYLE_STATE,  /* observed or traced */
    STYLE_OPENS,  /* packets: SYN */
    STYLE_CLOSES, /* FIN */
    STYLE_BREAKS, /* RST, and what was lost */
    STYLE_DATA,
    STYLE_COUNT
};

enum canvas_part { PART_BLANK, PART_NARROW, PART_WIDE, PART_RIGHT_HALF };

struct canvas_cell {
    const char *glyph; /* of a narrow or wide one; borrowed until canvas_write */
    uint8_t bytes;
    uint8_t part;  /* enum canvas_part: a wide one's second column is a right half */
    uint8_t style; /* enum canvas_style */
};

struct canvas {
    int width;
    struct canvas_cell cells[CANVAS_COLUMNS];
};

/* Blank, `width` columns (at most CANVAS_COLUMNS). */
void canvas_clear(struct canvas *canvas, int width);
/* Puts UTF-8 `text`, borrowed until canvas_write, at `column`; what falls outside is left
 * out. */
void canvas_put(struct canvas *canvas, int column, enum canvas_style style,
                const char *text);
/* The same for its first `length` bytes. */
void canvas_put_part(struct canvas *canvas, int column, enum canvas_style style,
                     const char *text, size_t length);
/* Whether nothing stands in the columns from `from` up to but not including `to`. */
bool canvas_blank(const struct canvas *canvas, int from, int to);
/* Appends the line, without blanks at its end, and a newline; in colour with escape
 * sequences. */
void canvas_write(const struct canvas *canvas, bool colour, struct buffer *buffer);

#endif
