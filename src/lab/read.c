/* The whole of a script: what it says of itself, its parts, its sabotages. */
#include "lab/read.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf.h"
#include "lab/experiment.h"
#include "lab/read_step.h"
#include "lab/text.h"

/* Where the lines that come belong. */
struct place_in {
    struct reader reader;
    struct experiment *experiment;
    struct text_reading text;
    struct lab_text *title;        /* of what was begun last */
    struct lab_steps *steps;       /* where steps go; null: into a part of their own */
    struct lab_part *part;         /* the present one, or null */
    struct lab_sabotage *sabotage; /* the same */
    struct lab_step *evidence;     /* what a note belongs to, or null */
    struct lab_part **next_part;
    struct lab_sabotage **next_sabotage;
    struct lab_change *change; /* what `with` adds to, or null */
    struct lab_change **next_change;
};

/* Null: no such text; what a text that is given once belongs to. */
static struct lab_text *text_of(struct place_in *in, struct word word)
{
    struct experiment *experiment = in->experiment;
    if (word_is(word, "title"))
        return in->title;
    if (word_is(word, "claim"))
        return &experiment->claim;
    if (word_is(word, "meaning"))
        return &experiment->meaning;
    if (word_is(word, "belief"))
        return &experiment->belief;
    if (word_is(word, "finding"))
        return &experiment->finding;
    if (word_is(word, "note") && in->evidence)
        return &in->evidence->evidence.note;
    return NULL;
}

/* --- Steps, parts, sabotages --- */

static void append_step(struct lab_steps *steps, struct lab_step *step)
{
    if (steps->last)
        steps->last->next = step;
    else
        steps->first = step;
    steps->last = step;
}

static void begin_part(struct place_in *in, const char *name)
{
    struct lab_part *part = reader_alloc(&in->reader, sizeof *part);
    if (!part)
        return;
    part->name = name;
    part->line = in->reader.number;
    *in->next_part = part;
    in->next_part = &part->next;
    in->title = &part->title;
    in->steps = &part->steps;
    in->part = part;
    in->sabotage = NULL;
    in->evidence = NULL;
}

static void begin_sabotage(struct place_in *in)
{
    struct lab_sabotage *sabotage = reader_alloc(&in->reader, sizeof *sabotage);
    const char *name = reader_name(&in->reader, "the sabotage's name");
    if (!sabotage)
        return;
    sabotage->name = name;
    sabotage->line = in->reader.number;
    sabotage->outcome = OUTCOME_CONTRADICTED;
    *in->next_sabotage = sabotage;
    in->next_sabotage = &sabotage->next;
    in->next_change = &sabotage->changes;
    in->change = NULL;
    in->title = &sabotage->title;
    in->part = NULL;
    in->sabotage = sabotage;
    in->evidence = NULL;
}

static struct lab_change *begin_change(struct place_in *in)
{
    struct lab_change *change = reader_alloc(&in->reader, sizeof *change);
    if (!change)
        return NULL;
    change->line = in->reader.number;
    *in->next_change = change;
    in->next_change = &change->next;
    return in->change = change;
}

static void read_without(struct place_in *in)
{
    struct lab_change *change = begin_change(in);
    size_t length;
    if (!change)
        return;
    change->without = reader_string(&in->reader, &length);
    reader_expect_end(&in->reader);
}

/* What stands behind `with` is a step, in the place of what the `without` before it takes
 * away. */
static void read_with(struct place_in *in)
{
    struct reader *reader = &in->reader;
    struct word word = reader_peek(reader);
    if (!is_step(word) || word_is(word, "expect") || word_is(word, "require"))
        reader_fail(reader, word, "a step: a setting, a call, the wire, or wait");
    if (reader->failed || !(in->change || begin_change(in)))
        return;
    reader->line = word.at;
    struct lab_step *step = read_step(reader);
    if (step)
        append_step(&in->change->with, step);
}

static void read_outcome(struct place_in *in)
{
    struct word word = reader_take(&in->reader);
    enum lab_outcome *outcome =
        in->sabotage ? &in->sabotage->outcome : &in->experiment->outcome;
    for (int i = OUTCOME_SUPPORTED; i <= OUTCOME_NOT_PROVOKED; i++) {
        if (word_is(word, outcome_word((enum lab_outcome)i))) {
            *outcome = (enum lab_outcome)i;
            reader_expect_end(&in->reader);
            return;
        }
    }
    reader_fail(&in->reader, word, "supported, contradicted or not-provoked");
}

static void read_a_step(struct place_in *in)
{
    if (in->sabotage) {
        reader_fail(&in->reader, reader_peek(&in->reader),
                    "without, with or outcome: a sabotage has no steps of its own");
        return;
    }
    if (!in->steps)
        begin_part(in, "");
    struct lab_step *step = in->reader.failed ? NULL : read_step(&in->reader);
    if (!step)
        return;
    append_step(in->steps, step);
    in->evidence = step->kind == STEP_EVIDENCE ? step : NULL;
}

static void begin_given(struct place_in *in, struct word word)
{
    reader_expect_end(&in->reader);
    if (in->experiment->parts)
        reader_fail_say(&in->reader, word, "given belongs before the first part");
    in->steps = &in->experiment->given;
}

/* --- Lines --- */

