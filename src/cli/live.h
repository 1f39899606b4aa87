/* A ladder in the terminal while it grows: rows are printed as soon as nothing can change
 * them any more. */
#ifndef WOSHOU_CLI_LIVE_H
#define WOSHOU_CLI_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "draw/text.h"
#include "wire/wire.h"

struct live {
    struct text_options options;
    size_t connections; /* how many stories there will be: their marks depend on it */
    size_t printed;     /* rows so far */
    bool headed;
    int failed; /* sticky: memory, or standard output */
};

/* Chooses width and colour by what standard output is. */
void live_begin(struct live *live, bool ascii, size_t connections);
/* Prints a title and a paragraph, English messages both, translated and wrapped. */
void live_title(struct live *live, const char *title, const char *text);
/* A wire's on_growth; `owner` is the struct live. */
void live_on_growth(void *owner, struct wire *wire);
/* Prints what is left of a stopped wire's ladder, and its verdicts; `wire` null: the
 * scene failed. 0, or a negative code. */
int live_end(struct live *live, const struct wire *wire);

#endif
