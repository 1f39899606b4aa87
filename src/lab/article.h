/* The article woshou began as, claim by claim (article.txt): each sentence that can be
 * tried, the experiments that try it, and whether it holds where they come out as
 * expected. */
#ifndef WOSHOU_LAB_ARTICLE_H
#define WOSHOU_LAB_ARTICLE_H

#include <stddef.h>

#include "base/arena.h"
#include "lab/experiment.h"

struct error;

enum article_verdict { ARTICLE_HOLDS, ARTICLE_PARTLY, ARTICLE_FAILS };

enum { ARTICLE_BY_MAX = 6 };

struct article_claim {
    struct article_claim *next;
    struct lab_text sentence, remark;
    const char *by[ARTICLE_BY_MAX + 1]; /* experiments' names, up to a null */
    enum article_verdict verdict;
};

struct article {
    struct arena arena;
    struct article_claim *claims;
};

/* Reads it from what the program has with it. */
int article_read(struct article *ret_article, struct error *err);
void article_done(struct article *article);

/* Any text in the same form; `name` is for errors. */
int article_read_text(const char *name, const char *text, size_t length,
                      struct article *ret_article, struct error *err);

#endif
