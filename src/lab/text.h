/* Texts in both languages, as scripts give them: "claim en: ...", and on over the lines
 * indented below. */
#ifndef WOSHOU_LAB_TEXT_H
#define WOSHOU_LAB_TEXT_H

#include <stdbool.h>

#include "lab/experiment.h"

struct reader;

/* The text that an indented line goes on with. */
struct text_reading {
    struct lab_text *text; /* null: none */
    enum lab_language language;
};

/* Reads "en: ..." or "zh: ..." from where the line stands. */
void text_begin(struct text_reading *reading, struct reader *reader,
                struct lab_text *text);
/* Whether the present line was the text's, and is done with; if not, the text has
 * ended. */
bool text_goes_on(struct text_reading *reading, struct reader *reader);

#endif
