/* What stands above and below the rows: who the ends are, what the lanes show, the
 * verdicts. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/paragraph.h"
#include "base/visible.h"
#include "draw/advice.h"
#include "draw/lanes.h"
#include "draw/text.h"
#include "draw/why.h"
#include "draw/words.h"

static int columns_of(const char *text)
{
    return visible_width(text, strlen(text));
}

/* "client 10.9.0.1:40001", into `buffer`. */
static void append_end(struct buffer *buffer, const char *name,
                       const struct endpoint *endpoint)
{
    char text[ENDPOINT_TEXT];
    buffer_append_format(buffer, "%s %s", name, endpoint_format(endpoint, text));
}

/* "① 10.9.0.1:40002 → 10.9.0.2:30001": a line for each of several stories, or for one
 * whose ends do not fit above their lanes. */
static void write_ends(const struct ladder *ladder, const struct text_options *options,
                       struct buffer *buffer)
{
    const struct glyphs *glyphs = options->ascii ? &glyphs_ascii : &glyphs_unicode;
    for (size_t i = 0; i < ladder->story_count; i++) {
        char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];
        if (ladder->story_count > 1)
            buffer_append_format(buffer, "%s ", lanes_mark(options, (int)i));
        buffer_append_format(
            buffer, "%s %s %s\n", endpoint_format(&ladder->stories[i]->client, client),
            glyphs->to, endpoint_format(&ladder->stories[i]->server, server));
    }
}

/* A heading at the outer edge of a side's lanes. */
static void put_outer(struct canvas *canvas, const struct lanes *lanes, int side,
                      const char *text)
{
    int column = lanes->calls[side];
    if (side == PLACE_SERVER)
        column = lanes->width - columns_of(text);
    canvas_put(canvas, column, STYLE_PLAIN, text);
}

static void write_lanes(const struct lanes *lanes, const struct text_options *options,
                        const char *client, const char *server, struct buffer *buffer)
{
    const struct words *words = options->words;
    struct canvas canvas;
    const char *time = words->say(N_("time")), *ms = words->say(N_("ms"));
    const char *calls = words->say(N_("calls")), *state = words->say(N_("state"));
    const char *wire = words->say(N_("the wire"));

    canvas_clear(&canvas, lanes->width);
    canvas_put(&canvas, lanes->time - columns_of(time), STYLE_FAINT, time);
    put_outer(&canvas, lanes, PLACE_CLIENT, client);
    put_outer(&canvas, lanes, PLACE_SERVER, server);
    canvas_write(&canvas, options->colour, buffer);

    canvas_clear(&canvas, lanes->width);
    canvas_put(&canvas, lanes->time - columns_of(ms), STYLE_FAINT, ms);
    if (options->number_width)
        canvas_put(&canvas, options->number_width - 1, STYLE_FAINT, "#");
    if (lanes->calls_width) {
        canvas_put(&canvas, lanes->calls[PLACE_CLIENT], STYLE_FAINT, calls);
        canvas_put(&canvas, lanes->calls[PLACE_SERVER], STYLE_FAINT, calls);
    }
    if (lanes->state_width) {
        canvas_put(&canvas, lanes->rail[PLACE_CLIENT] - 1 - columns_of(state),
                   STYLE_FAINT, state);
        canvas_put(&canvas, lanes->rail[PLACE_SERVER] + 2, STYLE_FAINT, state);
    }
    canvas_put(&canvas, lanes->wire + (lanes->wire_width - columns_of(wire)) / 2,
               STYLE_FAINT, wire);
    canvas_write(&canvas, options->colour, buffer);
}

void text_header(const struct ladder *ladder, const struct text_options *options,
                 struct buffer *buffer)
{
    struct lanes lanes = lanes_of(ladder, options);
    const char *client = options->words->say(N_("client"));
    const char *server = options->words->say(N_("server"));
    char client_text[128], server_text[128];
    struct buffer ends[2];
    buffer_init_fixed(&ends[0], client_text, sizeof client_text);
    buffer_init_fixed(&ends[1], server_text, sizeof server_text);
    append_end(&ends[0], client, &ladder->stories[0]->client);
    append_end(&ends[1], server, &ladder->stories[0]->server);

    int room = lanes.width - lanes.calls[PLACE_CLIENT] - 2;
    if (ladder->story_count == 1 &&
        columns_of(client_text) + columns_of(server_text) <= room) {
        write_lanes(&lanes, options, client_text, server_text, buffer);
    } else {
        write_ends(ladder, options, buffer);
        write_lanes(&lanes, options, client, server, buffer);
    }
}

/* Of a capture: who looks at one asks what to do about it. */
static void write_advice(const struct story *story, const struct text_options *options,
                         int width, struct buffer *buffer)
{
    const char *text = advice_text(advice_of(story));
    if (!text || story->verdict.standing != STANDING_INFERRED)
        return;
    buffer_append_char(buffer, '\n');
    paragraph_append(buffer, options->words->say(text), width, 0);
}

void text_footer(const struct ladder *ladder, const struct text_options *options,
                 struct buffer *buffer)
{
    struct lanes lanes = lanes_of(ladder, options);
    buffer_append_char(buffer, '\n');
    for (size_t i = 0; i < ladder->story_count && !buffer->failed; i++) {
        struct buffer why;
        buffer_init(&why, 0);
        int indent = 0;
        if (ladder->story_count > 1) {
            const char *mark = lanes_mark(options, (int)i);
            buffer_append_format(buffer, "%s ", mark);
            indent = columns_of(mark) + 1;
        }
        why_story(ladder->stories[i], options->words, &why);
        if (why.failed)
            buffer->failed = why.failed;
        paragraph_append(buffer, buffer_text(&why), lanes.width, indent);
        buffer_done(&why);
        write_advice(ladder->stories[i], options, lanes.width, buffer);
    }
}
