#include "draw/layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "draw/arrow.h"
#include "draw/lettering.h"
#include "draw/measure.h"
#include "draw/noting.h"
#include "draw/placing.h"

/* All in pixels. */
#define MARGIN 18.0
#define ROWS_MARGIN 12.0 /* beyond the rows' faint lines */
#define LANE_GAP 26.0    /* between two lanes */
#define NUMBER_GAP 14.0  /* between a packet's number and the time */
#define TEXT_GAP 9.0     /* between a bar and its text */
#define TICK_GAP 3.0     /* between a tick and its text */
#define HEAD_HEIGHT 62.0 /* hosts, endpoints, lanes' captions */
#define KEY_HEIGHT 19.0  /* a story's line in the key */
#define KEY_LINE 52.0    /* its sample line, and the gap after it */
#define CALL_BARS_MOST 9
#define FIRST_ROW 30.0 /* from the lifelines' top to the first row: its label's room */
#define LAST_ROW 26.0
#define ROW_HEIGHT 27.0 /* at first; grows until every label has its place */
#define ROW_HEIGHT_MOST 60.0
#define BREAK_HEIGHT 44.0
#define WIRE_LEAST 330.0
#define WIRE_SIDES 72.0 /* of the wire, what the longest label leaves free */

double layout_size(enum layout_role role)
{
    static const double sizes[ROLE_COUNT] = {
        [ROLE_HOST] = 15,     [ROLE_ENDPOINT] = 11.5, [ROLE_LANE] = 11.5,
        [ROLE_NUMBER] = 11.5, [ROLE_TIME] = 11.5,     [ROLE_CALL] = 12.5,
        [ROLE_STATE] = 11.5,  [ROLE_PACKET] = 12.5,   [ROLE_BREAK] = 12,
        [ROLE_KEY] = 11.5,    [ROLE_NOTE] = 12,
    };
    return sizes[role];
}

struct box layout_text_box(const struct layout_text *text)
{
    double size = layout_size(text->role);
    double along = text->anchor == ANCHOR_START    ? text->width / 2
                   : text->anchor == ANCHOR_MIDDLE ? 0
                                                   : -text->width / 2;
    /* From the baseline, letters rise 0.9 of their size and fall 0.22. */
    double up = size * 0.34, c = cos(text->angle), s = sin(text->angle);
    return (struct box){.x = text->x + c * along + s * up,
                        .y = text->y + s * along - c * up,
                        .half_width = text->width / 2,
                        .half_height = size * 0.56,
                        .angle = text->angle};
}

static double widest(const struct layout *layout, enum layout_role role, enum place place)
{
    double width = 0;
    for (size_t i = 0; i < layout->text_count; i++) {
        const struct layout_text *text = &layout->texts[i];
        if (text->role == role && text->place == place)
            width = fmax(width, text->width);
    }
    return width;
}

/* The width of a lane: its bars, its text and the caption over it. */
static double lane_width(const struct layout *layout, const struct layout_column *column,
                         enum layout_role role, enum place place)
{
    if (!column->bars)
        return 0;
    double bars = LAYOUT_BAR + LAYOUT_BAR_STEP * (column->bars - 1);
    return bars + TEXT_GAP + widest(layout, role, place);
}

/* Sets a host's columns from its lifeline's edge outwards: -1 is to the left, 1 to the
 * right. Returns the outermost x. */
static double place_host(struct layout *layout, enum place place, double outwards)
{
    struct layout_host *host = &layout->host[place];
    double x = host->edge;
    struct {
        struct layout_column *column;
        enum layout_role role;
    } lanes[] = {{&host->states, ROLE_STATE}, {&host->calls, ROLE_CALL}};
    for (int i = 0; i < 2; i++) {
        struct layout_column *column = lanes[i].column;
        double width = lane_width(layout, column, lanes[i].role, place);
        if (width <= 0)
            continue;
        if (i == 1)
            x += outwards * LANE_GAP;
        double bars = LAYOUT_BAR + LAYOUT_BAR_STEP * (column->bars - 1);
        column->bar = x + outwards * LAYOUT_BAR / 2;
        column->text = x + outwards * (bars + TEXT_GAP);
        x += outwards * width;
    }
    return x;
}

