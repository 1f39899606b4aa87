/* The book's index: what came of all experiments; the article, claim by claim; the list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/lab_book.h"
#include "cli/lab_say.h"
#include "cli/language.h"
#include "draw/fill.h"
#include "draw/markup.h"
#include "draw/page_frame.h"
#include "lab/article.h"

struct index {
    struct buffer *out;
    struct page_languages languages;
    const struct lab_book *book;
    const struct lab_report *const *reports;
};

static void put_text(const struct index *index, const char *element, const char *class,
                     const struct lab_text *text)
{
    const char *const texts[2] = {lab_text_in(text, index->languages.words[0]),
                                  lab_text_in(text, index->languages.words[1])};
    page_pair(index->out, &index->languages, element, class, texts);
}

/* --- The article --- */

static int find(const struct lab_book *book, const char *name)
{
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->experiments[i]->name, name) == 0)
            return (int)i;
    return -1;
}

/* Whether all that try a sentence were run, and came out as they should. */
static bool is_tried(const struct index *index, const struct article_claim *claim)
{
    for (int i = 0; claim->by[i]; i++) {
        int at = find(index->book, claim->by[i]);
        if (at < 0 || index->reports[at]->status ||
            index->reports[at]->outcome != index->reports[at]->expected)
            return false;
    }
    return true;
}

static void print_claim(const struct index *index, const struct article_claim *claim)
{
    static const char *const words[] = {[ARTICLE_HOLDS] = N_("holds"),
                                        [ARTICLE_PARTLY] = N_("holds in part"),
                                        [ARTICLE_FAILS] = N_("does not hold")};
    static const char *const classes[] = {[ARTICLE_HOLDS] = "holds",
                                          [ARTICLE_PARTLY] = "partly",
                                          [ARTICLE_FAILS] = "fails"};
    struct buffer *out = index->out;
    bool tried = is_tried(index, claim);
    buffer_append_format(out, "<li class=\"%s\">\n",
                         tried ? classes[claim->verdict] : "open");
    put_text(index, "blockquote", NULL, &claim->sentence);
    buffer_append_text(out, "<p class=\"said\">");
    page_say(out, &index->languages, "strong",
             tried ? words[claim->verdict]
                   : N_("not tried here, or it came out otherwise"));
    put_text(index, "span", NULL, &claim->remark);
    for (int i = 0; claim->by[i]; i++) {
        int at = find(index->book, claim->by[i]);
        if (at < 0)
            continue;
        buffer_append_format(out, "<a href=\"%s.html\">", claim->by[i]);
        if (index->book->experiments[at]->number)
            buffer_append_format(out, "%d", index->book->experiments[at]->number);
        else
            markup_text(out, claim->by[i]);
        buffer_append_text(out, "</a>\n");
    }
    buffer_append_text(out, "</p></li>\n");
}

static int print_article(const struct index *index, struct error *err)
{
    struct article article;
    int status = article_read(&article, err);
    if (status)
        return status;
    buffer_append_text(index->out, "<section id=\"article\">\n");
    page_say(index->out, &index->languages, "h2", N_("The article, claim by claim"));
    page_say(index->out, &index->languages, "p",
             N_("woshou began as an article about how TCP opens with three segments and "
                "closes with four. These are its sentences that can be tried, with what "
                "came of it; the numbers lead to the experiments."));
    buffer_append_text(index->out, "<ol class=\"article\">\n");
    for (const struct article_claim *claim = article.claims; claim; claim = claim->next)
        print_claim(index, claim);
    buffer_append_text(index->out, "</ol>\n</section>\n");
    article_done(&article);
    return 0;
}

/* --- The experiments --- */

static void print_row(const struct index *index, size_t i)
{
    const struct experiment *experiment = index->book->experiments[i];
    const struct lab_report *report = index->reports[i];
    struct buffer *out = index->out;
    buffer_append_text(out, "<tr><td class=\"number\">");
    if (experiment->number)
        buffer_append_format(out, "%d", experiment->number);
    buffer_append_format(out, "</td><td class=\"title\"><a href=\"%s.html\">",
                         experiment->name);
    put_text(index, "span", NULL, &experiment->title);
    buffer_append_text(out, "</a>");
    if (report->status || report->outcome != report->expected) {
        const char *const reasons[2] = {report->reason[LAB_ENGLISH],
                                        report->reason[LAB_CHINESE]};
        page_pair(out, &index->languages, "span", "reason", reasons);
    }
    buffer_append_format(
        out, "</td><td class=\"%s\">",
        report->status ? "failed" : outcome_word((enum lab_outcome)report->outcome));
    page_say(out, &index->languages, "span",
             report->status ? N_("could not be run")
                            : lab_outcome_message((enum lab_outcome)report->outcome));
    buffer_append_format(out, "</td><td class=\"number\">%.1f</td></tr>\n",
                         (double)report->took_ns / NS_PER_S);
}

