/* What came of an experiment, as one line of JSON:
 *
 *     {"experiment", "number", "title", "claim", "outcome", "expected", "as_expected",
 *      "reason", "belief", "finding", "sabotage", "wire", "took_ns",
 *      "parts": [{"part", "title", "outcome",
 *        "evidence": [{"line", "predicate", "required", "holds", "found", "t_ns",
 *                      "connection", "packet"}],
 *        "connections": [a connection as `woshou scope --json` and `demo` have it, with
 *                        its events]}]} */
#ifndef WOSHOU_CLI_LAB_JSON_H
#define WOSHOU_CLI_LAB_JSON_H

#include "lab/run.h"

struct buffer;
struct words;

/* Appends the line. `sabotage` is the name of the one that was tried, or null. Texts are
 * in the language of `words`, all else never is. */
int lab_json(struct buffer *out, const struct lab_result *result, const char *sabotage,
             const struct words *words);

#endif
