/* Lines for rows. A row is mostly one line; it takes more where a packet's label or a
 * call's result does not fit its lane. */
#include "draw/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/visible.h"
#include "draw/canvas.h"
#include "draw/fill.h"
#include "draw/lanes.h"
#include "draw/words.h"

enum { CALL_TEXT = 64 };

/* What has to be known of the rows before, to draw the next one; and the texts of the
 * line being drawn, which the canvas only borrows. */
struct printer {
    const struct ladder *ladder;
    const struct text_options *options;
    struct arena arena;
    struct lanes lanes;
    struct wire_lane wire;
    /* By story and side: in a state other than at rest. */
    bool living[LADDER_STORIES_MAX][2];
    int open_calls[2]; /* entered and not returned */
    bool late[2];      /* the row's call did not fit its line: it comes on the next */
    char call_text[2][CALL_TEXT];
    char number_text[24], time_text[32], silence_text[128], note_text[16];
    struct canvas canvas;
};

void text_options_fit(struct text_options *options, const struct ladder *ladder)
{
    options->without_calls = ladder->call_count == 0;
    options->without_states = ladder->state_count == 0;
    options->number_width = 0;
    for (size_t i = 0; i < ladder->packet_count; i++) {
        if (!ladder->packets[i].level)
            continue;
        int digits = snprintf(NULL, 0, "%" PRIu64, ladder->packets[i].packet.number);
        if (digits > options->number_width)
            options->number_width = digits;
    }
}

/* --- the parts of a line --- */

/* Milliduration, with as many of three decimals as the lane has room for. */
static void format_ms(int64_t ns, int width, char text[32])
{
    for (int decimals = 3; decimals >= 0; decimals--)
        if (snprintf(text, 32, "%.*f", decimals, (double)ns / NS_PER_MS) <= width)
            return;
}

static void put_right(struct canvas *canvas, int end, enum canvas_style style,
                      const char *text)
{
    canvas_put(canvas, end - visible_width(text, strlen(text)), style, text);
}

static void put_middle(struct canvas *canvas, int from, int width,
                       enum canvas_style style, const char *text)
{
    int columns = visible_width(text, strlen(text));
    canvas_put(canvas, from + (width - columns) / 2, style, text);
}

static bool anyone_lives(const struct printer *printer, int side)
{
    bool lives = printer->options->without_states;
    for (size_t i = 0; i < printer->ladder->story_count; i++)
        lives |= printer->living[i][side];
    return lives;
}

static void draw_rails(struct printer *printer)
{
    const struct lanes *lanes = &printer->lanes;
    for (int side = 0; side < 2; side++)
        canvas_put(&printer->canvas, lanes->rail[side], STYLE_FAINT,
                   anyone_lives(printer, side) ? lanes->glyphs->rail
                                               : lanes->glyphs->rest);
}

/* A call that goes on is a bar below its name. */
static void draw_bars(struct printer *printer)
{
    const struct lanes *lanes = &printer->lanes;
    for (int side = 0; side < 2 && lanes->calls_width; side++) {
        int column = lanes->calls[side];
        if (printer->open_calls[side] &&
            canvas_blank(&printer->canvas, column, column + 1))
            canvas_put(&printer->canvas, column, STYLE_PLAIN, lanes->glyphs->bar);
    }
}

/* Beside the lifeline, on its outer side, and apart from it where there is room; in
 * parentheses where it is only inferred. */
static void draw_state(struct printer *printer, enum place side, int index)
{
    const struct ladder_state *state = &printer->ladder->states[index];
    const char *word = state_word(state->state);
    bool inferred = state->standing == STANDING_INFERRED;
    int length = (int)strlen(word) + 2 * inferred;
    int gap = length < printer->lanes.state_width;
    int rail = printer->lanes.rail[side];
    int column = side == PLACE_CLIENT ? rail - gap - length : rail + 1 + gap;
    enum canvas_style style = inferred ? STYLE_FAINT : STYLE_STATE;

    canvas_put(&printer->canvas, column + inferred, style, word);
    if (inferred) {
        canvas_put(&printer->canvas, column, style, "(");
        canvas_put(&printer->canvas, column + length - 1, style, ")");
    }
}

