#include "draw/page_frame.h"

#include "base/buffer.h"
#include "draw/markup.h"
#include "draw/page_style.h"

const char *const page_classes[2] = {"l0", "l1"};

const char *page_message(const struct words *words, const char *message)
{
    /* A catalogue's empty message is its header. */
    return message[0] ? words->say(message) : "";
}

/* The radio buttons come first of all, so that everything after can follow their
 * state. */
static void print_switch(struct buffer *out, const struct page_languages *languages)
{
    for (int i = 0; i < 2; i++) {
        buffer_append_format(out,
                             "<input class=\"pick\" type=\"radio\" name=\"language\" "
                             "id=\"language-%d\"%s>\n",
                             i, i == languages->first ? " checked" : "");
    }
    buffer_append_text(out, "<header>\n<div class=\"switch\">");
    for (int i = 0; i < 2; i++) {
        buffer_append_format(out, "<label for=\"language-%d\" lang=\"%s\">", i,
                             languages->words[i]->tag);
        markup_text(out, languages->names[i]);
        buffer_append_text(out, "</label>");
    }
    buffer_append_text(out, "</div>\n");
}

void page_open(struct buffer *out, const struct page_languages *languages,
               const char *title)
{
    buffer_append_format(out, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n",
                         languages->words[languages->first]->tag);
    buffer_append_text(
        out, "<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
             "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    markup_text(out, title);
    buffer_append_text(out, "</title>\n<style>\n");
    page_style(out);
    buffer_append_text(out, "</style>\n</head>\n<body>\n");
    print_switch(out, languages);
}

void page_pair(struct buffer *out, const struct page_languages *languages,
               const char *element, const char *class, const char *const texts[2])
{
    for (int i = 0; i < 2; i++) {
        buffer_append_format(out, "<%s class=\"%s%s%s\" lang=\"%s\">", element,
                             page_classes[i], class ? " " : "", class ? class : "",
                             languages->words[i]->tag);
        markup_text(out, texts[i]);
        buffer_append_format(out, "</%s>\n", element);
    }
}

void page_say(struct buffer *out, const struct page_languages *languages,
              const char *element, const char *message)
{
    const char *const texts[2] = {page_message(languages->words[0], message),
                                  page_message(languages->words[1], message)};
    page_pair(out, languages, element, NULL, texts);
}

void page_facts(struct buffer *out, const struct page_languages *languages,
                const struct page_fact *facts, size_t count)
{
    for (int i = 0; i < 2; i++) {
        const struct words *words = languages->words[i];
        buffer_append_format(out, "<dl class=\"facts %s\" lang=\"%s\">\n",
                             page_classes[i], words->tag);
        for (size_t k = 0; k < count; k++) {
            buffer_append_text(out, "<dt>");
            markup_text(out, page_message(words, facts[k].name));
            buffer_append_text(out, "</dt><dd>");
            markup_text(out, page_message(words, facts[k].value));
            buffer_append_text(out, "</dd>\n");
        }
        buffer_append_text(out, "</dl>\n");
    }
}
