#include "cli/scope_page.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/language.h"
#include "cli/scope_choice.h"
#include "cli/scope_input.h"
#include "cli/verbs.h"
#include "cli/whole_file.h"
#include "draw/fill.h"
#include "draw/page.h"
#include "scope/failures.h"
#include "scope/rows.h"
#include "scope/summary.h"
#include "scope/table.h"
#include "scope/where.h"
#include "tcp/tracker.h"

enum { ROWS_MOST = 2000, TITLE = 2 * ENDPOINT_TEXT + 64, NAME = 16 };

static const enum column columns[] = {COLUMN_ID,      COLUMN_CLIENT,   COLUMN_SERVER,
                                      COLUMN_OPEN,    COLUMN_CLOSE,    COLUMN_WHO,
                                      COLUMN_RTT,     COLUMN_DURATION, COLUMN_BYTES,
                                      COLUMN_PACKETS, COLUMN_ANOMALIES};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* What the readings gather. */
struct gathering {
    const struct scope *scope;
    struct scope_choice choice;
    struct summary summary;
    struct failures failures;
    struct rows rows;
    int failed;
};

/* The page's parts, all from one arena. */
struct contents {
    struct arena arena;
    const struct gathering *gathering;
    const struct scope_counts *counts;
    struct page page;
    struct page_overview overview;
    struct page_finding findings[ADVICE_NONE];
    const struct story *stories[CHOICE_MAX];
    struct page_scene scenes[CHOICE_MAX];
    struct page_fact facts[6];
    const char *headings[COLUMNS];
    bool numbers[COLUMNS];
};

/* --- the readings --- */

static void see_story(void *owner, const struct story *story)
{
    struct gathering *gathering = owner;
    struct row row = row_of(story);
    if (gathering->scope->where && !where_holds(gathering->scope->where, &row))
        return;
    summary_add(&gathering->summary, story);
    failures_add(&gathering->failures, story);
    scope_choice_see(&gathering->choice, story);
    int code = rows_add(&gathering->rows, &row);
    if (code)
        gathering->failed = code;
}

static int read_once(const struct scope *scope, const struct tracker_options *options,
                     wo_event *stop, struct scope_counts *counts, struct error *err)
{
    struct tracker *tracker;
    if (tracker_new(options, &tracker))
        return error_set(err, ERROR_MEMORY, "%s", _("no memory for the connections"));
    int code = scope_read(scope, tracker, stop, counts, err);
    tracker_finish(tracker);
    tracker_free(&tracker);
    return code;
}

/* --- the page's parts --- */