/* Whether success is all that a 0 says, so that it goes without saying. */
static bool zero_says_nothing(const char *name)
{
    return strcmp(name, "close") == 0 || strcmp(name, "shutdown") == 0 ||
           strcmp(name, "connect") == 0;
}

/* "connect(", ") = 0", and for a call within one row "send = 12", or "send 12" in a
 * narrow lane. */
static void format_call(const struct printer *printer, const struct ladder_side *side,
                        char text[CALL_TEXT])
{
    const struct ladder_call *call = &printer->ladder->calls[side->call];
    char number[32];
    const char *result = number;
    if (call->result < 0)
        result = error_errno_name((int)-call->result);
    else
        snprintf(number, sizeof number, "%" PRId64, call->result);

    if (side->call_enters && !side->call_returns)
        snprintf(text, CALL_TEXT, "%s(", call->name);
    else if (!side->call_enters && call->enter_row != LADDER_NONE)
        snprintf(text, CALL_TEXT, ") = %s", result);
    else if (call->result == 0 && zero_says_nothing(call->name))
        snprintf(text, CALL_TEXT, "%s", call->name);
    else
        snprintf(text, CALL_TEXT, printer->lanes.calls_width >= 12 ? "%s = %s" : "%s %s",
                 call->name, result);
}

/* Puts a call's text into its lane, or over an empty part of the state's; false: no
 * room. */
static bool put_call(struct printer *printer, int side)
{
    const struct lanes *lanes = &printer->lanes;
    const char *text = printer->call_text[side];
    int length = (int)strlen(text), column = lanes->calls[side];
    if (side == PLACE_SERVER && column + length > lanes->width)
        column = lanes->width - length;
    if (!canvas_blank(&printer->canvas, column - 1, column + length + 1))
        return false;
    canvas_put(&printer->canvas, column, STYLE_PLAIN, text);
    return true;
}

/* --- a row's lines --- */

static void draw_side(struct printer *printer, const struct ladder_row *row, int side)
{
    const struct ladder_side *now = &row->side[side];
    if (now->state != LADDER_NONE && printer->lanes.state_width)
        draw_state(printer, side, now->state);
    printer->late[side] = false;
    if (now->call == LADDER_NONE || !printer->lanes.calls_width)
        return;
    format_call(printer, now, printer->call_text[side]);
    printer->late[side] = !put_call(printer, side);
}

static void note_states(struct printer *printer, const struct ladder_row *row)
{
    for (int side = 0; side < 2; side++) {
        if (row->side[side].state == LADDER_NONE)
            continue;
        enum tcp_state state = printer->ladder->states[row->side[side].state].state;
        printer->living[row->story][side] =
            state != STATE_NONE && state != STATE_CLOSED && state != STATE_LISTEN;
    }
}

static void note_calls(struct printer *printer, const struct ladder_row *row)
{
    for (int side = 0; side < 2; side++) {
        const struct ladder_side *now = &row->side[side];
        if (now->call == LADDER_NONE || now->call_enters == now->call_returns)
            continue;
        if (now->call_enters)
            printer->open_calls[side]++;
        else if (printer->ladder->calls[now->call].enter_row != LADDER_NONE)
            printer->open_calls[side]--;
    }
}

static void draw_silence(struct printer *printer, int64_t silence_ns)
{
    const struct lanes *lanes = &printer->lanes;
    char duration[32];
    struct buffer text;
    double s = (double)silence_ns / NS_PER_S;
    snprintf(duration, sizeof duration, s < 100 ? "%.1f s" : "%.0f s", s);
    buffer_init_fixed(&text, printer->silence_text, sizeof printer->silence_text);
    fill_append(&text, printer->options->words->say(N_("{duration} of silence")),
                &(struct fill){"duration", duration}, 1);

    canvas_clear(&printer->canvas, lanes->whole);
    put_right(&printer->canvas, lanes->time, STYLE_FAINT, lanes->glyphs->dots);
    draw_rails(printer);
    wire_lane_between(&printer->wire, &printer->canvas);
    draw_bars(printer);
    put_middle(&printer->canvas, lanes->wire, lanes->wire_width, STYLE_PLAIN,
               printer->silence_text);
}