static void place_columns(struct layout *layout)
{
    double wire = fmax(WIRE_LEAST, widest(layout, ROLE_PACKET, PLACE_WIRE) + WIRE_SIDES);
    wire = fmax(wire, widest(layout, ROLE_KEY, PLACE_WIRE) + KEY_LINE + WIRE_SIDES);
    wire = fmax(wire, widest(layout, ROLE_BREAK, PLACE_WIRE) + WIRE_SIDES);
    double heads = widest(layout, ROLE_ENDPOINT, PLACE_CLIENT);
    struct layout_host *client = &layout->host[PLACE_CLIENT];
    struct layout_host *server = &layout->host[PLACE_SERVER];
    /* Once around zero to learn how far the client's lanes reach, then in earnest. */
    client->edge = 0;
    double reach = fmax(-place_host(layout, PLACE_CLIENT, -1), heads);
    double numbers = widest(layout, ROLE_NUMBER, PLACE_WIRE);
    layout->number_right = numbers > 0 ? MARGIN + fmax(numbers, 40) : 0;
    layout->time_right = fmax(MARGIN, layout->number_right + NUMBER_GAP) +
                         fmax(widest(layout, ROLE_TIME, PLACE_WIRE), 40);
    client->edge = ceil(layout->time_right + LANE_GAP + reach);
    place_host(layout, PLACE_CLIENT, -1);
    server->edge = ceil(client->edge + wire);
    double right = place_host(layout, PLACE_SERVER, 1);
    right = fmax(right, server->edge + widest(layout, ROLE_ENDPOINT, PLACE_SERVER));
    layout->width = ceil(right + MARGIN);
    layout->rows_right = layout->width - ROWS_MARGIN;
    if (layout->note_width > 0)
        layout->width = ceil(layout->rows_right + layout->note_width + MARGIN);
}

static void place_rows(struct layout *layout)
{
    const struct ladder *ladder = layout->ladder;
    double y = layout->top + FIRST_ROW - layout->row_height;
    layout->break_count = 0;
    for (size_t i = 0; i < ladder->row_count; i++) {
        y += layout->row_height;
        if (ladder->rows[i].silence_ns > 0) {
            layout->breaks[layout->break_count++] = (struct layout_break){
                .y = y - layout->row_height / 2 + BREAK_HEIGHT / 2, .row = (int)i};
            y += BREAK_HEIGHT;
        }
        layout->row_y[i] = y;
    }
    layout->bottom = (ladder->row_count ? y : layout->top + FIRST_ROW) + LAST_ROW;
    layout->height = ceil(layout->bottom + MARGIN);
}

static void place_arrows(struct layout *layout)
{
    layout->arrow_count = layout->ladder->packet_count;
    for (size_t i = 0; i < layout->arrow_count; i++)
        layout->arrows[i] = arrow_of_packet(layout, (int)i);
}

/* The y where a thing of this row stands, `otherwise` for none. */
static double row_or(const struct layout *layout, int row, double otherwise)
{
    return row == LADDER_NONE ? otherwise : layout->row_y[row];
}

static double bar_x(const struct layout_column *column, enum place place, int index)
{
    return column->bar + (place == PLACE_CLIENT ? -1 : 1) * LAYOUT_BAR_STEP * index;
}

static void place_bars(struct layout *layout, const int *call_columns)
{
    const struct ladder *ladder = layout->ladder;
    layout->state_count = ladder->state_count;
    for (size_t i = 0; i < ladder->state_count; i++) {
        const struct ladder_state *state = &ladder->states[i];
        layout->states[i] = (struct layout_state){
            .state = (int)i,
            .x = bar_x(&layout->host[state->side].states, state->side,
                       ladder->story_count > 1 ? state->story : 0),
            .y1 = row_or(layout, state->from_row, layout->top),
            .y2 = row_or(layout, state->to_row, layout->bottom)};
    }
    layout->call_count = ladder->call_count;
    for (size_t i = 0; i < ladder->call_count; i++) {
        const struct ladder_call *call = &ladder->calls[i];
        struct layout_call *bar = &layout->calls[i];
        *bar = (struct layout_call){
            .call = (int)i,
            .x = bar_x(&layout->host[call->side].calls, call->side, call_columns[i]),
            .y1 = row_or(layout, call->enter_row, layout->top),
            .y2 = row_or(layout, call->return_row, layout->bottom),
            .open_start = call->enter_row == LADDER_NONE,
            .open_end = call->return_row == LADDER_NONE};
        if (bar->y2 - bar->y1 < LAYOUT_BAR) { /* entered and returned in one row */
            bar->y1 -= LAYOUT_BAR / 2;
            bar->y2 = bar->y1 + LAYOUT_BAR;
        }
    }
}

