#include "draw/svg.h"

#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "capture/decode.h"
#include "draw/layout.h"
#include "draw/markup.h"
#include "draw/svg_style.h"

#define HEAD_LENGTH 9.0
#define HEAD_WIDTH 6.4
#define MARK 4.5 /* half the size of a cross or a diamond */

/* "M x y" or whatever other command. */
static void point(struct buffer *out, char command, double x, double y)
{
    buffer_append_char(out, command);
    markup_number(out, x);
    buffer_append_char(out, ' ');
    markup_number(out, y);
}

static void open_path(struct buffer *out, const char *class)
{
    buffer_append_format(out, "<path class=\"%s\" d=\"", class);
}

static void close_path(struct buffer *out)
{
    buffer_append_text(out, "\"/>\n");
}

static void line(struct buffer *out, const char *class, double x1, double y1, double x2,
                 double y2)
{
    open_path(out, class);
    point(out, 'M', x1, y1);
    point(out, 'L', x2, y2);
    close_path(out);
}

/* A bar from y1 to y2; an end that is open has no line across. */
static void bar(struct buffer *out, const char *class, double x, double y1, double y2,
                bool open_start, bool open_end)
{
    double left = x - LAYOUT_BAR / 2, right = x + LAYOUT_BAR / 2;
    bool upwards = open_start && !open_end;
    double first = upwards ? y1 : y2, second = upwards ? y2 : y1;
    open_path(out, class);
    point(out, 'M', left, first);
    point(out, 'L', left, second);
    point(out, open_start && open_end ? 'M' : 'L', right, second);
    point(out, 'L', right, first);
    if (!open_start && !open_end)
        buffer_append_char(out, 'Z');
    close_path(out);
}

/* Faint lines that carry the eye from a time to what happened then. */
static void draw_rows(struct buffer *out, const struct layout *layout)
{
    open_path(out, "rows");
    for (size_t i = 0; i < layout->ladder->row_count; i++) {
        point(out, 'M', layout->time_right + 8, layout->row_y[i]);
        point(out, 'L', layout->rows_right, layout->row_y[i]);
    }
    close_path(out);
}

static const char *phase(enum tcp_state state)
{
    switch (state) {
    case STATE_SYN_SENT:
    case STATE_SYN_RECEIVED: return "opening";
    case STATE_ESTABLISHED: return "open";
    case STATE_FIN_WAIT_1:
    case STATE_FIN_WAIT_2:
    case STATE_CLOSE_WAIT:
    case STATE_CLOSING:
    case STATE_LAST_ACK: return "closing";
    case STATE_TIME_WAIT: return "waiting";
    default: return "idle";
    }
}

static void draw_bars(struct buffer *out, const struct layout *layout)
{
    static const char *const standings[] = {[STANDING_OBSERVED] = "",
                                            [STANDING_TRACED] = " traced",
                                            [STANDING_INFERRED] = " guess"};
    for (size_t i = 0; i < layout->state_count; i++) {
        const struct layout_state *place = &layout->states[i];
        const struct ladder_state *state = &layout->ladder->states[place->state];
        struct buffer class;
        char name[48];
        buffer_init_fixed(&class, name, sizeof name);
        buffer_append_format(&class, "bar %s%s", phase(state->state),
                             standings[state->standing]);
        bar(out, name, place->x, place->y1, place->y2, false,
            state->to_row == LADDER_NONE);
    }
    for (size_t i = 0; i < layout->call_count; i++) {
        const struct layout_call *call = &layout->calls[i];
        bar(out, "bar call-bar", call->x, call->y1, call->y2, call->open_start,
            call->open_end);
    }
    for (size_t i = 0; i < layout->tick_count; i++) {
        const struct layout_tick *tick = &layout->ticks[i];
        line(out, "tick", tick->x1, tick->y, tick->x2, tick->y);
    }
}

static void draw_lifelines(struct buffer *out, const struct layout *layout)
{
    for (int i = 0; i < 2; i++)
        line(out, "life", layout->host[i].edge, layout->top, layout->host[i].edge,
             layout->bottom);
}

/* Two strokes and the paper between them, across a bar or a lifeline: time was cut
 * here. */
static void tear(struct buffer *out, double left, double right, double y)
{
    open_path(out, "tear");
    point(out, 'M', left, y);
    point(out, 'L', right, y - 5);
    point(out, 'M', right, y + 1);
    point(out, 'L', left, y + 6);
    close_path(out);
}

static void tear_column(struct buffer *out, const struct layout_column *column,
                        double outwards, double y)
{
    double last = column->bar + outwards * LAYOUT_BAR_STEP * (column->bars - 1);
    double left = fmin(column->bar, last) - LAYOUT_BAR / 2 - 4;
    double right = fmax(column->bar, last) + LAYOUT_BAR / 2 + 4;
    if (column->bars)
        tear(out, left, right, y);
}

