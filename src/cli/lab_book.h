/* The book: an index whose first chapter is the article, claim by claim, and a page for
 * every experiment. Each is one HTML file that loads nothing and holds both languages. */
#ifndef WOSHOU_CLI_LAB_BOOK_H
#define WOSHOU_CLI_LAB_BOOK_H

#include "cli/lab_report.h"
#include "lab/run.h"

struct error;
struct page_languages;

struct lab_book {
    const char *folder; /* it is there */
    struct experiment *const *experiments;
    size_t count;
    enum wire_kind kind;
    int64_t delay_ns;
};

/* Writes NAME.html, of the experiment at `index`. */
int lab_book_chapter(const struct lab_book *book, size_t index,
                     const struct lab_result *result, struct error *err);
/* Writes index.html; `reports` are the experiments', in their order. */
int lab_book_index(const struct lab_book *book, const struct lab_report *const *reports,
                   struct error *err);

/* For both: English and 中文, the chosen one first; and the end of a page, with how it was
 * made, and with what the signs in pictures mean where there are some. */
struct page_languages lab_book_languages(void);
void lab_book_end(struct buffer *out, const struct lab_book *book, bool pictures);
/* Writes a page, whole or not at all, and frees it. */
int lab_book_write(const struct lab_book *book, const char *name, struct buffer *page,
                   int failed, struct error *err);

#endif
