#include "draw/page.h"

#include "base/buffer.h"
#include "base/error.h"
#include "draw/advice.h"
#include "draw/fill.h"
#include "draw/ladder.h"
#include "draw/marks.h"
#include "draw/markup.h"
#include "draw/page_legend.h"
#include "draw/page_table.h"
#include "draw/svg.h"
#include "draw/why.h"

static struct page_languages languages_of(const struct page *page)
{
    return (struct page_languages){.words = {page->words[0], page->words[1]},
                                   .names = {page->names[0], page->names[1]},
                                   .first = page->first};
}

/* <element>message</element>, in both languages. */
static void say_both(struct buffer *out, const struct page *page, const char *element,
                     const char *message)
{
    struct page_languages languages = languages_of(page);
    page_say(out, &languages, element, message);
}

static void print_contents(struct buffer *out, const struct page *page)
{
    buffer_append_text(out, "<nav><ol class=\"contents\">\n");
    for (size_t i = 0; i < page->scene_count; i++) {
        buffer_append_text(out, "<li><a href=\"#");
        markup_text(out, page->scenes[i].id);
        buffer_append_text(out, "\">");
        say_both(out, page, "span", page->scenes[i].title);
        buffer_append_text(out, "</a></li>\n");
    }
    buffer_append_text(out, "</ol></nav>\n");
}

static void print_notes(struct buffer *out, const struct page *page)
{
    if (!page->note_count)
        return;
    buffer_append_text(out, "<div class=\"notes\" role=\"note\">\n");
    for (size_t i = 0; i < page->note_count; i++)
        say_both(out, page, "p", page->notes[i]);
    buffer_append_text(out, "</div>\n");
}

/* One story's verdict as a sentence, with its full stop. */
static void append_verdict(struct buffer *out, const struct story *story,
                           const struct words *words)
{
    struct buffer why, sentence;
    buffer_init(&why, 0);
    buffer_init(&sentence, 0);
    why_story(story, words, &why);
    fill_append(&sentence, words->say(N_("{verdict}.")),
                &(struct fill){"verdict", buffer_text(&why)}, 1);
    markup_text(out, buffer_text(&sentence));
    buffer_done(&why);
    buffer_done(&sentence);
}

/* Of a capture: what to check next. */
static void append_advice(struct buffer *out, const struct story *story,
                          const struct words *words, const char *class)
{
    const char *text = advice_text(advice_of(story));
    if (!text || story->verdict.standing != STANDING_INFERRED)
        return;
    buffer_append_format(out, "<p class=\"advice %s\" lang=\"%s\">", class, words->tag);
    markup_text(out, words->say(text));
    buffer_append_text(out, "</p>\n");
}

static void print_verdicts(struct buffer *out, const struct ladder *ladder,
                           const struct words *words, const char *class)
{
    if (ladder->story_count == 1) {
        buffer_append_format(out, "<p class=\"verdict %s\" lang=\"%s\">", class,
                             words->tag);
        append_verdict(out, ladder->stories[0], words);
        buffer_append_text(out, "</p>\n");
        append_advice(out, ladder->stories[0], words, class);
        return;
    }
    buffer_append_format(out, "<ul class=\"verdict %s\" lang=\"%s\">\n", class,
                         words->tag);
    for (size_t i = 0; i < ladder->story_count; i++) {
        char text[ENDPOINT_TEXT];
        buffer_append_text(out, "<li>");
        markup_text(out, story_mark(ladder, (int)i));
        buffer_append_text(out, "<span class=\"endpoints\">");
        markup_text(out, endpoint_format(&ladder->stories[i]->client, text));
        buffer_append_text(out, "</span> ");
        append_verdict(out, ladder->stories[i], words);
        buffer_append_text(out, "</li>\n");
    }
    buffer_append_text(out, "</ul>\n");
}