static void read_line(struct place_in *in)
{
    struct reader *reader = &in->reader;
    struct experiment *experiment = in->experiment;
    if (text_goes_on(&in->text, reader))
        return;
    if (is_step(reader_peek(reader))) {
        read_a_step(in);
        return;
    }
    struct word word = reader_take(reader);
    struct lab_text *text = text_of(in, word);
    if (text) {
        text_begin(&in->text, reader, text);
    } else if (word_is(word, "experiment")) {
        if (experiment->name)
            reader_fail_say(reader, word, "the experiment has a name already");
        experiment->line = reader->number;
        experiment->name = reader_name(reader, "the experiment's name (lost-syn)");
        reader_expect_end(reader);
    } else if (word_is(word, "number")) {
        experiment->number = (int)reader_number(reader, 1, 999, "a number");
        reader_expect_end(reader);
    } else if (word_is(word, "takes")) {
        experiment->takes_ns = reader_duration(reader);
        reader_expect_end(reader);
    } else if (word_is(word, "given")) {
        begin_given(in, word);
    } else if (word_is(word, "part")) {
        begin_part(in, reader_name(reader, "the part's name"));
        reader_expect_end(reader);
    } else if (word_is(word, "needs") && in->part) {
        in->part->needs = reader_setting(reader);
        reader_expect_end(reader);
    } else if (word_is(word, "sabotage")) {
        begin_sabotage(in);
        reader_expect_end(reader);
    } else if (word_is(word, "outcome")) {
        read_outcome(in);
    } else if (word_is(word, "without") && in->sabotage) {
        read_without(in);
    } else if (word_is(word, "with") && in->sabotage) {
        read_with(in);
    } else if (word_is(word, "note")) {
        reader_fail_say(reader, word, "a note belongs below an expect or a require");
    } else {
        reader_fail(reader, word,
                    "a step, or experiment, number, title, claim, meaning, belief, "
                    "finding, outcome, takes, given, part, needs or sabotage");
    }
}

/* --- What must be there --- */

static bool has_evidence(const struct lab_steps *steps)
{
    for (const struct lab_step *step = steps->first; step; step = step->next)
        if (step->kind == STEP_EVIDENCE && !step->evidence.required)
            return true;
    return false;
}

static bool begins_with(const struct lab_steps *steps, const char *words)
{
    for (const struct lab_step *step = steps->first; step; step = step->next)
        if (strncmp(step->words, words, strlen(words)) == 0)
            return true;
    return false;
}

static void fail_at(struct reader *reader, int line, const char *sentence)
{
    if (!reader->failed)
        reader->failed = error_set(reader->err, ERROR_CORRUPT, "%s:%d:1: %s",
                                   reader->name, line ? line : 1, sentence);
}

static void check_sabotage(struct place_in *in, const struct lab_sabotage *sabotage)
{
    const struct experiment *experiment = in->experiment;
    if (!sabotage->changes)
        fail_at(&in->reader, sabotage->line, "this sabotage changes nothing");
    for (const struct lab_change *change = sabotage->changes; change;
         change = change->next) {
        bool found = !change->without || begins_with(&experiment->given, change->without);
        for (const struct lab_part *part = experiment->parts; part && !found;
             part = part->next)
            found = begins_with(&part->steps, change->without);
        if (!found)
            fail_at(&in->reader, change->line, "no step begins with these words");
    }
}

static void check(struct place_in *in)
{
    const struct experiment *experiment = in->experiment;
    struct reader *reader = &in->reader;
    if (!experiment->name)
        fail_at(reader, 1, "expected a line 'experiment NAME'");
    else if (!experiment->claim.in[LAB_ENGLISH] && !experiment->claim.in[LAB_CHINESE])
        fail_at(reader, experiment->line, "expected a line 'claim en: ...'");
    else if (!experiment->parts)
        fail_at(reader, experiment->line, "it has no steps");
    for (const struct lab_part *part = experiment->parts; part; part = part->next)
        if (!has_evidence(&part->steps))
            fail_at(reader, part->line, "nothing is expected here: no line 'expect ...'");
    for (const struct lab_sabotage *sabotage = experiment->sabotages; sabotage;
         sabotage = sabotage->next)
        check_sabotage(in, sabotage);
}

int experiment_read(const char *name, const char *text, size_t length,
                    struct experiment **ret_experiment, struct error *err)
{
    if (length > LAB_SCRIPT_MAX)
        return error_set(err, ERROR_LIMIT, "%s: a script of more than %d bytes", name,
                         LAB_SCRIPT_MAX);
    if (!utf8_valid(text, length) || memchr(text, '\0', length))
        return error_set(err, ERROR_CORRUPT, "%s: no text in UTF-8", name);
    struct experiment *experiment = calloc(1, sizeof *experiment);
    if (!experiment)
        return error_set(err, ERROR_MEMORY, "no memory for a script");
    arena_init(&experiment->arena, 0);
    struct place_in in = {.experiment = experiment,
                          .title = &experiment->title,
                          .next_part = &experiment->parts,
                          .next_sabotage = &experiment->sabotages};
    reader_begin(&in.reader, name, text, length, &experiment->arena, err);
    while (reader_next_line(&in.reader))
        read_line(&in);
    if (!in.reader.failed)
        check(&in);
    if (in.reader.failed)
        experiment_free(&experiment);
    else
        *ret_experiment = experiment;
    return in.reader.failed;
}