static char *keep_format(struct contents *contents, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A printed text that lasts as long as the arena; "" without memory. */
static char *keep_format(struct contents *contents, const char *format, ...)
{
    static char nothing[] = "";
    char text[TITLE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof text)
        length = sizeof text - 1;
    char *kept = length < 0 ? NULL : arena_copy(&contents->arena, text, (size_t)length);
    return kept ? kept : nothing;
}

/* What the buffer holds, kept; the buffer is done. */
static char *keep_buffer(struct contents *contents, struct buffer *buffer)
{
    char *kept = arena_copy(&contents->arena, buffer_text(buffer), buffer->length);
    buffer_done(buffer);
    return kept ? kept : keep_format(contents, "%s", "");
}

static void gather_summary(struct contents *contents)
{
    for (int i = 0; i < 2; i++) {
        struct buffer text;
        buffer_init(&text, 0);
        summary_print(&contents->gathering->summary, contents->page.words[i], 0, false,
                      &text);
        contents->overview.summary[i] = keep_buffer(contents, &text);
    }
}

static void gather_findings(struct contents *contents)
{
    const struct failures *failures = &contents->gathering->failures;
    for (int advice = 0; advice < ADVICE_NONE; advice++) {
        if (failures->kinds[advice].count == 0)
            continue;
        struct page_finding *finding =
            &contents->findings[contents->overview.finding_count++];
        finding->text = advice_text((enum advice)advice);
        for (int i = 0; i < 2; i++) {
            struct buffer text;
            buffer_init(&text, 0);
            failure_title(failures, (enum advice)advice, contents->page.words[i], &text);
            finding->title[i] = keep_buffer(contents, &text);
        }
    }
    contents->overview.findings = contents->findings;
}

static const char *tone_of(const struct row *row)
{
    if (row->open >= OPEN_REFUSED && row->open <= OPEN_ABORTED)
        return "failed";
    return row->close == CLOSE_RESET ? "reset" : "";
}

static struct page_row make_row(struct contents *contents, const struct row *row)
{
    struct buffer cells;
    buffer_init(&cells, 0);
    for (int i = 0; i < COLUMNS; i++) {
        char cell[TABLE_CELL];
        buffer_append(&cells, cell, table_cell(row, columns[i], false, cell));
        buffer_append_char(&cells, '\0');
    }
    return (struct page_row){
        .cells = keep_buffer(contents, &cells),
        .link = scope_choice_has(&contents->gathering->choice, row->id)
                    ? keep_format(contents, "c%" PRIu32, row->id)
                    : NULL,
        .tone = tone_of(row),
    };
}

static void note_what_is_left_out(struct contents *contents)
{
    const struct gathering *gathering = contents->gathering;
    char shown[24], all[24];
    if (gathering->rows.count >= gathering->summary.connections)
        return;
    snprintf(shown, sizeof shown, "%zu", gathering->rows.count);
    snprintf(all, sizeof all, "%" PRIu64, gathering->summary.connections);
    for (int i = 0; i < 2; i++) {
        struct buffer text;
        buffer_init(&text, 0);
        fill_append(&text,
                    contents->page.words[i]->say(
                        N_("The first {shown} of {all} connections; --where, --sort and "
                           "--top choose others.")),
                    (const struct fill[]){{"shown", shown}, {"all", all}}, 2);
        contents->overview.list.note[i] = keep_buffer(contents, &text);
    }
}

static int gather_list(struct contents *contents)
{
    const struct rows *rows = &contents->gathering->rows;
    struct page_row *list = arena_alloc(&contents->arena, rows->count * sizeof *list + 1);
    if (!list)
        return ERROR_MEMORY;
    for (size_t i = 0; i < rows->count; i++)
        list[i] = make_row(contents, &rows->rows[i]);
    for (int i = 0; i < COLUMNS; i++) {
        contents->headings[i] = table_heading(columns[i]);
        contents->numbers[i] = table_is_number(columns[i]);
    }
    contents->overview.list = (struct page_list){.title = N_("Connections"),
                                                 .headings = contents->headings,
                                                 .numbers = contents->numbers,
                                                 .column_count = COLUMNS,
                                                 .rows = list,
                                                 .row_count = rows->count};
    note_what_is_left_out(contents);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct story *const *left = a, *const *right = b;
    return ((*left)->id > (*right)->id) - ((*left)->id < (*right)->id);
}

static void gather_scenes(struct contents *contents)
{
    const struct scope_choice *choice = &contents->gathering->choice;
    for (size_t i = 0; i < choice->kept; i++)
        contents->stories[i] = choice->stories[i];
    qsort(contents->stories, choice->kept, sizeof(struct story *), by_id);
    for (size_t i = 0; i < choice->kept; i++) {
        const struct story *story = contents->stories[i];
        char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];
        contents->scenes[i] = (struct page_scene){
            .id = keep_format(contents, "c%" PRIu32, story->id),
            .title = keep_format(contents, "%" PRIu32 ". %s → %s: %s, %s", story->id,
                                 endpoint_format(&story->client, client),
                                 endpoint_format(&story->server, server),
                                 open_word(story->verdict.open),
                                 close_word(story->verdict.close)),
            .intro = "",
            .stories = &contents->stories[i],
            .story_count = 1};
    }
    contents->page.scenes = contents->scenes;
    contents->page.scene_count = choice->kept;
}

static void add_fact(struct contents *contents, const char *name, const char *value)
{
    contents->facts[contents->page.fact_count++] = (struct page_fact){name, value};
}