static int print_picture(struct buffer *out, const struct page_scene *scene,
                         const struct ladder *ladder, const struct words *words)
{
    char id[96];
    struct buffer text, description;
    buffer_init_fixed(&text, id, sizeof id);
    buffer_append_format(&text, "%s-%s", scene->id, words->tag);
    buffer_init(&description, 0);
    for (size_t i = 0; i < ladder->story_count; i++) {
        buffer_append_text(&description, story_mark(ladder, (int)i));
        why_story(ladder->stories[i], words, &description);
        buffer_append_text(&description, ". ");
    }
    buffer_append_text(&description,
                       words->say(N_("The table below lists every event.")));
    struct svg_options options = {.title = page_message(words, scene->title),
                                  .description = buffer_text(&description),
                                  .id = id,
                                  .inline_in_page = true};
    int failed = text.failed ? text.failed : svg_ladder(out, ladder, words, &options);
    buffer_done(&description);
    return failed;
}

/* One scene in one language, under its heading. */
static int print_scene_in(struct buffer *out, const struct page_scene *scene,
                          const struct words *words, const char *class)
{
    struct ladder *ladder;
    int failed = ladder_new(scene->stories, scene->story_count, words, &ladder);
    if (failed)
        return failed;
    print_verdicts(out, ladder, words, class);
    buffer_append_format(out,
                         "<div class=\"picture %s\" lang=\"%s\" tabindex=\"0\" "
                         "role=\"region\" aria-label=\"",
                         class, words->tag);
    markup_text(out, page_message(words, scene->title));
    buffer_append_text(out, "\">\n");
    failed = print_picture(out, scene, ladder, words);
    buffer_append_format(out, "</div>\n<details class=\"%s\" lang=\"%s\"><summary>",
                         class, words->tag);
    markup_text(out, words->say(N_("Every event, as a table")));
    buffer_append_text(out, "</summary>\n<div class=\"scroll\">\n");
    page_table(out, ladder, words, "events");
    buffer_append_text(out, "</div></details>\n");
    ladder_free(&ladder);
    return failed;
}

static int print_scene(struct buffer *out, const struct page *page,
                       const struct page_scene *scene)
{
    int failed = 0;
    buffer_append_text(out, "<section id=\"");
    markup_text(out, scene->id);
    buffer_append_text(out, "\">\n");
    say_both(out, page, "h2", scene->title);
    say_both(out, page, "p", scene->intro);
    if (scene->absent)
        say_both(out, page, "p", scene->absent);
    for (int i = 0; i < 2 && scene->story_count && !failed; i++)
        failed = print_scene_in(out, scene, page->words[i], page_classes[i]);
    buffer_append_text(out, "</section>\n");
    return failed;
}

static void print_footer(struct buffer *out, const struct page *page)
{
    struct page_languages languages = languages_of(page);
    buffer_append_text(out, "<footer>\n");
    say_both(out, page, "h2", N_("How to read the pictures"));
    for (int i = 0; i < 2; i++)
        page_legend(out, page->words[i], page_classes[i],
                    page->overview ? LEGEND_CAPTURE : LEGEND_WIRE);
    say_both(out, page, "h2", N_("How this page was made"));
    page_facts(out, &languages, page->facts, page->fact_count);
    buffer_append_text(out, "</footer>\n");
}

int page_print(struct buffer *out, const struct page *page)
{
    int failed = 0;
    struct page_languages languages = languages_of(page);
    page_open(out, &languages, page_message(page->words[page->first], page->title));
    say_both(out, page, "h1", page->title);
    say_both(out, page, "p", page->intro);
    print_notes(out, page);
    if (page->scene_count > 1 && !page->overview)
        print_contents(out, page);
    buffer_append_text(out, "</header>\n<main>\n");
    if (page->overview)
        page_overview(out, page, page->overview);
    for (size_t i = 0; i < page->scene_count && !failed; i++)
        failed = print_scene(out, page, &page->scenes[i]);
    buffer_append_text(out, "</main>\n");
    print_footer(out, page);
    buffer_append_text(out, "</body>\n</html>\n");
    return failed ? failed : out->failed;
}
