#include "draw/lettering.h"

#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/fill.h"
#include "draw/layout.h"
#include "draw/marks.h"
#include "draw/measure.h"

/* A text in the making; a failure of memory is kept until the end. */
struct writer {
    struct layout *layout;
    const struct words *words;
    struct buffer scratch;
    int failed;
};

static const char *keep(struct writer *writer)
{
    struct buffer *scratch = &writer->scratch;
    char *text = scratch->failed ? NULL
                                 : arena_copy(&writer->layout->arena,
                                              buffer_text(scratch), scratch->length);
    buffer_clear(scratch);
    if (!text)
        writer->failed = ERROR_MEMORY;
    return text ? text : "";
}

/* Adds what stands in writer->scratch, as a text of this lane and row. */
static struct layout_text *add(struct writer *writer, enum layout_role role,
                               enum place place, int row, int story)
{
    struct layout *layout = writer->layout;
    struct layout_text *text = &layout->texts[layout->text_count++];
    *text = (struct layout_text){.role = role,
                                 .text = keep(writer),
                                 .place = place,
                                 .row = row,
                                 .story = story,
                                 .mark = strlen(story_mark(layout->ladder, story)),
                                 .bar = LADDER_NONE};
    double size = layout_size(role);
    text->width = role == ROLE_TIME || role == ROLE_NUMBER
                      ? measure_numbers(text->text, size)
                      : measure_text(text->text, size);
    return text;
}

static void say(struct writer *writer, const char *message)
{
    buffer_append_text(&writer->scratch, writer->words->say(message));
}

/* Bytes that label and name begin with alike, without a last space, bracket or half
 * character. */
static size_t name_in(const char *label, const char *name)
{
    size_t common = 0;
    while (label[common] && label[common] == name[common])
        common++;
    while (common && ((label[common] & 0xC0) == 0x80 || label[common - 1] == ' ' ||
                      label[common - 1] == '('))
        common--;
    return common;
}

static void write_packet(struct writer *writer, const struct ladder_packet *packet)
{
    const char *mark = story_mark(writer->layout->ladder, packet->story);
    double size = layout_size(ROLE_PACKET);
    buffer_append_text(&writer->scratch, mark);
    buffer_append_text(&writer->scratch, packet->label);
    struct layout_text *text =
        add(writer, ROLE_PACKET, PLACE_WIRE, LADDER_NONE, packet->story);
    text->anchor = ANCHOR_MIDDLE;
    text->strong = name_in(packet->label, packet->name);
    /* Heavier letters are a little wider. */
    text->width += 0.08 * measure_text(packet->name, size);
    const char *note = fate_mark(packet);
    if (note) {
        text->note = writer->words->say(note);
        text->width += LAYOUT_NOTE_GAP + measure_text(text->note, size);
    }
}

/* A capture's packet has a number by which it is found there; a run that of its first. */
static bool has_number(const struct ladder *ladder, int row)
{
    int packet = ladder->rows[row].packet;
    return packet != LADDER_NONE && ladder->packets[packet].level;
}

static bool write_number(struct writer *writer, int row)
{
    const struct ladder *ladder = writer->layout->ladder;
    if (!has_number(ladder, row))
        return false;
    uint64_t number = ladder->packets[ladder->rows[row].packet].packet.number;
    buffer_append_format(&writer->scratch, "%llu", (unsigned long long)number);
    add(writer, ROLE_NUMBER, PLACE_WIRE, row, LADDER_NONE);
    return true;
}

/* Milliseconds since the ladder's start, to the microsecond. */
static void write_time(struct writer *writer, int row, int64_t *last_us)
{
    const struct ladder *ladder = writer->layout->ladder;
    int64_t us = (ladder->rows[row].t_ns - ladder->start_ns) / 1000;
    if (us == *last_us)
        return;
    *last_us = us;
    buffer_append_format(&writer->scratch, "%lld.%03lld", (long long)(us / 1000),
                         (long long)(us % 1000));
    add(writer, ROLE_TIME, PLACE_WIRE, row, LADDER_NONE);
}

/* Whether another call of that end is written between this one's entry and its return. */
static bool interrupted(const struct ladder *ladder, int index)
{
    const struct ladder_call *call = &ladder->calls[index];
    if (call->enter_row == LADDER_NONE)
        return true;
    for (int row = call->enter_row + 1; row < call->return_row; row++)
        if (ladder->rows[row].side[call->side].call != LADDER_NONE)
            return true;
    return false;
}

static void append_result(struct buffer *out, int64_t result)
{
    if (result < 0)
        buffer_append_format(out, " = %s", error_errno_name((int)-result));
    else
        buffer_append_format(out, " = %lld", (long long)result);
}

/* "connect(" where it enters, ") = 0" where it returns; "recv() = 12" for both in one
 * row, and for a return that stands far from its entry, with others between. */
static void write_call(struct writer *writer, int row, enum place place)
{
    const struct ladder *ladder = writer->layout->ladder;
    const struct ladder_side *side = &ladder->rows[row].side[place];
    const struct ladder_call *call = &ladder->calls[side->call];
    struct buffer *out = &writer->scratch;
    buffer_append_text(out, story_mark(writer->layout->ladder, call->story));
    if (side->call_enters || interrupted(ladder, side->call)) {
        buffer_append_text(out, call->name);
        buffer_append_char(out, '(');
    }
    if (side->call_returns) {
        buffer_append_char(out, ')');
        append_result(out, call->result);
    }
    add(writer, ROLE_CALL, place, row, call->story)->bar = side->call;
}