/* Puts the texts of calls, states and times into their rows. */
static void place_texts(struct layout *layout)
{
    for (size_t i = 0; i < layout->text_count; i++) {
        struct layout_text *text = &layout->texts[i];
        if (text->row == LADDER_NONE)
            continue;
        double middle = layout->row_y[text->row];
        text->anchor = text->place == PLACE_SERVER ? ANCHOR_START : ANCHOR_END;
        switch (text->role) {
        case ROLE_NUMBER: text->x = layout->number_right; break;
        case ROLE_TIME: text->x = layout->time_right; break;
        case ROLE_CALL: text->x = layout->host[text->place].calls.text; break;
        case ROLE_STATE: text->x = layout->host[text->place].states.text; break;
        case ROLE_BREAK:
            for (size_t k = 0; k < layout->break_count; k++)
                if (layout->breaks[k].row == text->row)
                    middle = layout->breaks[k].y;
            text->anchor = ANCHOR_MIDDLE;
            text->x = (layout->host[0].edge + layout->host[1].edge) / 2;
            break;
        default: continue;
        }
        text->y = middle + layout_size(text->role) * 0.35;
    }
}

/* Where bars stand side by side, from each a hair line to its text across the others. */
static void place_ticks(struct layout *layout)
{
    layout->tick_count = 0;
    for (size_t i = 0; i < layout->text_count; i++) {
        const struct layout_text *text = &layout->texts[i];
        if (text->bar == LADDER_NONE)
            continue;
        const struct layout_host *host = &layout->host[text->place];
        if ((text->role == ROLE_CALL ? &host->calls : &host->states)->bars < 2)
            continue;
        double outwards = text->place == PLACE_CLIENT ? -1 : 1;
        double bar = text->role == ROLE_CALL ? layout->calls[text->bar].x
                                             : layout->states[text->bar].x;
        layout->ticks[layout->tick_count++] =
            (struct layout_tick){.x1 = bar + outwards * LAYOUT_BAR / 2,
                                 .x2 = text->x - outwards * TICK_GAP,
                                 .y = layout->row_y[text->row],
                                 .story = text->story};
    }
}

/* Everything whose place depends on the rows' height; false where a label found no free
 * place. */
static bool place_all(struct layout *layout, const int *call_columns)
{
    place_rows(layout);
    place_arrows(layout);
    place_bars(layout, call_columns);
    place_texts(layout);
    place_ticks(layout);
    layout->height = fmax(layout->height, ceil(noting_place(layout) + MARGIN));
    return placing_find(layout);
}

/* A caption stands over its lane. */
static void place_caption(const struct layout *layout, struct layout_text *text)
{
    text->y = layout->top - 12;
    switch (text->lane) {
    case LANE_NUMBER: text->x = layout->number_right; break;
    case LANE_TIME: text->x = layout->time_right; break;
    case LANE_CALLS: text->x = layout->host[text->place].calls.text; break;
    case LANE_STATE: text->x = layout->host[text->place].states.text; break;
    case LANE_WIRE:
        text->x = (layout->host[0].edge + layout->host[1].edge) / 2;
        text->anchor = ANCHOR_MIDDLE;
        break;
    }
}

/* What stands over the lifelines: hosts, the key of the stories, captions. */
static void place_heads(struct layout *layout)
{
    double key_y = MARGIN + 13;
    layout->key_count = 0;
    for (size_t i = 0; i < layout->text_count; i++) {
        struct layout_text *text = &layout->texts[i];
        if (text->row != LADDER_NONE || text->role == ROLE_PACKET)
            continue;
        text->anchor = text->place == PLACE_SERVER ? ANCHOR_START : ANCHOR_END;
        if (text->role == ROLE_LANE) {
            place_caption(layout, text);
        } else if (text->role == ROLE_KEY) {
            double middle = (layout->host[0].edge + layout->host[1].edge) / 2;
            double left = middle - (text->width + KEY_LINE) / 2;
            layout->keys[layout->key_count++] =
                (struct layout_key){.x1 = left,
                                    .x2 = left + KEY_LINE - 10,
                                    .y = key_y - 4,
                                    .story = text->story};
            text->anchor = ANCHOR_START;
            text->x = left + KEY_LINE;
            text->y = key_y;
            key_y += KEY_HEIGHT;
        } else {
            text->x = layout->host[text->place].edge;
            text->y = MARGIN + (text->role == ROLE_HOST ? 13 : 30);
        }
    }
}

