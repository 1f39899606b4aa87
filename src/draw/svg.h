/* A ladder as an SVG picture: drawn from its layout, in one piece, with no outside font,
 * script or link. Light or dark as the reader's system is; line styles and words say all
 * that colours say. */
#ifndef WOSHOU_DRAW_SVG_H
#define WOSHOU_DRAW_SVG_H

#include <stdbool.h>

#include "draw/ladder.h"
#include "draw/words.h"

struct buffer;

struct svg_options {
    const char *title; /* for screen readers, in the language of the words; never null */
    const char *description; /* the same; never null */
    const char *id; /* unique in the document it stands in; letters, digits and '-' */
    const char
        *note_links;     /* where the notes' numbers lead, the number behind it: "e" for
                               "#e3", and their own ids are "e3-row"; null: nowhere */
    bool inline_in_page; /* its style stands in the page already (svg_style.h) */
};

/* Appends the picture of a ladder as an <svg> element; a standalone file unless it is
 * inline. The ladder's labels and `words` speak one language. Returns 0, ERROR_MEMORY or
 * the buffer's failure. */
int svg_ladder(struct buffer *out, const struct ladder *ladder, const struct words *words,
               const struct svg_options *options);

#endif