static void gather_facts(struct contents *contents)
{
    const struct gathering *gathering = contents->gathering;
    const char *path = gathering->scope->file;
    struct buffer file;

    buffer_init(&file, 0);
    visible_append(&file, path, strlen(path));
    add_fact(contents, N_("capture"), keep_buffer(contents, &file));
    add_fact(contents, N_("packets"),
             keep_format(contents, "%" PRIu64, contents->counts->packets));
    add_fact(contents, N_("connections"),
             keep_format(contents, "%" PRIu64, gathering->summary.connections));
    add_fact(contents, N_("drawn, of those worth it"),
             keep_format(contents, "%zu / %" PRIu64, gathering->choice.kept,
                         gathering->choice.worth));
    add_fact(contents, N_("made by"), "woshou " WOSHOU_VERSION);
    contents->page.facts = contents->facts;
}

/* --- writing it --- */

static int print_page(struct contents *contents, const char *path, struct error *err)
{
    struct buffer out;
    contents->page = (struct page){
        .words = {&language_english, &language_chinese},
        .names = {"English", "中文"},
        .first = language_chosen() == &language_chinese,
        .title = N_("woshou 握手: the connections of a capture"),
        .intro =
            N_("Every TCP connection of a capture, how it opened and how it closed; and "
               "ladders of those that went wrong and of one of each kind. States are "
               "worked out from the packets by RFC 9293's rules. j and k are the two "
               "sides' initial sequence numbers; a long run of data is one arrow."),
        .overview = &contents->overview,
    };
    int code = gather_list(contents);
    if (code)
        return error_set(err, code, "%s", _("no memory for the page"));
    gather_summary(contents);
    gather_findings(contents);
    gather_scenes(contents);
    gather_facts(contents);
    buffer_init(&out, 0);
    code = page_print(&out, &contents->page);
    code = code ? error_set(err, code, "%s", _("no memory for the page"))
                : whole_file_write(path, &out, err);
    buffer_done(&out);
    return code;
}

static int write_page(struct gathering *gathering, const struct scope_counts *counts,
                      struct error *err)
{
    struct contents *contents = calloc(1, sizeof *contents);
    int code = gathering->failed ? gathering->failed : gathering->choice.failed;
    if (!contents || code) {
        free(contents);
        return error_set(err, ERROR_MEMORY, "%s", _("no memory for the page"));
    }
    arena_init(&contents->arena, 0);
    contents->gathering = gathering;
    contents->counts = counts;
    rows_sort(&gathering->rows);
    code = print_page(contents, gathering->scope->out, err);
    arena_done(&contents->arena);
    free(contents);
    return code;
}

/* --- all of it --- */

static int read_and_write(struct gathering *gathering, wo_event *stop)
{
    const struct scope *scope = gathering->scope;
    struct scope_counts counts = {0}, counts_again = {0};
    struct error err = {0}, page_err = {0};
    struct tracker_options first = {.connections_max = scope->connections_max,
                                    .on_story = see_story,
                                    .owner = gathering};
    struct tracker_options second = {.connections_max = scope->connections_max,
                                     .keeps = scope_choice_keeps,
                                     .on_story = scope_choice_story,
                                     .owner = &gathering->choice};
    int status = EXIT_DONE, code = read_once(scope, &first, stop, &counts, &err);

    if (code == ERROR_ARGUMENT)
        return complain_usage("scope", "%s", err.sentence);
    if (counts.packets > 0 && !counts.stopped)
        read_once(scope, &second, stop, &counts_again, &page_err);
    if (counts.stopped || counts_again.stopped)
        return complain(EXIT_FAILED, "%s", _("stopped; no page was written"));
    if (counts.packets > 0 && write_page(gathering, &counts, &page_err))
        status = complain(EXIT_FAILED, "%s", page_err.sentence);
    if (code)
        status = complain(EXIT_FAILED, "%s", err.sentence);
    else if (counts.packets == 0)
        fprintf(stderr, "%s\n", _("no packet was seen, and no page written"));
    return status;
}

int scope_page(const struct scope *scope, wo_event *stop)
{
    struct gathering *gathering = calloc(1, sizeof *gathering);
    if (!gathering)
        return complain(EXIT_FAILED, "%s", _("no memory for the page"));
    gathering->scope = scope;
    gathering->rows = (struct rows){
        .by = (enum column)scope->sort,
        .descending = scope->descending,
        .top = scope->top && scope->top < ROWS_MOST ? scope->top : ROWS_MOST};
    int status = read_and_write(gathering, stop);
    scope_choice_done(&gathering->choice);
    rows_done(&gathering->rows);
    free(gathering);
    return status;
}
