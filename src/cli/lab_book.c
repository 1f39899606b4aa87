/* A chapter: the claim and what came of it; each part's ladder, with its evidence beside
 * and below; what it means; how to repeat it. */
#include "cli/lab_book.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/folder.h"
#include "cli/lab_draw.h"
#include "cli/lab_say.h"
#include "cli/language.h"
#include "cli/whole_file.h"
#include "draw/fill.h"
#include "draw/marks.h"
#include "draw/markup.h"
#include "draw/page_frame.h"
#include "draw/page_legend.h"
#include "draw/page_table.h"
#include "draw/svg.h"
#include "draw/why.h"

enum { ID = 96 };

struct chapter {
    struct buffer *out;
    struct page_languages languages;
    const struct lab_book *book;
    size_t index;
    const struct lab_result *result;
};

/* --- What chapters and the index share --- */

struct page_languages lab_book_languages(void)
{
    return (struct page_languages){.words = {&language_english, &language_chinese},
                                   .names = {"English", "中文"},
                                   .first = language_chosen() == &language_chinese};
}

void lab_book_end(struct buffer *out, const struct lab_book *book, bool pictures)
{
    struct page_languages languages = lab_book_languages();
    struct utsname kernel;
    char delay[32];
    uname(&kernel);
    snprintf(delay, sizeof delay, "%g ms", (double)book->delay_ns / NS_PER_MS);
    const struct page_fact facts[] = {
        {N_("made by"), "woshou " WOSHOU_VERSION},
        {N_("kernel"), kernel.release},
        {N_("wire"),
         book->kind == WIRE_TUN
             ? N_("two network namespaces, a TUN device in each, woshou between")
             : N_("two network namespaces, a veth pair to each, woshou between")},
        {N_("each packet travels"), delay},
    };
    buffer_append_text(out, "</main>\n<footer>\n");
    if (pictures) {
        page_say(out, &languages, "h2", N_("How to read the pictures"));
        for (int i = 0; i < 2; i++)
            page_legend(out, languages.words[i], page_classes[i], LEGEND_WIRE);
    }
    page_say(out, &languages, "h2", N_("How this page was made"));
    page_facts(out, &languages, facts, sizeof facts / sizeof facts[0]);
    buffer_append_text(out, "</footer>\n</body>\n</html>\n");
}

int lab_book_write(const struct lab_book *book, const char *name, struct buffer *page,
                   int failed, struct error *err)
{
    char path[PATH_MAX];
    int status = failed ? failed : page->failed;
    if (status)
        error_set(err, status, "%s", _("no memory for the page"));
    else
        status = folder_join(book->folder, name, path, sizeof path, err);
    if (status == 0)
        status = whole_file_write(path, page, err);
    buffer_done(page);
    return status;
}

/* --- Texts --- */

static void put_text(const struct chapter *chapter, const char *element,
                     const char *class, const struct lab_text *text)
{
    const char *const texts[2] = {lab_text_in(text, chapter->languages.words[0]),
                                  lab_text_in(text, chapter->languages.words[1])};
    if (*texts[0] || *texts[1])
        page_pair(chapter->out, &chapter->languages, element, class, texts);
}

/* "<dt>Claim</dt><dd>...</dd>", where there is a text. */
static void put_entry(const struct chapter *chapter, const char *name,
                      const struct lab_text *text)
{
    if (!text->in[LAB_ENGLISH] && !text->in[LAB_CHINESE])
        return;
    page_say(chapter->out, &chapter->languages, "dt", name);
    put_text(chapter, "dd", NULL, text);
}

static void put_link(const struct chapter *chapter, const char *arrow,
                     const struct experiment *experiment, const char *class)
{
    buffer_append_format(chapter->out, "<a class=\"%s\" href=\"%s.html\">", class,
                         experiment->name);
    buffer_append_text(chapter->out, arrow);
    put_text(chapter, "span", NULL, &experiment->title);
    buffer_append_text(chapter->out, "</a>\n");
}

static void print_way(const struct chapter *chapter)
{
    const struct lab_book *book = chapter->book;
    buffer_append_text(chapter->out, "<nav class=\"way\">\n<a class=\"up\" "
                                     "href=\"index.html\">");
    page_say(chapter->out, &chapter->languages, "span", N_("All experiments"));
    buffer_append_text(chapter->out, "</a>\n");
    if (chapter->index > 0)
        put_link(chapter, "‹ ", book->experiments[chapter->index - 1], "before");
    if (chapter->index + 1 < book->count)
        put_link(chapter, "› ", book->experiments[chapter->index + 1], "after");
    buffer_append_text(chapter->out, "</nav>\n");
}

