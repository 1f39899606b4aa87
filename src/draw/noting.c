#include "draw/noting.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/paragraph.h"
#include "draw/layout.h"
#include "draw/measure.h"

/* All in pixels. */
#define ARROW 22.0      /* from the rows' end to the first number */
#define BADGE_STEP 21.0 /* from one number to the next on the same row */
#define TEXT_GAP 14.0   /* from the last number's middle to the text */
#define LINE 15.5
#define GAP 5.0 /* between two notes' texts */
#define LINE_COLUMNS 34

/* How many notes come before this one on its row. */
static int place_in_row(const struct ladder *ladder, size_t index)
{
    int before = 0;
    for (size_t i = 0; i < index; i++)
        before += ladder->notes[i].row == ladder->notes[index].row;
    return before;
}

static int most_in_a_row(const struct ladder *ladder)
{
    int most = 0;
    for (size_t i = 0; i < ladder->note_count; i++) {
        int in_row = place_in_row(ladder, i) + 1;
        most = in_row > most ? in_row : most;
    }
    return most;
}

/* One line of a note's text. */
static int add_line(struct layout *layout, size_t note, int line, const char *text,
                    size_t length)
{
    const struct ladder_note *of = &layout->ladder->notes[note];
    char *copy = arena_copy(&layout->arena, text, length);
    if (!copy)
        return ERROR_MEMORY;
    layout->texts[layout->text_count++] = (struct layout_text){
        .role = ROLE_NOTE,
        .anchor = ANCHOR_START,
        .text = copy,
        .width = measure_text(copy, layout_size(ROLE_NOTE)),
        .place = PLACE_WIRE,
        .row = of->row,
        .bar = LADDER_NONE,
        .line = (int)note * LAYOUT_NOTE_LINES + line,
        .story = LADDER_NONE,
    };
    return 0;
}

static int write_note(struct layout *layout, size_t index)
{
    struct layout_note *note = &layout->notes[index];
    const char *text = layout->ladder->notes[index].text;
    struct buffer broken;
    int failed = 0;
    note->note = (int)index;
    note->lines = 0;
    if (!text)
        return 0;
    buffer_init(&broken, 0);
    paragraph_append(&broken, text, LINE_COLUMNS, 0);
    const char *at = buffer_text(&broken), *newline;
    while (!failed && note->lines < LAYOUT_NOTE_LINES && (newline = strchr(at, '\n'))) {
        failed = add_line(layout, index, note->lines++, at, (size_t)(newline - at));
        at = newline + 1;
    }
    failed = failed ? failed : broken.failed;
    buffer_done(&broken);
    return failed;
}

int noting_write(struct layout *layout)
{
    const struct ladder *ladder = layout->ladder;
    double text = 0;
    int failed = 0;
    layout->note_count = ladder->note_count;
    layout->note_width = 0;
    if (!ladder->note_count)
        return 0;
    for (size_t i = 0; i < ladder->note_count && !failed; i++)
        failed = write_note(layout, i);
    for (size_t i = 0; i < layout->text_count; i++)
        if (layout->texts[i].role == ROLE_NOTE)
            text = fmax(text, layout->texts[i].width);
    layout->note_text = ARROW + BADGE_STEP * (most_in_a_row(ladder) - 1) + TEXT_GAP;
    layout->note_width = layout->note_text + text;
    return failed;
}

static void place_lines(struct layout *layout, int note, double y)
{
    for (size_t i = 0; i < layout->text_count; i++) {
        struct layout_text *text = &layout->texts[i];
        if (text->role != ROLE_NOTE || text->line / LAYOUT_NOTE_LINES != note)
            continue;
        text->anchor = ANCHOR_START;
        text->x = layout->rows_right + layout->note_text;
        text->y =
            y + LINE * (text->line % LAYOUT_NOTE_LINES) + layout_size(ROLE_NOTE) * 0.35;
    }
}

/* A note without a text stays on its row: numbers of neighbouring rows do not meet. */
double noting_place(struct layout *layout)
{
    const struct ladder *ladder = layout->ladder;
    double lowest = layout->top, deepest = 0;
    for (int row = 0; row < (int)ladder->row_count; row++) {
        double y = layout->row_y[row], next = y;
        bool moved = false;
        for (size_t i = 0; i < ladder->note_count; i++) {
            struct layout_note *note = &layout->notes[i];
            if (ladder->notes[i].row != row)
                continue;
            note->x = layout->rows_right + ARROW + BADGE_STEP * place_in_row(ladder, i);
            note->row_y = y;
            note->y = y;
            if (!note->lines)
                continue;
            if (!moved && lowest > y)
                next = lowest;
            moved = true;
            place_lines(layout, (int)i, next);
            note->text_y = next;
            next += LINE * note->lines;
            lowest = next - LINE / 2 + GAP + LINE / 2;
            deepest = fmax(deepest, next);
        }
    }
    return deepest;
}