/* Of a run the first's. */
static void draw_number(struct printer *printer, const struct ladder_row *row)
{
    if (row->packet == LADDER_NONE || !printer->options->number_width)
        return;
    snprintf(printer->number_text, sizeof printer->number_text, "%" PRIu64,
             printer->ladder->packets[row->packet].packet.number);
    put_right(&printer->canvas, printer->options->number_width, STYLE_FAINT,
              printer->number_text);
}

/* The numbers of the notes on a row, as many as there is room for. */
static void draw_notes(struct printer *printer, int row)
{
    const struct ladder *ladder = printer->ladder;
    struct buffer text;
    if (printer->lanes.notes < 0)
        return;
    buffer_init_fixed(&text, printer->note_text, 8);
    bool wrong = false;
    for (size_t i = 0; i < ladder->note_count; i++) {
        const struct ladder_note *note = &ladder->notes[i];
        if (note->row != row)
            continue;
        wrong |= note->wrong;
        buffer_append_format(&text, "%s%d%s", text.length ? "," : "", note->number,
                             note->wrong ? "!" : "");
    }
    if (!text.length)
        return;
    if (text.failed) /* there are more */
        memcpy(printer->note_text + text.length, "+", 2);
    canvas_put(&printer->canvas, printer->lanes.notes, wrong ? STYLE_BREAKS : STYLE_FAINT,
               printer->lanes.glyphs->note);
    canvas_put(&printer->canvas, printer->lanes.notes + 1,
               wrong ? STYLE_BREAKS : STYLE_PLAIN, printer->note_text);
}

static void draw_row(struct printer *printer, size_t index)
{
    const struct ladder_row *row = &printer->ladder->rows[index];
    const struct lanes *lanes = &printer->lanes;
    canvas_clear(&printer->canvas, lanes->whole);
    format_ms(row->t_ns - printer->ladder->start_ns, lanes->time_width,
              printer->time_text);
    put_right(&printer->canvas, lanes->time, STYLE_FAINT, printer->time_text);
    draw_number(printer, row);
    if (lanes->mark >= 0)
        canvas_put(&printer->canvas, lanes->mark, STYLE_PLAIN,
                   lanes_mark(printer->options, row->story));
    note_states(printer, row);
    draw_rails(printer);
    for (int side = 0; side < 2; side++)
        draw_side(printer, row, side);
    wire_lane_row(&printer->wire, (int)index, &printer->canvas);
    draw_bars(printer);
    draw_notes(printer, (int)index);
    note_calls(printer, row);
}

/* A line for what the row's own line, or the one before, had no room for. */
static void draw_rest(struct printer *printer)
{
    canvas_clear(&printer->canvas, printer->lanes.width);
    draw_rails(printer);
    for (int side = 0; side < 2; side++) {
        if (printer->late[side])
            put_call(printer, side);
        printer->late[side] = false;
    }
    wire_lane_between(&printer->wire, &printer->canvas);
    draw_bars(printer);
}

static bool unfinished(const struct printer *printer)
{
    return printer->late[PLACE_CLIENT] || printer->late[PLACE_SERVER] ||
           printer->wire.rest;
}

/* Rows before `from` are drawn too, but not written: later ones continue their lines. */
void text_rows(const struct ladder *ladder, const struct text_options *options,
               size_t from, size_t to, struct buffer *buffer)
{
    struct printer printer = {
        .ladder = ladder, .options = options, .lanes = lanes_of(ladder, options)};
    const struct canvas *canvas = &printer.canvas;
    arena_init(&printer.arena, 0);
    int code =
        wire_lane_init(&printer.wire, &printer.arena, ladder, printer.lanes.glyphs,
                       options->words, printer.lanes.wire, printer.lanes.wire_width);
    if (code && !buffer->failed)
        buffer->failed = code;
    for (size_t i = 0; i < to && !buffer->failed; i++) {
        if (ladder->rows[i].silence_ns) {
            draw_silence(&printer, ladder->rows[i].silence_ns);
            if (i >= from)
                canvas_write(canvas, options->colour, buffer);
        }
        draw_row(&printer, i);
        if (i >= from)
            canvas_write(canvas, options->colour, buffer);
        while (unfinished(&printer)) {
            draw_rest(&printer);
            if (i >= from)
                canvas_write(canvas, options->colour, buffer);
        }
    }
    arena_done(&printer.arena);
}