static void print_outcome(const struct chapter *chapter)
{
    const struct lab_result *result = chapter->result;
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%.1f", (double)result->took_ns / NS_PER_S);
    for (int i = 0; i < 2; i++) {
        const struct words *words = chapter->languages.words[i];
        struct buffer text;
        const struct fill fills[] = {
            {"outcome", words->say(lab_outcome_message(result->outcome))},
            {"seconds", seconds}};
        buffer_init(&text, 0);
        fill_append(&text, words->say(N_("{outcome}, in {seconds} s")), fills, 2);
        buffer_append_format(chapter->out,
                             "<p class=\"outcome %s %s\" lang=\"%s\"><strong>",
                             outcome_word(result->outcome), page_classes[i], words->tag);
        markup_text(chapter->out, buffer_text(&text));
        buffer_append_text(chapter->out, "</strong> ");
        buffer_clear(&text);
        lab_say_reason(&text, result, words);
        markup_text(chapter->out, buffer_text(&text));
        buffer_append_text(chapter->out, "</p>\n");
        buffer_done(&text);
    }
}

/* --- Parts --- */

static void format_id(char id[ID], size_t part, int language, const char *what)
{
    snprintf(id, ID, "p%zu-%s-%s", part + 1, page_classes[language], what);
}

static void print_finding(struct buffer *out, const struct lab_part_result *part,
                          const struct lab_finding *finding, const char *prefix,
                          bool drawn, const struct words *words)
{
    int number = lab_finding_number(part, finding);
    const char *note = lab_text_in(&finding->step->evidence.note, words);
    struct buffer found;
    buffer_init(&found, 0);
    lab_say_finding(&found, finding, words);
    buffer_append_format(out,
                         "<li id=\"%s%d\" class=\"%s\"><span class=\"sign\">%s</span> ",
                         prefix, number,
                         finding->found == FOUND          ? "there"
                         : finding->found == FOUND_UNSEEN ? "unseen"
                                                          : "wrong",
                         finding->found == FOUND          ? "✓"
                         : finding->found == FOUND_UNSEEN ? "·"
                                                          : "✗");
    buffer_append_text(out, "<code>");
    markup_text(out, lab_predicate(finding->step));
    buffer_append_text(out, "</code> ");
    if (drawn)
        buffer_append_format(out, "<a href=\"#%s%d-row\">", prefix, number);
    buffer_append_text(out, "<span class=\"found\">");
    markup_text(out, buffer_text(&found));
    buffer_append_text(out, drawn ? "</span></a>" : "</span>");
    if (*note) {
        buffer_append_text(out, "<span class=\"remark\">");
        markup_text(out, note);
        buffer_append_text(out, "</span>");
    }
    buffer_append_text(out, "</li>\n");
    buffer_done(&found);
}

static void print_evidence(struct buffer *out, const struct lab_part_result *part,
                           const struct ladder *ladder, const char *prefix, int language,
                           const struct words *words)
{
    buffer_append_format(out, "<ol class=\"evidence %s\" lang=\"%s\">\n",
                         page_classes[language], words->tag);
    for (size_t i = 0; i < part->finding_count; i++) {
        const struct lab_finding *finding = &part->findings[i];
        bool drawn = lab_finding_drawn(ladder, lab_finding_number(part, finding));
        print_finding(out, part, finding, prefix, drawn, words);
    }
    buffer_append_text(out, "</ol>\n");
}

/* What the connections come to, in sentences: for the picture's description too. */
static void say_stories(struct buffer *out, const struct ladder *ladder,
                        const struct words *words)
{
    for (size_t i = 0; i < ladder->story_count; i++) {
        struct buffer why;
        buffer_init(&why, 0);
        why_story(ladder->stories[i], words, &why);
        buffer_append_text(out, story_mark(ladder, (int)i));
        const struct fill fill = {"verdict", buffer_text(&why)};
        fill_append(out, words->say(N_("{verdict}.")), &fill, 1);
        buffer_append_char(out, ' ');
        buffer_done(&why);
    }
}

