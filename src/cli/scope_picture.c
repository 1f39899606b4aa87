#include "cli/scope_picture.h"

#include <stdio.h>

#include "base/buffer.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "draw/ladder.h"
#include "draw/mermaid.h"
#include "draw/svg.h"
#include "draw/text.h"
#include "draw/why.h"

static void append_text(const struct scope *scope, const struct ladder *ladder,
                        struct buffer *out)
{
    struct text_options options = {.width = terminal_width(),
                                   .ascii = scope->ascii,
                                   .colour = terminal_colourful(),
                                   .words = language_chosen()};
    text_options_fit(&options, ladder);
    text_header(ladder, &options, out);
    text_rows(ladder, &options, 0, ladder->row_count, out);
    text_footer(ladder, &options, out);
}

static int append_svg(const struct story *story, const struct ladder *ladder,
                      struct buffer *out)
{
    char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT], title[2 * ENDPOINT_TEXT + 8];
    struct buffer why;

    snprintf(title, sizeof title, "%s → %s", endpoint_format(&story->client, client),
             endpoint_format(&story->server, server));
    buffer_init(&why, 0);
    why_story(story, language_chosen(), &why);
    struct svg_options options = {.title = title,
                                  .description = buffer_text(&why),
                                  .id = "connection",
                                  .inline_in_page = false};
    int code =
        why.failed ? why.failed : svg_ladder(out, ladder, language_chosen(), &options);
    buffer_done(&why);
    return code;
}

int scope_picture(const struct scope *scope, const struct story *story,
                  struct buffer *out)
{
    struct ladder *ladder;
    int code;

    if (scope->kind == SCOPE_MERMAID) {
        mermaid_story(story, language_chosen(), out);
        return out->failed;
    }
    code = ladder_new(&story, 1, language_chosen(), &ladder);
    if (code)
        return code;
    if (scope->kind == SCOPE_SVG)
        code = append_svg(story, ladder, out);
    else
        append_text(scope, ladder, out);
    ladder_free(&ladder);
    return code ? code : out->failed;
}
