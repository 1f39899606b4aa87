#include "lab/experiment.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void experiment_free(struct experiment **experiment)
{
    if (!*experiment)
        return;
    arena_done(&(*experiment)->arena);
    free(*experiment);
    *experiment = NULL;
}

const char *outcome_word(enum lab_outcome outcome)
{
    static const char *const words[] = {[OUTCOME_SUPPORTED] = "supported",
                                        [OUTCOME_CONTRADICTED] = "contradicted",
                                        [OUTCOME_NOT_PROVOKED] = "not-provoked"};
    return words[outcome];
}

/* --- Sabotage --- */

/* The change that takes a step away, or null. */
static const struct lab_change *change_of(const struct lab_sabotage *sabotage,
                                          const struct lab_step *step)
{
    const struct lab_change *change = sabotage->changes;
    while (change && !(change->without && strncmp(step->words, change->without,
                                                  strlen(change->without)) == 0))
        change = change->next;
    return change;
}

static int append_copy(struct arena *arena, struct lab_steps *steps,
                       const struct lab_step *step)
{
    struct lab_step *copy = arena_alloc(arena, sizeof *copy);
    if (!copy)
        return ERROR_MEMORY;
    *copy = *step;
    copy->next = NULL;
    if (steps->last)
        steps->last->next = copy;
    else
        steps->first = copy;
    steps->last = copy;
    return 0;
}

static int append_all(struct arena *arena, const struct lab_steps *from,
                      struct lab_steps *to)
{
    int failed = 0;
    for (const struct lab_step *step = from->first; step && !failed; step = step->next)
        failed = append_copy(arena, to, step);
    return failed;
}

static int copy_steps(struct arena *arena, const struct lab_steps *from,
                      const struct lab_sabotage *sabotage, struct lab_steps *to)
{
    int failed = 0;
    for (const struct lab_step *step = from->first; step && !failed; step = step->next) {
        const struct lab_change *change = change_of(sabotage, step);
        failed =
            change ? append_all(arena, &change->with, to) : append_copy(arena, to, step);
    }
    return failed;
}

static int add_steps(struct arena *arena, const struct lab_sabotage *sabotage,
                     struct lab_steps *to)
{
    int failed = 0;
    for (const struct lab_change *change = sabotage->changes; change && !failed;
         change = change->next)
        if (!change->without)
            failed = append_all(arena, &change->with, to);
    return failed;
}

int experiment_spoil(const struct experiment *experiment,
                     const struct lab_sabotage *sabotage, struct experiment **ret_spoilt)
{
    struct experiment *spoilt = malloc(sizeof *spoilt);
    if (!spoilt)
        return ERROR_MEMORY;
    *spoilt = *experiment;
    arena_init(&spoilt->arena, 0);
    spoilt->outcome = sabotage->outcome;
    spoilt->given = (struct lab_steps){0};
    spoilt->parts = NULL;
    int failed = copy_steps(&spoilt->arena, &experiment->given, sabotage, &spoilt->given);
    struct lab_part **next = &spoilt->parts;
    for (const struct lab_part *part = experiment->parts; part && !failed;
         part = part->next) {
        struct lab_part *copy = arena_alloc(&spoilt->arena, sizeof *copy);
        if (!copy) {
            failed = ERROR_MEMORY;
            break;
        }
        *copy = *part;
        copy->next = NULL;
        copy->steps = (struct lab_steps){0};
        *next = copy;
        next = &copy->next;
        failed = add_steps(&spoilt->arena, sabotage, &copy->steps);
        if (!failed)
            failed = copy_steps(&spoilt->arena, &part->steps, sabotage, &copy->steps);
    }
    if (failed)
        experiment_free(&spoilt);
    else
        *ret_spoilt = spoilt;
    return failed;
}