static void write_state(struct writer *writer, int row, enum place place)
{
    const struct ladder *ladder = writer->layout->ladder;
    int index = ladder->rows[row].side[place].state;
    const struct ladder_state *state = &ladder->states[index];
    bool inferred = state->standing == STANDING_INFERRED;
    buffer_append_format(
        &writer->scratch, "%s%s%s%s", story_mark(writer->layout->ladder, state->story),
        inferred ? "(" : "", state_word(state->state), inferred ? ")" : "");
    struct layout_text *text = add(writer, ROLE_STATE, place, row, state->story);
    text->standing = state->standing;
    text->bar = index;
}

/* "2.0 s", or "350 ms" below a second. */
static void write_silence(struct writer *writer, int row)
{
    int64_t tenths =
        (writer->layout->ladder->rows[row].silence_ns + 50000000) / 100000000;
    char duration[32];
    struct buffer text;
    buffer_init_fixed(&text, duration, sizeof duration);
    buffer_append_format(&text, "%lld.%lld s", (long long)(tenths / 10),
                         (long long)(tenths % 10));
    struct fill fill = {.name = "duration", .value = duration};
    fill_append(&writer->scratch, writer->words->say(N_("{duration} of silence")), &fill,
                1);
    add(writer, ROLE_BREAK, PLACE_WIRE, row, LADDER_NONE);
}

static void write_rows(struct writer *writer)
{
    const struct ladder *ladder = writer->layout->ladder;
    int64_t last_us = INT64_MIN;
    bool numbered = false;
    for (int row = 0; row < (int)ladder->row_count; row++) {
        if (ladder->rows[row].silence_ns > 0)
            write_silence(writer, row);
        numbered |= write_number(writer, row);
        write_time(writer, row, &last_us);
        for (enum place place = PLACE_CLIENT; place <= PLACE_SERVER; place++) {
            const struct ladder_side *side = &ladder->rows[row].side[place];
            if (side->call != LADDER_NONE)
                write_call(writer, row, place);
            if (side->state != LADDER_NONE)
                write_state(writer, row, place);
        }
    }
    if (numbered) {
        say(writer, N_("packet"));
        add(writer, ROLE_LANE, PLACE_WIRE, LADDER_NONE, LADDER_NONE)->lane = LANE_NUMBER;
    }
}

/* Whether every story has this end's very endpoint. */
static bool endpoint_shared(const struct ladder *ladder, enum place place)
{
    const struct story *first = ladder->stories[0];
    for (size_t i = 1; i < ladder->story_count; i++) {
        const struct story *story = ladder->stories[i];
        if (!endpoint_equal(place == PLACE_CLIENT ? &first->client : &first->server,
                            place == PLACE_CLIENT ? &story->client : &story->server))
            return false;
    }
    return true;
}

static void write_host(struct writer *writer, enum place place)
{
    const struct layout_host *host = &writer->layout->host[place];
    const struct ladder *ladder = writer->layout->ladder;
    const struct story *story = ladder->stories[0];
    char text[ENDPOINT_TEXT];
    say(writer, place == PLACE_CLIENT ? N_("client") : N_("server"));
    add(writer, ROLE_HOST, place, LADDER_NONE, LADDER_NONE);
    if (endpoint_shared(ladder, place)) {
        buffer_append_text(
            &writer->scratch,
            endpoint_format(place == PLACE_CLIENT ? &story->client : &story->server,
                            text));
        add(writer, ROLE_ENDPOINT, place, LADDER_NONE, LADDER_NONE);
    }
    if (host->calls.bars) {
        say(writer, N_("calls"));
        add(writer, ROLE_LANE, place, LADDER_NONE, LADDER_NONE)->lane = LANE_CALLS;
    }
    if (host->states.bars) {
        say(writer, N_("state"));
        add(writer, ROLE_LANE, place, LADDER_NONE, LADDER_NONE)->lane = LANE_STATE;
    }
}

/* With several stories: which mark is which connection. */
static void write_keys(struct writer *writer)
{
    const struct ladder *ladder = writer->layout->ladder;
    for (size_t i = 0; ladder->story_count > 1 && i < ladder->story_count; i++) {
        char text[ENDPOINT_TEXT];
        buffer_append_text(&writer->scratch, story_mark(writer->layout->ladder, (int)i));
        buffer_append_text(&writer->scratch,
                           endpoint_format(&ladder->stories[i]->client, text));
        buffer_append_text(&writer->scratch, " → ");
        buffer_append_text(&writer->scratch,
                           endpoint_format(&ladder->stories[i]->server, text));
        add(writer, ROLE_KEY, PLACE_WIRE, LADDER_NONE, (int)i);
    }
}

int lettering_write(struct layout *layout, const struct words *words)
{
    struct writer writer = {.layout = layout, .words = words};
    const struct ladder *ladder = layout->ladder;
    buffer_init(&writer.scratch, 0);
    for (size_t i = 0; i < ladder->packet_count; i++)
        write_packet(&writer, &ladder->packets[i]);
    write_rows(&writer);
    write_host(&writer, PLACE_CLIENT);
    write_host(&writer, PLACE_SERVER);
    say(&writer, N_("ms"));
    add(&writer, ROLE_LANE, PLACE_WIRE, LADDER_NONE, LADDER_NONE)->lane = LANE_TIME;
    say(&writer, N_("the wire"));
    add(&writer, ROLE_LANE, PLACE_WIRE, LADDER_NONE, LADDER_NONE)->lane = LANE_WIRE;
    write_keys(&writer);
    buffer_done(&writer.scratch);
    return writer.failed;
}