static void print_experiments(const struct index *index)
{
    static const char *const heads[] = {"", N_("experiment"), N_("claim"), N_("seconds")};
    struct buffer *out = index->out;
    buffer_append_text(out, "<section id=\"experiments\">\n");
    page_say(out, &index->languages, "h2", N_("The experiments"));
    buffer_append_text(out, "<div class=\"scroll\"><table class=\"list\"><thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        buffer_append_text(out, "<th scope=\"col\">");
        page_say(out, &index->languages, "span", heads[i]);
        buffer_append_text(out, "</th>");
    }
    buffer_append_text(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < index->book->count; i++)
        print_row(index, i);
    buffer_append_text(out, "</tbody></table></div>\n</section>\n");
}

/* --- Beliefs --- */

static void print_beliefs(const struct index *index)
{
    struct buffer *out = index->out;
    bool any = false;
    for (size_t i = 0; i < index->book->count; i++) {
        const struct experiment *experiment = index->book->experiments[i];
        const struct lab_report *report = index->reports[i];
        if (!experiment->belief.in[LAB_ENGLISH] || report->status ||
            report->outcome != OUTCOME_SUPPORTED)
            continue;
        if (!any) {
            buffer_append_text(out, "<section id=\"beliefs\">\n");
            page_say(out, &index->languages, "h2",
                     N_("What is often said, and is not so"));
            buffer_append_text(out, "<dl class=\"beliefs\">\n");
        }
        any = true;
        put_text(index, "dt", NULL, &experiment->belief);
        put_text(index, "dd", NULL,
                 experiment->finding.in[LAB_ENGLISH] ? &experiment->finding
                                                     : &experiment->claim);
        buffer_append_format(out, "<dd class=\"see\"><a href=\"%s.html\">",
                             experiment->name);
        put_text(index, "span", NULL, &experiment->title);
        buffer_append_text(out, "</a></dd>\n");
    }
    if (any)
        buffer_append_text(out, "</dl>\n</section>\n");
}

/* --- The page --- */

static void print_sum(const struct index *index)
{
    size_t supported = 0;
    char all[16], good[16];
    for (size_t i = 0; i < index->book->count; i++)
        supported +=
            !index->reports[i]->status && index->reports[i]->outcome == OUTCOME_SUPPORTED;
    snprintf(all, sizeof all, "%zu", index->book->count);
    snprintf(good, sizeof good, "%zu", supported);
    for (int i = 0; i < 2; i++) {
        const struct words *words = index->languages.words[i];
        const struct fill fills[] = {{"all", all}, {"good", good}};
        struct buffer text;
        buffer_init(&text, 0);
        fill_append(
            &text,
            words->say(N_("{good} of {all} claims are supported by what this kernel "
                          "did.")),
            fills, 2);
        buffer_append_format(index->out, "<p class=\"sum %s\" lang=\"%s\">",
                             page_classes[i], words->tag);
        markup_text(index->out, buffer_text(&text));
        buffer_append_text(index->out, "</p>\n");
        buffer_done(&text);
    }
}

int lab_book_index(const struct lab_book *book, const struct lab_report *const *reports,
                   struct error *err)
{
    static const char title[] = N_("TCP, tried: the laboratory's book");
    struct buffer page;
    struct index index = {.out = &page,
                          .languages = lab_book_languages(),
                          .book = book,
                          .reports = reports};
    buffer_init(&page, 0);
    page_open(&page, &index.languages, _(title));
    page_say(&page, &index.languages, "h1", title);
    page_say(
        &page, &index.languages, "p",
        N_("Claims about TCP's opening and closing, each tried on the real kernel: two "
           "hosts, real programs on both, and woshou as the wire between them, which "
           "can lose, hold, repeat and forge packets. What must be seen is said "
           "beforehand, and checked by the program."));
    print_sum(&index);
    buffer_append_text(&page, "</header>\n<main>\n");
    int status = print_article(&index, err);
    if (status) {
        buffer_done(&page);
        return status;
    }
    print_experiments(&index);
    print_beliefs(&index);
    lab_book_end(&page, book, false);
    return lab_book_write(book, "index.html", &page, 0, err);
}
