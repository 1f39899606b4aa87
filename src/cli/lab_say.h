/* What came of an experiment, in words. */
#ifndef WOSHOU_CLI_LAB_SAY_H
#define WOSHOU_CLI_LAB_SAY_H

#include "draw/words.h"
#include "lab/run.h"

struct buffer;

/* A text in the language of `words`, or in the other where it has but one; "" without
 * any. */
const char *lab_text_in(const struct lab_text *text, const struct words *words);

/* English messages: "supported", "contradicted", "not provoked". */
const char *lab_outcome_message(enum lab_outcome outcome);

/* What a script expected, as it says it, without "expect". */
const char *lab_predicate(const struct lab_step *step);

/* "seen at 1023.8 ms, packet 2"; "it never came"; "it returned ECONNREFUSED instead". */
void lab_say_finding(struct buffer *out, const struct lab_finding *finding,
                     const struct words *words);

/* Why it came out as it did, where it was not supported: a sentence without a full stop;
 * nothing else. */
void lab_say_reason(struct buffer *out, const struct lab_result *result,
                    const struct words *words);

/* The part's title, "" where the experiment has but one without a title. */
const char *lab_part_title(const struct lab_part *part, const struct words *words);

#endif