static int print_picture(struct buffer *out, const struct ladder *ladder,
                         const char *title, const char *id, const char *prefix,
                         const struct words *words)
{
    struct buffer description;
    buffer_init(&description, 0);
    say_stories(&description, ladder, words);
    buffer_append_text(&description,
                       words->say(N_("The table below lists every event.")));
    struct svg_options options = {.title = title,
                                  .description = buffer_text(&description),
                                  .id = id,
                                  .note_links = prefix,
                                  .inline_in_page = true};
    int failed = svg_ladder(out, ladder, words, &options);
    buffer_done(&description);
    return failed;
}

static int print_part_in(const struct chapter *chapter, size_t index, int language)
{
    const struct lab_part_result *part = &chapter->result->parts[index];
    const struct words *words = chapter->languages.words[language];
    struct buffer *out = chapter->out, story;
    const char *title = lab_part_title(part->part, words);
    char id[ID], prefix[ID];
    struct lab_drawing drawing;
    int failed = lab_draw(part, words, &drawing);
    if (failed)
        return failed;
    const struct ladder *ladder = drawing.ladder;
    if (!*title)
        title = lab_text_in(&chapter->result->experiment->title, words);
    format_id(id, index, language, "picture");
    format_id(prefix, index, language, "e");
    if (ladder) {
        buffer_append_format(out,
                             "<div class=\"picture noted %s\" lang=\"%s\" tabindex=\"0\" "
                             "role=\"region\" aria-label=\"",
                             page_classes[language], words->tag);
        markup_text(out, title);
        buffer_append_text(out, "\">\n");
        failed = print_picture(out, ladder, title, id, prefix, words);
        buffer_append_format(out, "</div>\n<p class=\"story %s\" lang=\"%s\">",
                             page_classes[language], words->tag);
        buffer_init(&story, 0);
        say_stories(&story, ladder, words);
        markup_text(out, buffer_text(&story));
        buffer_done(&story);
        buffer_append_text(out, "</p>\n");
    }
    buffer_append_format(out, "<h3 class=\"%s\" lang=\"%s\">", page_classes[language],
                         words->tag);
    markup_text(out, words->say(N_("Evidence, in this order:")));
    buffer_append_text(out, "</h3>\n");
    print_evidence(out, part, ladder, prefix, language, words);
    if (ladder) {
        buffer_append_format(out, "<details class=\"%s\" lang=\"%s\"><summary>",
                             page_classes[language], words->tag);
        markup_text(out, words->say(N_("Every event, as a table")));
        buffer_append_text(out, "</summary>\n<div class=\"scroll\">\n");
        page_table(out, ladder, words, "events");
        buffer_append_text(out, "</div></details>\n");
    }
    lab_drawing_done(&drawing);
    return failed;
}

static void print_left_out(const struct chapter *chapter,
                           const struct lab_part_result *part)
{
    for (int i = 0; i < 2; i++) {
        const struct words *words = chapter->languages.words[i];
        struct buffer text;
        const struct fill fill = {"setting", part->part->needs};
        buffer_init(&text, 0);
        fill_append(&text,
                    words->say(N_("left out: this kernel has no setting "
                                  "net.ipv4.{setting}")),
                    &fill, 1);
        buffer_append_format(chapter->out, "<p class=\"%s\" lang=\"%s\">",
                             page_classes[i], words->tag);
        markup_text(chapter->out, buffer_text(&text));
        buffer_append_text(chapter->out, "</p>\n");
        buffer_done(&text);
    }
}

static int print_part(const struct chapter *chapter, size_t index)
{
    const struct lab_part_result *part = &chapter->result->parts[index];
    int failed = 0;
    buffer_append_format(chapter->out, "<section id=\"p%zu\">\n", index + 1);
    const char *const titles[2] = {
        lab_part_title(part->part, chapter->languages.words[0]),
        lab_part_title(part->part, chapter->languages.words[1])};
    if (*titles[0])
        page_pair(chapter->out, &chapter->languages, "h2", NULL, titles);
    if (part->left_out)
        print_left_out(chapter, part);
    for (int i = 0; i < 2 && !failed && !part->left_out; i++)
        failed = print_part_in(chapter, index, i);
    buffer_append_text(chapter->out, "</section>\n");
    return failed;
}

/* --- How to repeat it --- */

