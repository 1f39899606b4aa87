/* A part of an experiment as a ladder, with its evidence in the margin. */
#ifndef WOSHOU_CLI_LAB_DRAW_H
#define WOSHOU_CLI_LAB_DRAW_H

#include "draw/ladder.h"
#include "lab/run.h"

/* `ret_ladder` is null where there is nothing to draw. Of more connections than a ladder
 * has room for the first are drawn, and those that evidence rests on. 0 or ERROR_MEMORY. */
int lab_draw(const struct lab_part_result *part, const struct words *words,
             struct ladder **ret_ladder);

/* The number that a finding has in its part, from 1, and whether a note on the ladder
 * bears it. */
int lab_finding_number(const struct lab_part_result *part,
                       const struct lab_finding *finding);
bool lab_finding_drawn(const struct ladder *ladder, int number);

#endif
