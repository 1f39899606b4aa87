#include "draw/wire_lane.h"

#include <string.h>

#include "base/error.h"
#include "base/visible.h"
#include "capture/decode.h"
#include "draw/words.h"

const struct glyphs glyphs_unicode = {
    .rail = "│",
    .rest = "┊",
    .leaves = {"├", "┤"},
    .dash = "─",
    .waits = {"╮", "╭"},
    .goes_on = {"╰", "╯"},
    .flight = "│",
    .head = {"►", "◄"},
    .cross = "✕",
    .mark = "◆",
    .bar = "│",
    .dots = "⋮",
    .to = "→",
    .note = "◂",
};

const struct glyphs glyphs_ascii = {
    .rail = "|",
    .rest = ":",
    .leaves = {"|", "|"},
    .dash = "-",
    .waits = {".", "."},
    .goes_on = {"'", "'"},
    .flight = ":",
    .head = {">", "<"},
    .cross = "x",
    .mark = "*",
    .bar = "|",
    .dots = ":",
    .to = "->",
    .note = "<",
};

int wire_lane_init(struct wire_lane *lane, struct arena *arena,
                   const struct ladder *ladder, const struct glyphs *glyphs,
                   const struct words *words, int left, int width)
{
    *lane = (struct wire_lane){
        .ladder = ladder, .glyphs = glyphs, .words = words, .left = left, .width = width};
    lane->columns = arena_alloc(arena, ladder->packet_count * sizeof *lane->columns);
    lane->flying = arena_alloc(arena, ladder->packet_count * sizeof *lane->flying);
    return lane->columns && lane->flying ? 0 : ERROR_MEMORY;
}

static enum canvas_style style_of(const struct event_packet *packet)
{
    if (packet->flags & TCP_RST)
        return STYLE_BREAKS;
    if (packet->flags & TCP_SYN)
        return STYLE_OPENS;
    if (packet->flags & TCP_FIN)
        return STYLE_CLOSES;
    return packet->bytes ? STYLE_DATA : STYLE_PLAIN;
}

/* Columns are counted from the sender's lifeline, so that both directions are one
 * case. */
static int from_sender(const struct wire_lane *lane, enum place from, int distance)
{
    return lane->left + (from == PLACE_CLIENT ? distance : lane->width - 1 - distance);
}

static void put_at(const struct wire_lane *lane, struct canvas *canvas, enum place from,
                   int distance, enum canvas_style style, const char *glyph)
{
    canvas_put(canvas, from_sender(lane, from, distance), style, glyph);
}

/* Dashes from `begin` up to but not including `end`, distances from the sender. */
static void dashes(const struct wire_lane *lane, struct canvas *canvas, enum place from,
                   int begin, int end, enum canvas_style style)
{
    for (int distance = begin; distance < end; distance++)
        put_at(lane, canvas, from, distance, style, lane->glyphs->dash);
}

/* A text of `columns` that stands between the distances `begin` and begin + columns. */
static void put_text(const struct wire_lane *lane, struct canvas *canvas, enum place from,
                     int begin, int columns, enum canvas_style style, const char *text,
                     size_t length)
{
    int last = from == PLACE_CLIENT ? begin : begin + columns - 1;
    canvas_put_part(canvas, from_sender(lane, from, last), style, text, length);
}

static int columns_of(const char *text)
{
    return visible_width(text, strlen(text));
}

/* Bytes of `text` that fit `columns`, broken between words where words let it. */
static size_t fitting(const char *text, int columns)
{
    size_t length = strlen(text);
    size_t fits = visible_prefix(text, length, columns);
    if (fits == length)
        return fits;
    for (size_t at = fits + 1; at-- > 1;)
        if (text[at] == ' ')
            return at;
    return fits;
}

/* --- packets on their way --- */

static bool column_taken(const struct wire_lane *lane, int column)
{
    for (size_t i = 0; i < lane->flying_count; i++)
        if (lane->columns[lane->flying[i]] == column)
            return true;
    return false;
}

/* Whether a dash fits between the sender's lifeline and a label. */
static int dash_before(const struct wire_lane *lane, int label)
{
    return label + 1 <= lane->width - 2;
}

/* The distance where a packet waits: in the middle, or behind its label, and apart from
 * others. */
static int waiting_distance(const struct wire_lane *lane, enum place from, int label)
{
    int furthest = lane->width - 2;
    int begin = label + dash_before(lane, label);
    if (begin < furthest) /* a dash behind the label, too */
        begin++;
    if (begin < lane->width / 2)
        begin = lane->width / 2;
    for (int step = 2; step > 0; step--)
        for (int distance = begin; distance <= furthest; distance += step)
            if (!column_taken(lane, from_sender(lane, from, distance) - lane->left))
                return distance;
    return furthest;
}

static void take_off(struct wire_lane *lane, int packet, enum place from, int distance)
{
    lane->columns[packet] = from_sender(lane, from, distance) - lane->left;
    lane->flying[lane->flying_count++] = packet;
}

static void land(struct wire_lane *lane, int packet)
{
    for (size_t i = 0; i < lane->flying_count; i++)
        if (lane->flying[i] == packet) {
            memmove(&lane->flying[i], &lane->flying[i + 1],
                    (--lane->flying_count - i) * sizeof *lane->flying);
            return;
        }
}

static void draw_flying(const struct wire_lane *lane, struct canvas *canvas)
{
    for (size_t i = 0; i < lane->flying_count; i++)
        canvas_put(canvas, lane->left + lane->columns[lane->flying[i]], STYLE_FAINT,
                   lane->glyphs->flight);
}

