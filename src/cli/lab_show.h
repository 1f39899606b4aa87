/* What came of an experiment, in a terminal: claim, ladders, evidence, verdict, meaning. */
#ifndef WOSHOU_CLI_LAB_SHOW_H
#define WOSHOU_CLI_LAB_SHOW_H

#include <stdbool.h>

#include "lab/run.h"

struct buffer;
struct words;

struct lab_look {
    int width;
    bool ascii, colour;
    bool step; /* a form feed before each packet's row, to wait at */
    const struct words *words;
};

/* Appends it. 0 or ERROR_MEMORY, or the buffer's failure. */
int lab_show(struct buffer *out, const struct lab_result *result,
             const struct lab_look *look);

/* In pieces, for whoever shows one after the other: the title and the claim; the part's
 * title and its ladder's rows in lines, and its evidence; what it comes to. */
void lab_show_claim(struct buffer *out, const struct experiment *experiment,
                    const struct lab_look *look);
int lab_show_part(struct buffer *out, const struct lab_result *result, size_t part,
                  const struct lab_look *look);
void lab_show_evidence(struct buffer *out, const struct lab_part_result *part,
                       const struct lab_look *look);
void lab_show_verdict(struct buffer *out, const struct lab_result *result,
                      const struct lab_look *look);

#endif