static void draw_breaks(struct buffer *out, const struct layout *layout)
{
    for (size_t i = 0; i < layout->break_count; i++) {
        double y = layout->breaks[i].y;
        line(out, "gap", layout->time_right + 8, y, layout->rows_right, y);
        for (int k = 0; k < 2; k++) {
            const struct layout_host *host = &layout->host[k];
            tear_column(out, &host->states, k ? 1 : -1, y);
            tear_column(out, &host->calls, k ? 1 : -1, y);
            if (!host->states.bars)
                tear(out, host->edge - 7, host->edge + 7, y);
        }
    }
}

/* The arrow's head, its tip exactly at the end of the line. */
static void draw_head(struct buffer *out, const struct layout_arrow *arrow)
{
    double length = hypot(arrow->x2 - arrow->x1, arrow->y2 - arrow->y1);
    double dx = (arrow->x2 - arrow->x1) / length, dy = (arrow->y2 - arrow->y1) / length;
    double x = arrow->x2 - dx * HEAD_LENGTH, y = arrow->y2 - dy * HEAD_LENGTH;
    open_path(out, "head");
    point(out, 'M', arrow->x2, arrow->y2);
    point(out, 'L', x - dy * HEAD_WIDTH / 2, y + dx * HEAD_WIDTH / 2);
    point(out, 'L', x + dy * HEAD_WIDTH / 2, y - dx * HEAD_WIDTH / 2);
    buffer_append_char(out, 'Z');
    close_path(out);
}

/* A cross where it was lost, a ring where it still is. */
static void draw_end(struct buffer *out, const struct layout_arrow *arrow)
{
    double x = arrow->x2, y = arrow->y2;
    if (arrow->to == ARROW_HOST) {
        draw_head(out, arrow);
    } else if (arrow->to == ARROW_LOST) {
        open_path(out, "cross");
        point(out, 'M', x - MARK, y - MARK);
        point(out, 'L', x + MARK, y + MARK);
        point(out, 'M', x - MARK, y + MARK);
        point(out, 'L', x + MARK, y - MARK);
        close_path(out);
    } else {
        buffer_append_text(out, "<circle class=\"mark wire\"");
        markup_attribute(out, "cx", x);
        markup_attribute(out, "cy", y);
        buffer_append_text(out, " r=\"3\"/>\n");
    }
}

/* A diamond where the wire slipped it in, a dot where it copied another. */
static void draw_start(struct buffer *out, const struct layout_arrow *arrow)
{
    double x = arrow->x1, y = arrow->y1;
    if (arrow->from == ARROW_INJECTED) {
        open_path(out, "mark wire");
        point(out, 'M', x, y - MARK);
        point(out, 'L', x + MARK, y);
        point(out, 'L', x, y + MARK);
        point(out, 'L', x - MARK, y);
        buffer_append_char(out, 'Z');
        close_path(out);
    } else if (arrow->from == ARROW_COPY) {
        buffer_append_text(out, "<circle class=\"head\"");
        markup_attribute(out, "cx", x);
        markup_attribute(out, "cy", y);
        buffer_append_text(out, " r=\"3\"/>\n");
    }
}

static void draw_arrows(struct buffer *out, const struct layout *layout)
{
    const struct ladder *ladder = layout->ladder;
    for (size_t i = 0; i < layout->arrow_count; i++) {
        const struct layout_arrow *arrow = &layout->arrows[i];
        const struct ladder_packet *packet = &ladder->packets[arrow->packet];
        buffer_append_text(out, "<g class=\"arrow");
        if (ladder->story_count > 1)
            buffer_append_format(out, " s%d", packet->story + 1);
        if (packet->packet.flags & TCP_RST)
            buffer_append_text(out, " reset");
        buffer_append_text(out, "\">\n");
        line(out, "wire", arrow->x1, arrow->y1, arrow->x2, arrow->y2);
        draw_start(out, arrow);
        draw_end(out, arrow);
        buffer_append_text(out, "</g>\n");
    }
}

static void draw_keys(struct buffer *out, const struct layout *layout)
{
    for (size_t i = 0; i < layout->key_count; i++) {
        const struct layout_key *key = &layout->keys[i];
        buffer_append_format(out, "<g class=\"s%d\">\n", key->story + 1);
        line(out, "wire", key->x1, key->y, key->x2, key->y);
        draw_head(out, &(struct layout_arrow){
                           .x1 = key->x1, .y1 = key->y, .x2 = key->x2, .y2 = key->y});
        buffer_append_text(out, "</g>\n");
    }
}

/* From the number to its row, and from the number to its text where that had to go
 * elsewhere. */
