/* What all our pages have in common: head and style, the switch between two languages
 * that needs no script, texts that stand there in both, and how the page was made. The
 * body of a page is its own. */
#ifndef WOSHOU_DRAW_PAGE_FRAME_H
#define WOSHOU_DRAW_PAGE_FRAME_H

#include <stddef.h>

#include "draw/words.h"

struct buffer;

struct page_languages {
    const struct words *words[2]; /* their `tag`s differ */
    const char *names[2];         /* each in its own language: "English", "中文" */
    int first;                    /* the one shown at first: 0 or 1 */
};

/* How the page was made: "kernel", "6.1.0". English messages; unknown ones come out as
 * they are. */
struct page_fact {
    const char *name, *value;
};

/* The class of what stands there in language 0 or 1: the style sheet hides the one that is
 * not chosen. */
extern const char *const page_classes[2];

/* A message in a language; "" is itself. */
const char *page_message(const struct words *words, const char *message);

/* From the beginning to <header> and the switch in it; `title` is in the first language. */
void page_open(struct buffer *out, const struct page_languages *languages,
               const char *title);
/* <element>message</element>, in both languages. */
void page_say(struct buffer *out, const struct page_languages *languages,
              const char *element, const char *message);
/* The same of two texts, each in its own language; `class` is one more, or null. */
void page_pair(struct buffer *out, const struct page_languages *languages,
               const char *element, const char *class, const char *const texts[2]);
void page_facts(struct buffer *out, const struct page_languages *languages,
                const struct page_fact *facts, size_t count);

#endif
