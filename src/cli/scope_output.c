#include "cli/scope_output.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/language.h"
#include "cli/scope_picture.h"
#include "cli/terminal.h"
#include "draw/json.h"
#include "draw/text.h"
#include "scope/comments.h"
#include "scope/csv.h"
#include "scope/where.h"

enum { FLUSH_BYTES = 1 << 16, ROWS_MAX = 1000000, TEXT_WIDTH_READ = 100 };

void scope_output_begin(struct scope_output *output, const struct scope *scope,
                        bool at_once, wo_event *stop)
{
    *output = (struct scope_output){
        .scope = scope,
        .at_once = at_once,
        .stop = stop,
        .rows = {.by = (enum column)scope->sort,
                 .descending = scope->descending,
                 .top = scope->top},
        .table = {.words = language_chosen(),
                  .width = terminal_is() ? terminal_width() : 0,
                  .wanted = (enum column)scope->sort,
                  .ascii = scope->ascii,
                  .colour = terminal_colourful()},
    };
    buffer_init(&output->out, 0);
    if (scope->kind == SCOPE_CSV)
        csv_header(&output->out);
}

static void fail(struct scope_output *output, int code)
{
    if (code && !output->failed)
        output->failed = code;
}

static void flush(struct scope_output *output)
{
    struct buffer *out = &output->out;
    fail(output, out->failed);
    if (!output->failed && out->length > 0 &&
        (fwrite(out->bytes, 1, out->length, stdout) != out->length || fflush(stdout)))
        output->failed = errno == EPIPE ? ERROR_RESET : ERROR_SYSTEM;
    if (output->failed)
        wo_event_set(output->stop);
    buffer_clear(out);
}

static void flush_if_full(struct scope_output *output)
{
    if (output->out.length >= FLUSH_BYTES || output->at_once)
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
    const struct scope *scope = output->scope;
    if (scope->interface && !scope->top && !scope->sorted) {
        print_at_once(output, row);
        return;
    }
    fail(output, rows_add(&output->rows, row));
    if (output->rows.count < ROWS_MAX)
        return;
    fprintf(stderr,
            _("woshou: more than %d connections: the table is printed in pieces, each "
              "sorted by itself\n"),
            ROWS_MAX);
    print_rows(output);
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
    failures_add(&output->failures, story);
    if (output->comments)
        comments_add(output->comments, story);
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
        if (story->id != scope->id)
            break;
        output->found = true;
        wo_event_set(output->stop); /* nothing more is wanted */
        fail(output, scope_picture(scope, story, &output->out));
        break;
    case SCOPE_HTML:
    case SCOPE_LIST: break;
    }
}

/* In a pipe the summary's lines are left whole, for whoever looks for words in them. */
static void print_summary(struct scope_output *output)
{
    int width = terminal_width();
    if (output->headed)
        buffer_append_char(&output->out, '\n');
    summary_print(&output->summary, language_chosen(), terminal_is() ? width : 0,
                  output->scope->ascii, &output->out);
    failures_print(&output->failures, language_chosen(),
                   width < TEXT_WIDTH_READ ? width : TEXT_WIDTH_READ, &output->out);
}

void scope_output_end(struct scope_output *output)
{
    const struct scope *scope = output->scope;
    if (scope->kind == SCOPE_TABLE) {
        print_rows(output);
        if (!scope->no_summary && output->summary.connections > 0)
            print_summary(output);
    }
    flush(output);
    rows_done(&output->rows);
    buffer_done(&output->out);
}
