/* A part of an experiment as a ladder, with its evidence in the margin. */
#ifndef WOSHOU_CLI_LAB_DRAW_H
#define WOSHOU_CLI_LAB_DRAW_H

#include "draw/ladder.h"
#include "lab/run.h"

/* A ladder, and the stories it borrows, long runs of data taken together. */
struct lab_drawing {
    struct ladder *ladder; /* null: there is nothing to draw */
    struct story *stories[LADDER_STORIES_MAX];
};

/* Of more connections than a ladder has room for the first are drawn, and those that
 * evidence rests on. 0 or ERROR_MEMORY. */
int lab_draw(const struct lab_part_result *part, const struct words *words,
             struct lab_drawing *ret_drawing);
void lab_drawing_done(struct lab_drawing *drawing);

/* The number that a finding has in its part, from 1, and whether a note on the ladder
 * bears it. */
int lab_finding_number(const struct lab_part_result *part,
                       const struct lab_finding *finding);
bool lab_finding_drawn(const struct ladder *ladder, int number);

#endif
