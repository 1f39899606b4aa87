#include "draw/canvas.h"

#include <string.h>

#include "base/buffer.h"
#include "base/visible.h"

void canvas_clear(struct canvas *canvas, int width)
{
    memset(canvas, 0, sizeof *canvas);
    canvas->width = width < CANVAS_COLUMNS ? width : CANVAS_COLUMNS;
}

/* Blanks a cell, and the other half of a wide character with it. */
static void wipe(struct canvas *canvas, int column)
{
    struct canvas_cell *cell = &canvas->cells[column];
    if (cell->part == PART_RIGHT_HALF)
        cell[-1] = (struct canvas_cell){0};
    if (cell->part == PART_WIDE)
        cell[1] = (struct canvas_cell){0};
    *cell = (struct canvas_cell){0};
}

void canvas_put_part(struct canvas *canvas, int column, enum canvas_style style,
                     const char *text, size_t length)
{
    while (length > 0) {
        /* One character with whatever combines with it. */
        size_t bytes = visible_prefix(text, length, 1);
        int columns = bytes && visible_width(text, bytes) ? 1 : 2;
        if (columns == 2)
            bytes = visible_prefix(text, length, 2);
        if (bytes == 0 || bytes > UINT8_MAX)
            return;
        if (column >= 0 && column + columns <= canvas->width) {
            for (int i = 0; i < columns; i++)
                wipe(canvas, column + i);
            canvas->cells[column] = (struct canvas_cell){
                text, (uint8_t)bytes, columns == 2 ? PART_WIDE : PART_NARROW,
                (uint8_t)style};
            if (columns == 2)
                canvas->cells[column + 1].part = PART_RIGHT_HALF;
        }
        column += columns;
        text += bytes;
        length -= bytes;
    }
}

void canvas_put(struct canvas *canvas, int column, enum canvas_style style,
                const char *text)
{
    canvas_put_part(canvas, column, style, text, strlen(text));
}

bool canvas_blank(const struct canvas *canvas, int from, int to)
{
    for (int column = from < 0 ? 0 : from; column < to && column < canvas->width;
         column++)
        if (canvas->cells[column].part != PART_BLANK)
            return false;
    return true;
}

/* Restrained, and legible on light and dark grounds: never the only sign of anything. */
static const char *const escapes[STYLE_COUNT] = {
    [STYLE_PLAIN] = "",         [STYLE_FAINT] = "\033[2m",   [STYLE_STATE] = "\033[1m",
    [STYLE_OPENS] = "\033[32m", [STYLE_CLOSES] = "\033[35m", [STYLE_BREAKS] = "\033[31m",
    [STYLE_DATA] = "\033[36m",
};

static void change_style(struct buffer *buffer, uint8_t *style, uint8_t wanted)
{
    if (*style == wanted)
        return;
    if (*style != STYLE_PLAIN)
        buffer_append_text(buffer, "\033[0m");
    buffer_append_text(buffer, escapes[wanted]);
    *style = wanted;
}

void canvas_write(const struct canvas *canvas, bool colour, struct buffer *buffer)
{
    int end = canvas->width;
    while (end > 0 && canvas->cells[end - 1].part == PART_BLANK)
        end--;
    uint8_t style = STYLE_PLAIN;
    for (int column = 0; column < end; column++) {
        const struct canvas_cell *cell = &canvas->cells[column];
        if (cell->part == PART_RIGHT_HALF)
            continue;
        if (cell->part == PART_BLANK) {
            if (colour)
                change_style(buffer, &style, STYLE_PLAIN);
            buffer_append_char(buffer, ' ');
            continue;
        }
        if (colour)
            change_style(buffer, &style, cell->style);
        buffer_append(buffer, cell->glyph, cell->bytes);
    }
    if (colour)
        change_style(buffer, &style, STYLE_PLAIN);
    buffer_append_char(buffer, '\n');
}