static void print_steps(struct buffer *out, const struct lab_steps *steps)
{
    for (const struct lab_step *step = steps->first; step; step = step->next) {
        markup_text(out, step->words);
        buffer_append_char(out, '\n');
    }
}

static void print_script(const struct chapter *chapter)
{
    const struct experiment *experiment = chapter->result->experiment;
    struct buffer *out = chapter->out;
    page_say(out, &chapter->languages, "h3", N_("The script"));
    buffer_append_text(out, "<pre>");
    if (experiment->given.first) {
        buffer_append_text(out, "given\n");
        print_steps(out, &experiment->given);
    }
    for (const struct lab_part *part = experiment->parts; part; part = part->next) {
        if (part->name[0])
            buffer_append_format(
                out, "%spart %s\n",
                part == experiment->parts && !experiment->given.first ? "" : "\n",
                part->name);
        print_steps(out, &part->steps);
    }
    buffer_append_text(out, "</pre>\n");
}

static void print_sabotages(const struct chapter *chapter)
{
    const struct experiment *experiment = chapter->result->experiment;
    if (!experiment->sabotages)
        return;
    page_say(chapter->out, &chapter->languages, "p",
             N_("Spoilt in one of these ways, it must come out otherwise:"));
    buffer_append_text(chapter->out, "<ul>\n");
    for (const struct lab_sabotage *sabotage = experiment->sabotages; sabotage;
         sabotage = sabotage->next) {
        buffer_append_text(chapter->out, "<li>");
        put_text(chapter, "span", NULL, &sabotage->title);
        buffer_append_text(chapter->out, "</li>\n");
    }
    buffer_append_text(chapter->out, "</ul>\n");
}

static void print_commands(const struct chapter *chapter)
{
    static const char *const more[] = {"", " --step", " --pcap captures", " --sabotage"};
    buffer_append_text(chapter->out, "<section id=\"repeat\">\n");
    page_say(chapter->out, &chapter->languages, "h2", N_("Repeat it"));
    buffer_append_text(chapter->out, "<pre>");
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        buffer_append_format(chapter->out, "woshou lab %s%s\n",
                             chapter->result->experiment->name, more[i]);
    buffer_append_text(chapter->out, "</pre>\n");
    print_sabotages(chapter);
    print_script(chapter);
    buffer_append_text(chapter->out, "</section>\n");
}

static void print_title(const struct chapter *chapter)
{
    const struct experiment *experiment = chapter->result->experiment;
    struct lab_text title = experiment->title;
    char titles[2][256];
    const char *both[2];
    for (int i = 0; i < 2; i++) {
        const char *text = lab_text_in(&title, chapter->languages.words[i]);
        text = *text ? text : experiment->name;
        if (experiment->number)
            snprintf(titles[i], sizeof titles[i], "%d. %s", experiment->number, text);
        else
            snprintf(titles[i], sizeof titles[i], "%s", text);
        both[i] = titles[i];
    }
    page_open(chapter->out, &chapter->languages, both[chapter->languages.first]);
    print_way(chapter);
    page_pair(chapter->out, &chapter->languages, "h1", NULL, both);
}

int lab_book_chapter(const struct lab_book *book, size_t index,
                     const struct lab_result *result, struct error *err)
{
    const struct experiment *experiment = result->experiment;
    struct buffer page;
    char name[128];
    int failed = 0;
    struct chapter chapter = {.out = &page,
                              .languages = lab_book_languages(),
                              .book = book,
                              .index = index,
                              .result = result};
    buffer_init(&page, 0);
    print_title(&chapter);
    print_outcome(&chapter);
    buffer_append_text(&page, "<dl class=\"claim\">\n");
    put_entry(&chapter, N_("Claim"), &experiment->claim);
    put_entry(&chapter, N_("A common belief, and not so"), &experiment->belief);
    put_entry(&chapter, N_("Found"), &experiment->finding);
    buffer_append_text(&page, "</dl>\n");
    put_text(&chapter, "p", "meaning", &experiment->meaning);
    buffer_append_text(&page, "</header>\n<main>\n");
    for (size_t i = 0; i < result->part_count && !failed; i++)
        failed = print_part(&chapter, i);
    print_commands(&chapter);
    lab_book_end(&page, book, true);
    snprintf(name, sizeof name, "%s.html", experiment->name);
    return lab_book_write(book, name, &page, failed, err);
}
