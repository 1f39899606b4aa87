#include "draw/page_overview.h"

#include <string.h>

#include "base/buffer.h"
#include "draw/markup.h"
#include "draw/page.h"
#include "draw/words.h"

static const char *const classes[2] = {"l0", "l1"};

static void open_element(struct buffer *out, const struct page *page, int language,
                         const char *element, const char *class)
{
    buffer_append_format(out, "<%s class=\"%s%s%s\" lang=\"%s\">", element, class,
                         *class ? " " : "", classes[language],
                         page->words[language]->tag);
}

static void say_both(struct buffer *out, const struct page *page, const char *element,
                     const char *message)
{
    for (int i = 0; i < 2; i++) {
        open_element(out, page, i, element, "");
        markup_text(out, page->words[i]->say(message));
        buffer_append_format(out, "</%s>\n", element);
    }
}

static void print_summary(struct buffer *out, const struct page *page,
                          const struct page_overview *overview)
{
    for (int i = 0; i < 2; i++) {
        open_element(out, page, i, "ul", "summary");
        for (const char *line = overview->summary[i]; *line;) {
            size_t length = strcspn(line, "\n");
            buffer_append_text(out, "<li>");
            markup_part(out, line, length);
            buffer_append_text(out, "</li>\n");
            line += length + (line[length] == '\n');
        }
        buffer_append_text(out, "</ul>\n");
    }
}

static void print_findings(struct buffer *out, const struct page *page,
                           const struct page_overview *overview)
{
    if (overview->finding_count == 0)
        return;
    say_both(out, page, "h2", N_("What went wrong, and what to check"));
    for (int i = 0; i < 2; i++) {
        open_element(out, page, i, "dl", "findings");
        for (size_t k = 0; k < overview->finding_count; k++) {
            const struct page_finding *finding = &overview->findings[k];
            buffer_append_text(out, "<dt>");
            markup_text(out, finding->title[i]);
            buffer_append_text(out, "</dt><dd>");
            markup_text(out, page->words[i]->say(finding->text));
            buffer_append_text(out, "</dd>\n");
        }
        buffer_append_text(out, "</dl>\n");
    }
}

static void print_row(struct buffer *out, const struct page_list *list,
                      const struct page_row *row)
{
    const char *cell = row->cells;
    buffer_append_format(out, "<tr%s%s%s>", *row->tone ? " class=\"" : "", row->tone,
                         *row->tone ? "\"" : "");
    for (size_t i = 0; i < list->column_count; i++, cell += strlen(cell) + 1) {
        bool links = i == 0 && row->link;
        buffer_append_text(out, list->numbers[i] ? "<td class=\"number\">" : "<td>");
        if (links) {
            buffer_append_text(out, "<a href=\"#");
            markup_text(out, row->link);
            buffer_append_text(out, "\">");
        }
        markup_text(out, cell);
        buffer_append_text(out, links ? "</a></td>" : "</td>");
    }
    buffer_append_text(out, "</tr>\n");
}

static void print_list(struct buffer *out, const struct page *page,
                       const struct page_list *list)
{
    say_both(out, page, "h2", list->title);
    for (int i = 0; i < 2 && list->note[i]; i++) {
        open_element(out, page, i, "p", "");
        markup_text(out, list->note[i]);
        buffer_append_text(out, "</p>\n");
    }
    buffer_append_text(out, "<div class=\"scroll tall\" tabindex=\"0\"><table "
                            "class=\"list\"><thead><tr>");
    for (size_t i = 0; i < list->column_count; i++) {
        buffer_append_format(out, "<th scope=\"col\"%s>",
                             list->numbers[i] ? " class=\"number\"" : "");
        say_both(out, page, "span", list->headings[i]);
        buffer_append_text(out, "</th>");
    }
    buffer_append_text(out, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < list->row_count; i++)
        print_row(out, list, &list->rows[i]);
    buffer_append_text(out, "</tbody></table></div>\n");
}

void page_overview(struct buffer *out, const struct page *page,
                   const struct page_overview *overview)
{
    print_summary(out, page, overview);
    buffer_append_text(out, "<section id=\"findings\">\n");
    print_findings(out, page, overview);
    print_list(out, page, &overview->list);
    buffer_append_text(out, "</section>\n");
}
