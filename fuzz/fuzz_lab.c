/* Any bytes, as a laboratory's script. What must hold: it is an experiment, or an error that
 * names the script; an experiment is whole, and so is each way to spoil it. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lab/experiment.h"
#include "lab/read.h"

#define require(holds) ((holds) ? (void)0 : stop(#holds))

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static size_t check_steps(const struct lab_steps *steps)
{
    size_t evidence = 0;
    const struct lab_step *last = NULL;
    for (const struct lab_step *step = steps->first; step; step = step->next) {
        require(step->line > 0);
        require(strlen(step->words) > 0);
        require(!strchr(step->words, '\n'));
        if (step->kind == STEP_EVIDENCE)
            evidence += !step->evidence.required;
        if (step->kind == STEP_SETTING)
            require(!strpbrk(step->setting.name, "/."));
        last = step;
    }
    require(steps->last == last);
    return evidence;
}

static void check_experiment(const struct experiment *experiment)
{
    require(experiment->name && experiment->name[0]);
    require(experiment->claim.in[LAB_ENGLISH] || experiment->claim.in[LAB_CHINESE]);
    require(experiment->parts);
    check_steps(&experiment->given);
    for (const struct lab_part *part = experiment->parts; part; part = part->next)
        require(check_steps(&part->steps) > 0);
}

static void check_spoilt(const struct experiment *experiment)
{
    for (const struct lab_sabotage *sabotage = experiment->sabotages; sabotage;
         sabotage = sabotage->next) {
        struct experiment *spoilt;
        require(experiment_spoil(experiment, sabotage, &spoilt) == 0);
        require(spoilt->outcome == sabotage->outcome);
        for (const struct lab_part *part = spoilt->parts; part; part = part->next)
            check_steps(&part->steps);
        experiment_free(&spoilt);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct experiment *experiment = NULL;
    struct error err = {0};
    int code = experiment_read("input", (const char *)bytes, length, &experiment, &err);
    if (code) {
        require(code == err.code);
        require(strncmp(err.sentence, "input:", 6) == 0);
        return 0;
    }
    check_experiment(experiment);
    check_spoilt(experiment);
    experiment_free(&experiment);
    return 0;
}
