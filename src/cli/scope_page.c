#include "cli/scope_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/language.h"
#include "cli/whole_file.h"
#include "draw/page.h"
#include "scope/summary.h"

enum { TITLE = 2 * ENDPOINT_TEXT + 64, NAME = 16 };

/* --- which --- */

static bool went_wrong(const struct verdict *verdict)
{
    bool opened = verdict->open == OPEN_THREE_WAY || verdict->open == OPEN_FAST_OPEN ||
                  verdict->open == OPEN_NOT_SEEN;
    if (!opened || verdict->close == CLOSE_RESET)
        return true;
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        if (verdict->anomalies[kind].count > 0)
            return true;
    return false;
}

static void add(struct scope_page *page, uint32_t id)
{
    size_t place = page->count++;
    for (; place > 0 && page->ids[place - 1] > id; place--)
        page->ids[place] = page->ids[place - 1];
    page->ids[place] = id;
}

/* What went wrong, and the first of each shape; shapes always find room. */
void scope_page_choose(struct scope_page *page, const struct story *story)
{
    enum { FOR_SHAPES = 24 };
    const struct verdict *verdict = &story->verdict;
    bool *shape = &page->shapes[verdict->open][verdict->close];
    bool fresh = !*shape, wrong = went_wrong(verdict);

    *shape = true;
    page->worth += fresh || wrong;
    if ((fresh && page->count < PAGE_LADDERS) ||
        (wrong && page->count < PAGE_LADDERS - FOR_SHAPES))
        add(page, story->id);
}

static int compare_ids(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

bool scope_page_keeps(void *owner, uint32_t id)
{
    const struct scope_page *page = owner;
    return bsearch(&id, page->ids, page->count, sizeof id, compare_ids) != NULL;
}

void scope_page_story(void *owner, const struct story *story)
{
    struct scope_page *page = owner;
    if (!scope_page_keeps(page, story->id) || page->kept == PAGE_LADDERS)
        return;
    int code = story_copy(story, &page->stories[page->kept]);
    if (code)
        page->failed = code;
    else
        page->kept++;
}

void scope_page_done(struct scope_page *page)
{
    for (size_t i = 0; i < page->kept; i++)
        story_free(&page->stories[i]);
    page->kept = 0;
}

/* --- the page --- */

struct contents {
    const struct story *stories[PAGE_LADDERS];
    struct page_scene scenes[PAGE_LADDERS];
    char titles[PAGE_LADDERS][TITLE], names[PAGE_LADDERS][NAME];
    const char *notes[2];
    struct page_fact facts[6];
    size_t fact_count;
    char connections[24], packets[24], ladders[64];
    struct buffer file;
};

static int by_id(const void *a, const void *b)
{
    const struct story *const *left = a, *const *right = b;
    return ((*left)->id > (*right)->id) - ((*left)->id < (*right)->id);
}

static void add_fact(struct contents *contents, const char *name, const char *value)
{
    contents->facts[contents->fact_count++] = (struct page_fact){name, value};
}

static void gather_scenes(struct contents *contents, const struct scope_page *page)
{
    for (size_t i = 0; i < page->kept; i++)
        contents->stories[i] = page->stories[i];
    qsort(contents->stories, page->kept, sizeof(struct story *), by_id);
    for (size_t i = 0; i < page->kept; i++) {
        const struct story *story = contents->stories[i];
        const struct verdict *verdict = &story->verdict;
        char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];
        snprintf(contents->names[i], NAME, "c%" PRIu32, story->id);
        snprintf(contents->titles[i], TITLE, "%" PRIu32 ". %s → %s: %s, %s", story->id,
                 endpoint_format(&story->client, client),
                 endpoint_format(&story->server, server), open_word(verdict->open),
                 close_word(verdict->close));
        contents->scenes[i] = (struct page_scene){.id = contents->names[i],
                                                  .title = contents->titles[i],
                                                  .intro = "",
                                                  .stories = &contents->stories[i],
                                                  .story_count = 1};
    }
}

static void gather_facts(struct contents *contents, const struct scope_page *page,
                         const struct scope *scope, const struct scope_counts *counts,
                         const struct summary *summary)
{
    snprintf(contents->connections, sizeof contents->connections, "%" PRIu64,
             summary->connections);
    snprintf(contents->packets, sizeof contents->packets, "%" PRIu64, counts->packets);
    snprintf(contents->ladders, sizeof contents->ladders, "%zu / %" PRIu64, page->kept,
             page->worth);
    visible_append(&contents->file, scope->file, strlen(scope->file));
    add_fact(contents, N_("capture"), buffer_text(&contents->file));
    add_fact(contents, N_("packets"), contents->packets);
    add_fact(contents, N_("connections"), contents->connections);
    add_fact(contents, N_("drawn, of those worth it"), contents->ladders);
    add_fact(contents, N_("made by"), "woshou " WOSHOU_VERSION);
}

int scope_page_write(const struct scope_page *page, const char *path,
                     const struct scope *scope, const struct scope_counts *counts,
                     const struct summary *summary, struct error *err)
{
    struct contents *contents = calloc(1, sizeof *contents);
    struct buffer out;
    if (!contents)
        return error_set(err, ERROR_MEMORY, "%s", _("no memory for the page"));
    buffer_init(&contents->file, 0);
    buffer_init(&out, 0);
    gather_scenes(contents, page);
    gather_facts(contents, page, scope, counts, summary);
    struct page whole = {
        .words = {&language_english, &language_chinese},
        .names = {"English", "中文"},
        .first = language_chosen() == &language_chinese,
        .title = N_("woshou 握手: the connections of a capture"),
        .intro = N_(
            "What went wrong, and one connection of each kind that was seen, drawn from "
            "the packets of a capture. States are worked out from the packets by RFC "
            "9293's rules. j and k are the two sides' initial sequence numbers; long runs "
            "of data are one arrow."),
        .scenes = contents->scenes,
        .scene_count = page->kept,
        .notes = contents->notes,
        .facts = contents->facts,
        .fact_count = contents->fact_count,
    };
    int code = page->failed ? page->failed : page_print(&out, &whole);
    if (!code)
        code = whole_file_write(path, &out, err);
    else
        error_set(err, code, "%s", _("no memory for the page"));
    buffer_done(&out);
    buffer_done(&contents->file);
    free(contents);
    return code;
}