/* How many bars stand side by side: each call takes the innermost that is free, as they
 * begin. */
static int count_call_bars(const struct ladder *ladder, enum place place, int *columns)
{
    int busy_until[CALL_BARS_MOST]; /* the row where each column's last call ends */
    int bars = 0;
    for (size_t i = 0; i < ladder->call_count; i++) {
        const struct ladder_call *call = &ladder->calls[i];
        if (call->side != place)
            continue;
        int column = 0;
        while (column < bars && column < CALL_BARS_MOST - 1 &&
               busy_until[column] > call->enter_row)
            column++;
        columns[i] = column;
        if (column >= bars)
            bars = column + 1;
        busy_until[column] =
            call->return_row == LADDER_NONE ? (int)ladder->row_count : call->return_row;
    }
    return bars;
}

static int count_state_bars(const struct ladder *ladder, enum place place)
{
    for (size_t i = 0; i < ladder->state_count; i++)
        if (ladder->states[i].side == place)
            return (int)ladder->story_count;
    return 0;
}

static bool take_room(struct layout *layout, int **ret_call_columns)
{
    const struct ladder *ladder = layout->ladder;
    struct arena *arena = &layout->arena;
    size_t texts = ladder->packet_count + 7 * ladder->row_count + ladder->story_count +
                   13 + LAYOUT_NOTE_LINES * ladder->note_count;
    layout->row_y = arena_alloc(arena, ladder->row_count * sizeof *layout->row_y);
    layout->texts = arena_alloc(arena, texts * sizeof *layout->texts);
    layout->arrows = arena_alloc(arena, ladder->packet_count * sizeof *layout->arrows);
    layout->states = arena_alloc(arena, ladder->state_count * sizeof *layout->states);
    layout->calls = arena_alloc(arena, ladder->call_count * sizeof *layout->calls);
    layout->ticks = arena_alloc(arena, 4 * ladder->row_count * sizeof *layout->ticks);
    layout->breaks = arena_alloc(arena, ladder->row_count * sizeof *layout->breaks);
    layout->notes = arena_alloc(arena, ladder->note_count * sizeof *layout->notes);
    layout->keys = arena_alloc(arena, ladder->story_count * sizeof *layout->keys);
    *ret_call_columns =
        arena_alloc(arena, ladder->call_count * sizeof **ret_call_columns);
    return layout->row_y && layout->texts && layout->arrows && layout->states &&
           layout->calls && layout->ticks && layout->breaks && layout->keys &&
           layout->notes && *ret_call_columns;
}

static int lay_out(struct layout *layout, const struct words *words)
{
    int *call_columns;
    if (!take_room(layout, &call_columns))
        return ERROR_MEMORY;
    for (enum place place = PLACE_CLIENT; place <= PLACE_SERVER; place++) {
        struct layout_host *host = &layout->host[place];
        host->states.bars = count_state_bars(layout->ladder, place);
        host->calls.bars = count_call_bars(layout->ladder, place, call_columns);
    }
    int failed = lettering_write(layout, words);
    if (!failed)
        failed = noting_write(layout);
    if (failed)
        return failed;
    double keys =
        layout->ladder->story_count > 1 ? (double)layout->ladder->story_count : 0;
    layout->top = MARGIN + fmax(HEAD_HEIGHT, 31 + keys * KEY_HEIGHT);
    place_columns(layout);
    place_heads(layout);
    layout->row_height = ROW_HEIGHT;
    while (!place_all(layout, call_columns) && layout->row_height < ROW_HEIGHT_MOST)
        layout->row_height += 3;
    return 0;
}

int layout_new(const struct ladder *ladder, const struct words *words,
               struct layout **ret_layout)
{
    struct layout *layout = calloc(1, sizeof *layout);
    if (!layout)
        return ERROR_MEMORY;
    arena_init(&layout->arena, 0);
    layout->ladder = ladder;
    int failed = lay_out(layout, words);
    if (failed)
        layout_free(&layout);
    else
        *ret_layout = layout;
    return failed;
}

void layout_free(struct layout **layout)
{
    if (!*layout)
        return;
    arena_done(&(*layout)->arena);
    free(*layout);
    *layout = NULL;
}
