#include "cli/scope_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/language.h"
#include "cli/terminal.h"
#include "draw/json.h"
#include "draw/ladder.h"
#include "draw/mermaid.h"
#include "draw/svg.h"
#include "draw/text.h"
#include "draw/why.h"
#include "scope/csv.h"
#include "scope/where.h"

enum { FLUSH_BYTES = 1 << 16, ROWS_MAX = 1000000 };

void scope_output_begin(struct scope_output *output, const struct scope *scope,
                        wo_event *stop)
{
    *output = (struct scope_output){
        .scope = scope,
        .stop = stop,
        .rows = {.by = (enum column)scope->sort,
                 .descending = scope->descending,
                 .top = scope->top},
        .table = {.words = language_chosen(),
                  .width = terminal_is() ? terminal_width() : 0,
                  .colour = terminal_colourful()},
    };
    buffer_init(&output->out, 0);
    if (scope->kind == SCOPE_CSV)
        csv_header(&output->out);
}

static void flush(struct scope_output *output)
{
    struct buffer *out = &output->out;
    if (!output->failed && out->failed)
        output->failed = out->failed;
    if (!output->failed && out->length > 0 &&
        (fwrite(out->bytes, 1, out->length, stdout) != out->length || fflush(stdout)))
        output->failed = ERROR_SYSTEM;
    if (output->failed)
        wo_event_set(output->stop);
    buffer_clear(out);
}

static void flush_if_full(struct scope_output *output)
{
    if (output->out.length >= FLUSH_BYTES || output->scope->interface)
        flush(output);
}

/* --- the table --- */

static void print_rows(struct scope_output *output)
{
    rows_sort(&output->rows);
    if (!output->headed && output->rows.count > 0) {
        table_fit(&output->table, output->rows.rows, output->rows.count);
        table_header(&output->table, &output->out);
        output->headed = true;
    }
    for (size_t i = 0; i < output->rows.count; i++) {
        table_row(&output->table, &output->rows.rows[i], &output->out);
        flush_if_full(output);
    }
    output->rows.count = 0;
}

/* A live table has rows before it knows the widest: room for IPv4 and the usual words. */
static void print_at_once(struct scope_output *output, const struct row *row)
{
    struct row rows[2] = {*row, *row};
    if (!output->headed) {
        rows[1].id = 99999;
        rows[1].client = rows[1].server = endpoint_ipv4(255, 255, 255, 255, UINT16_MAX);
        rows[1].open = OPEN_UNREACHABLE;
        rows[1].close = CLOSE_THREE_SEGMENT;
        rows[1].anomalies = UINT32_C(1) << ANOMALY_SYNACK_RETRANSMITTED;
        table_fit(&output->table, rows, 2);
        table_header(&output->table, &output->out);
        output->headed = true;
    }
    table_row(&output->table, row, &output->out);
    flush(output);
}

static void add_row(struct scope_output *output, const struct row *row)
{
    if (output->scope->interface && !output->scope->top) {
        print_at_once(output, row);
        return;
    }
    int code = rows_add(&output->rows, row);
    if (code && !output->failed)
        output->failed = code;
    if (output->rows.count < ROWS_MAX)
        return;
    fprintf(stderr,
            _("woshou: more than %d connections: the table is printed in pieces, each "
              "sorted by itself\n"),
            ROWS_MAX);
    print_rows(output);
}

/* --- one connection's picture --- */

static void print_text_ladder(struct scope_output *output, const struct ladder *ladder)
{
    struct text_options options = {.width = terminal_width(),
                                   .ascii = output->scope->ascii,
                                   .colour = terminal_colourful(),
                                   .words = language_chosen()};
    text_options_fit(&options, ladder);
    text_header(ladder, &options, &output->out);
    text_rows(ladder, &options, 0, ladder->row_count, &output->out);
    text_footer(ladder, &options, &output->out);
}

static void print_picture(struct scope_output *output, const struct story *story)
{
    const struct words *words = language_chosen();
    struct ladder *ladder;
    struct buffer why;
    int code;

    output->found = true;
    if (output->scope->kind == SCOPE_MERMAID) {
        mermaid_story(story, words, &output->out);
        return;
    }
    code = ladder_new(&story, 1, words, &ladder);
    if (code) {
        output->failed = output->failed ? output->failed : code;
        return;
    }
    if (output->scope->kind == SCOPE_LADDER) {
        print_text_ladder(output, ladder);
    } else {
        char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT], title[2 * ENDPOINT_TEXT + 8];
        snprintf(title, sizeof title, "%s → %s", endpoint_format(&story->client, client),
                 endpoint_format(&story->server, server));
        buffer_init(&why, 0);
        why_story(story, words, &why);
        struct svg_options options = {title, buffer_text(&why), "connection", false};
        code = svg_ladder(&output->out, ladder, words, &options);
        buffer_done(&why);
    }
    if (code && !output->failed)
        output->failed = code;
    ladder_free(&ladder);
}

/* --- a tracker's callbacks --- */

bool scope_output_keeps(void *owner, uint32_t id)
{
    const struct scope_output *output = owner;
    switch (output->scope->kind) {
    case SCOPE_LADDER:
    case SCOPE_SVG:
    case SCOPE_MERMAID: return id == output->scope->id;
    case SCOPE_JSON: return output->scope->events;
    default: return false;
    }
}

void scope_output_story(void *owner, const struct story *story)
{
    struct scope_output *output = owner;
    const struct scope *scope = output->scope;
    struct row row = row_of(story);

    if (scope->where && !where_holds(scope->where, &row))
        return;
    summary_add(&output->summary, story);
    switch (scope->kind) {
    case SCOPE_TABLE: add_row(output, &row); break;
    case SCOPE_JSON:
        json_story(story, scope->events, language_chosen(), &output->out);
        flush_if_full(output);
        break;
    case SCOPE_CSV:
        csv_story(story, &output->out);
        flush_if_full(output);
        break;
    case SCOPE_LADDER:
    case SCOPE_SVG:
    case SCOPE_MERMAID:
        if (story->id == scope->id)
            print_picture(output, story);
        break;
    case SCOPE_HTML: break;
    }
}

int scope_output_end(struct scope_output *output)
{
    const struct scope *scope = output->scope;
    if (scope->kind == SCOPE_TABLE) {
        print_rows(output);
        if (!scope->no_summary && output->summary.connections > 0) {
            if (output->headed)
                buffer_append_char(&output->out, '\n');
            summary_print(&output->summary, language_chosen(), &output->out);
        }
    }
    flush(output);
    rows_done(&output->rows);
    buffer_done(&output->out);
    return output->failed;
}
