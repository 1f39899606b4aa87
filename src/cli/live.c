#include "cli/live.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/paragraph.h"
#include "cli/language.h"
#include "cli/terminal.h"

void live_begin(struct live *live, bool ascii, size_t connections)
{
    *live = (struct live){.connections = connections,
                          .options = {.width = terminal_width(),
                                      .ascii = ascii,
                                      .colour = terminal_colourful(),
                                      .words = language_chosen()}};
}

static void put(struct live *live, struct buffer *text)
{
    if (!live->failed && text->failed)
        live->failed = text->failed;
    if (!live->failed && (fputs(buffer_text(text), stdout) < 0 || fflush(stdout) != 0))
        live->failed = ERROR_SYSTEM;
    buffer_done(text);
}

void live_title(struct live *live, const char *title, const char *text)
{
    struct buffer out;
    int width =
        live->options.width < TEXT_WIDTH_MIN ? live->options.width : TEXT_WIDTH_MIN;

    buffer_init(&out, 0);
    buffer_append_char(&out, '\n');
    if (live->options.colour)
        buffer_append_text(&out, "\033[1m");
    buffer_append_text(&out, _(title));
    buffer_append_text(&out, live->options.colour ? "\033[0m\n" : "\n");
    paragraph_append(&out, _(text), width, 0);
    buffer_append_char(&out, '\n');
    put(live, &out);
}

/* Prints the ladder's rows but the last `held_back`. */
static void print_rows(struct live *live, const struct wire *wire, size_t held_back,
                       bool foot)
{
    const struct story *stories[LADDER_STORIES_MAX];
    size_t count = wire_story_count(wire);
    struct ladder *ladder;
    struct buffer out;

    if (count == 0 || live->failed)
        return;
    for (size_t i = 0; i < count && i < LADDER_STORIES_MAX; i++)
        stories[i] = wire_story(wire, i);
    live->failed =
        ladder_new(stories, count < LADDER_STORIES_MAX ? count : LADDER_STORIES_MAX,
                   live->options.words, &ladder);
    if (live->failed)
        return;
    buffer_init(&out, 0);
    if (!live->headed)
        text_header(ladder, &live->options, &out);
    live->headed = true;
    if (ladder->row_count > live->printed + held_back) {
        text_rows(ladder, &live->options, live->printed, ladder->row_count - held_back,
                  &out);
        live->printed = ladder->row_count - held_back;
    }
    if (foot)
        text_footer(ladder, &live->options, &out);
    put(live, &out);
    ladder_free(&ladder);
}

void live_on_growth(void *owner, struct wire *wire)
{
    struct live *live = owner;
    if (wire_story_count(wire) >= live->connections)
        print_rows(live, wire, 1, false);
}

int live_end(struct live *live, const struct wire *wire)
{
    if (wire)
        print_rows(live, wire, 0, true);
    return live->failed;
}
