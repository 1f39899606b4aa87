#include "draw/mermaid.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/ladder.h"
#include "draw/why.h"
#include "draw/words.h"
#include "tcp/story.h"

/* '#' begins an entity, ';' ends a statement; everything else is text. */
static void append_text(struct buffer *buffer, const char *text)
{
    for (; *text; text++) {
        if (*text == '#')
            buffer_append_text(buffer, "#35;");
        else if (*text == ';')
            buffer_append_text(buffer, "#59;");
        else
            buffer_append_char(buffer, *text);
    }
}

static const char *name_of(enum place place)
{
    return place == PLACE_CLIENT ? "client" : "server";
}

static void append_packet(struct buffer *buffer, const struct ladder_packet *packet)
{
    enum place from = packet->packet.from;
    const char *arrow = packet->packet.fate == FATE_LOST ? "--x" : "->>";
    buffer_append_format(buffer, "    %s%s%s: ", name_of(from), arrow,
                         name_of(place_other(from)));
    if (packet->level) /* a capture's: by its number there */
        buffer_append_format(buffer, "#35;%" PRIu64 " ", packet->packet.number);
    append_text(buffer, packet->label);
    buffer_append_char(buffer, '\n');
}

static void append_state(struct buffer *buffer, const struct ladder_state *state)
{
    buffer_append_format(buffer, "    Note over %s: %s\n", name_of(state->side),
                         state_word(state->state));
}

static void append_rows(struct buffer *buffer, const struct ladder *ladder)
{
    for (size_t i = 0; i < ladder->row_count; i++) {
        const struct ladder_row *row = &ladder->rows[i];
        if (row->packet != LADDER_NONE && (row->packet_sent || !row->packet_received ||
                                           ladder->packets[row->packet].sent_row < 0))
            append_packet(buffer, &ladder->packets[row->packet]);
        for (int side = 0; side < 2; side++)
            if (row->side[side].state != LADDER_NONE)
                append_state(buffer, &ladder->states[row->side[side].state]);
    }
}

void mermaid_story(const struct story *story, const struct words *words,
                   struct buffer *buffer)
{
    char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];
    struct buffer why;
    struct ladder *ladder;

    int code = ladder_new(&story, 1, words, &ladder);
    if (code) {
        buffer->failed = buffer->failed ? buffer->failed : code;
        return;
    }
    buffer_init(&why, 0);
    why_story(story, words, &why);
    buffer_append_format(
        buffer,
        "sequenceDiagram\n    participant client as %s %s\n"
        "    participant server as %s %s\n",
        words->say(N_("client")), endpoint_format(&story->client, client),
        words->say(N_("server")), endpoint_format(&story->server, server));
    append_rows(buffer, ladder);
    buffer_append_text(buffer, "    Note over client,server: ");
    append_text(buffer, buffer_text(&why));
    buffer_append_char(buffer, '\n');
    if (why.failed && !buffer->failed)
        buffer->failed = why.failed;
    buffer_done(&why);
    ladder_free(&ladder);
}