/* --- one row's arrow --- */

/* Puts the part of the label that fits into `columns` from the distance `begin` on; what
 * does not is kept for the lines between. */
static void put_label(struct wire_lane *lane, struct canvas *canvas,
                      const struct ladder_packet *packet, int begin, size_t length)
{
    const char *label = packet->label;
    enum place from = packet->packet.from;
    enum canvas_style style = style_of(&packet->packet);
    put_text(lane, canvas, from, begin, visible_width(label, length), style, label,
             length);
    lane->rest = label[length] ? label + length + (label[length] == ' ') : NULL;
    lane->rest_style = style;
    lane->rest_from = from;
    lane->rest_begin = begin;
}

static void draw_leaving(const struct wire_lane *lane, struct canvas *canvas,
                         enum place from, enum canvas_style style)
{
    int rail = from == PLACE_CLIENT ? lane->left - 1 : lane->left + lane->width;
    canvas_put(canvas, rail, style, lane->glyphs->leaves[from]);
}

/* The sending half: from the sender's lifeline to where the packet waits, or is lost. */
static void draw_sending(struct wire_lane *lane, int index, struct canvas *canvas)
{
    const struct ladder_packet *packet = &lane->ladder->packets[index];
    enum place from = packet->packet.from;
    enum canvas_style style = style_of(&packet->packet);
    size_t length = fitting(packet->label, lane->width - 2);
    int label = visible_width(packet->label, length);
    int distance = waiting_distance(lane, from, label);

    draw_leaving(lane, canvas, from, style);
    dashes(lane, canvas, from, 0, distance, style);
    put_label(lane, canvas, packet, dash_before(lane, label), length);
    if (packet->packet.fate == FATE_LOST) {
        const char *lost = lane->words->say(N_("lost"));
        int columns = columns_of(lost);
        put_at(lane, canvas, from, distance, STYLE_BREAKS, lane->glyphs->cross);
        if (distance + 2 + columns <= lane->width)
            put_text(lane, canvas, from, distance + 2, columns, STYLE_BREAKS, lost,
                     strlen(lost));
        return;
    }
    put_at(lane, canvas, from, distance, style, lane->glyphs->waits[from]);
    take_off(lane, index, from, distance);
}

/* The arriving half: from where it waited to the receiver's lifeline, with its name once
 * more where other rows came between. */
static void draw_arriving(struct wire_lane *lane, int index, int row,
                          struct canvas *canvas)
{
    const struct ladder_packet *packet = &lane->ladder->packets[index];
    enum place from = packet->packet.from;
    enum canvas_style style = style_of(&packet->packet);
    int column = lane->columns[index];
    int distance = from == PLACE_CLIENT ? column : lane->width - 1 - column;
    int name = columns_of(packet->name);

    put_at(lane, canvas, from, distance, style, lane->glyphs->goes_on[from]);
    dashes(lane, canvas, from, distance + 1, lane->width - 1, style);
    if (row > packet->sent_row + 1 && distance + 2 + name <= lane->width - 2)
        put_text(lane, canvas, from, distance + 2, name, style, packet->name,
                 strlen(packet->name));
    put_at(lane, canvas, from, lane->width - 1, style, lane->glyphs->head[from]);
}

/* An arrow whole in one row: of a packet seen at one place, or begun by the wire
 * itself. */
static void draw_whole(struct wire_lane *lane, int index, struct canvas *canvas)
{
    const struct ladder_packet *packet = &lane->ladder->packets[index];
    enum place from = packet->packet.from;
    enum canvas_style style = style_of(&packet->packet);
    size_t length = fitting(packet->label, lane->width - 3);
    int label = visible_width(packet->label, length);
    int begin = 0;

    if (packet->level) {
        draw_leaving(lane, canvas, from, style);
    } else {
        int latest = lane->width - label - 4;
        begin = latest < lane->width / 4 ? latest : lane->width / 4;
        begin = begin < 0 ? 0 : begin;
        put_at(lane, canvas, from, begin, STYLE_BREAKS, lane->glyphs->mark);
    }
    dashes(lane, canvas, from, begin + !packet->level, lane->width - 1, style);
    int room = lane->width - 2 - label - begin;
    put_label(lane, canvas, packet, begin + (room > 1 ? 2 : 1), length);
    put_at(lane, canvas, from, lane->width - 1, style, lane->glyphs->head[from]);
}

void wire_lane_row(struct wire_lane *lane, int index, struct canvas *canvas)
{
    const struct ladder_row *row = &lane->ladder->rows[index];
    if (row->packet != LADDER_NONE && row->packet_received)
        land(lane, row->packet);
    draw_flying(lane, canvas);
    if (row->packet == LADDER_NONE)
        return;
    const struct ladder_packet *packet = &lane->ladder->packets[row->packet];
    if (packet->level || packet->copy || packet->sent_row == LADDER_NONE)
        draw_whole(lane, row->packet, canvas);
    else if (row->packet_sent)
        draw_sending(lane, row->packet, canvas);
    else
        draw_arriving(lane, row->packet, index, canvas);
}

void wire_lane_between(struct wire_lane *lane, struct canvas *canvas)
{
    draw_flying(lane, canvas);
    if (!lane->rest)
        return;
    size_t length = fitting(lane->rest, lane->width - 2);
    put_text(lane, canvas, lane->rest_from, lane->rest_begin,
             visible_width(lane->rest, length), lane->rest_style, lane->rest, length);
    lane->rest += length + (lane->rest[length] == ' ');
    if (!*lane->rest)
        lane->rest = NULL;
}