static void draw_note(struct buffer *out, const struct layout *layout,
                      const struct layout_note *place, const struct svg_options *options)
{
    const struct ladder_note *note = &layout->ladder->notes[place->note];
    double left = layout->rows_right - 2;
    buffer_append_format(out, "<g class=\"badge%s\"", note->wrong ? " wrong" : "");
    if (options->note_links)
        buffer_append_format(out, " id=\"%s%d-row\"", options->note_links, note->number);
    buffer_append_text(out, ">\n");
    line(out, "leader", place->x, place->y, left + HEAD_LENGTH - 2, place->row_y);
    draw_head(out,
              &(struct layout_arrow){
                  .x1 = left + 20, .y1 = place->row_y, .x2 = left, .y2 = place->row_y});
    if (place->lines && place->text_y > place->y)
        line(out, "leader", place->x, place->y,
             layout->rows_right + layout->note_text - 4, place->text_y);
    if (options->note_links)
        buffer_append_format(out, "<a href=\"#%s%d\">", options->note_links,
                             note->number);
    buffer_append_text(out, "<circle");
    markup_attribute(out, "cx", place->x);
    markup_attribute(out, "cy", place->y);
    buffer_append_text(out, " r=\"8.5\"/><text text-anchor=\"middle\"");
    markup_attribute(out, "x", place->x);
    markup_attribute(out, "y", place->y + 3.6);
    buffer_append_format(out, ">%d</text>%s</g>\n", note->number,
                         options->note_links ? "</a>" : "");
}

static void draw_notes(struct buffer *out, const struct layout *layout,
                       const struct svg_options *options)
{
    for (size_t i = 0; i < layout->note_count; i++)
        draw_note(out, layout, &layout->notes[i], options);
}

/* The rest of a <tspan> that was opened, where there is any. */
static void draw_span(struct buffer *out, const char *text, size_t length)
{
    if (!length)
        return;
    markup_part(out, text, length);
    buffer_append_text(out, "</tspan>");
}

static void draw_text(struct buffer *out, const struct layout_text *text)
{
    static const char *const classes[ROLE_COUNT] = {
        "host",  "endpoint", "lane",  "number", "time",  "call",
        "state", "packet",   "break", "key",    "remark"};
    static const char *const anchors[] = {"start", "middle", "end"};
    bool inferred = text->role == ROLE_STATE && text->standing == STANDING_INFERRED;
    buffer_append_format(out, "<text class=\"%s halo%s\" text-anchor=\"%s\"",
                         classes[text->role], inferred ? " inferred" : "",
                         anchors[text->anchor]);
    markup_attribute(out, "x", text->x);
    markup_attribute(out, "y", text->y);
    if (fabs(text->angle) > 1e-6) {
        buffer_append_text(out, " transform=\"rotate(");
        markup_degrees(out, text->angle);
        point(out, ' ', text->x, text->y);
        buffer_append_text(out, ")\"");
    }
    buffer_append_char(out, '>');
    const char *at = text->text;
    if (text->mark)
        buffer_append_format(out, "<tspan class=\"s%d-text\">", text->story + 1);
    draw_span(out, at, text->mark);
    at += text->mark;
    if (text->strong)
        buffer_append_text(out, "<tspan class=\"strong\">");
    draw_span(out, at, text->strong);
    markup_text(out, at + text->strong);
    if (text->note) {
        buffer_append_text(out, "<tspan class=\"note\"");
        markup_attribute(out, "dx", LAYOUT_NOTE_GAP);
        buffer_append_char(out, '>');
        markup_text(out, text->note);
        buffer_append_text(out, "</tspan>");
    }
    buffer_append_text(out, "</text>\n");
}

static void open_svg(struct buffer *out, const struct layout *layout, const char *tag,
                     const struct svg_options *options)
{
    buffer_append_format(out,
                         "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" "
                         "lang=\"%s\" role=\"img\" aria-labelledby=\"%s-title %s-desc\" "
                         "viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n",
                         tag, options->id, options->id, layout->width, layout->height,
                         layout->width, layout->height);
    buffer_append_format(out, "<title id=\"%s-title\">", options->id);
    markup_text(out, options->title);
    buffer_append_format(out, "</title>\n<desc id=\"%s-desc\">", options->id);
    markup_text(out, options->description);
    buffer_append_text(out, "</desc>\n");
    if (options->inline_in_page)
        return;
    buffer_append_text(out, "<style>\n");
    svg_style_colours(out, ".ladder");
    svg_style_rules(out);
    buffer_append_text(out, "</style>\n");
    buffer_append_text(out, "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n");
}

int svg_ladder(struct buffer *out, const struct ladder *ladder, const struct words *words,
               const struct svg_options *options)
{
    struct layout *layout;
    int failed = layout_new(ladder, words, &layout);
    if (failed)
        return failed;
    open_svg(out, layout, words->tag, options);
    draw_rows(out, layout);
    draw_lifelines(out, layout);
    draw_bars(out, layout);
    draw_breaks(out, layout);
    draw_arrows(out, layout);
    draw_keys(out, layout);
    draw_notes(out, layout, options);
    for (size_t i = 0; i < layout->text_count; i++)
        draw_text(out, &layout->texts[i]);
    buffer_append_text(out, "</svg>\n");
    layout_free(&layout);
    return out->failed;
}
