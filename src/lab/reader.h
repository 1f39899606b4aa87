/* A script's lines and words, for the files that read it: one line at a time, words from
 * left to right, and one place where all goes wrong. */
#ifndef WOSHOU_LAB_READER_H
#define WOSHOU_LAB_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct error;

struct word {
    const char *at; /* in the script; null: the line has ended */
    size_t length;
};

struct reader {
    const char *name;
    const char *text, *end;
    const char *line, *line_end; /* the present one, without what stands around */
    const char *at;              /* the next word is here, or behind blanks */
    const char *next;            /* the next line begins here */
    int number;                  /* of the present line, from 1 */
    bool indented;               /* it begins with a blank */
    struct arena *arena;
    struct error *err;
    int failed; /* sticky */
};

/* Before the first line. The text is borrowed; memory is the arena's. */
void reader_begin(struct reader *reader, const char *name, const char *text,
                  size_t length, struct arena *arena, struct error *err);

/* Moves on to the next line that says something; false at the end, or after a failure. */
bool reader_next_line(struct reader *reader);

/* The next word without taking it. A word is a run without blanks; a string in quotes is
 * one word. */
struct word reader_peek(struct reader *reader);
struct word reader_take(struct reader *reader);
bool word_is(struct word word, const char *text);
/* Takes the next word if it is this one. */
bool reader_accept(struct reader *reader, const char *text);
/* What is left of the line, copied. */
const char *reader_rest(struct reader *reader);
const char *reader_copy(struct reader *reader, struct word word);
/* Fails unless the line ends here. */
void reader_expect_end(struct reader *reader);

/* Each fails, and gives 0 or "", where something else stands. */
int64_t reader_number(struct reader *reader, int64_t least, int64_t most,
                      const char *what);
int64_t reader_duration(struct reader *reader);
const char *reader_string(struct reader *reader, size_t *ret_length);
/* A name: a lower-case letter, then lower-case letters, digits and '-'. */
bool word_is_name(struct word word);
const char *reader_name(struct reader *reader, const char *what);

/* "expected WHAT, not 'WORD'", at that word. The first failure stays. */
void reader_fail(struct reader *reader, struct word at, const char *expected);
/* Another sentence, at that word. */
void reader_fail_say(struct reader *reader, struct word at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Memory from the arena; null is a failure, noted. */
void *reader_alloc(struct reader *reader, size_t size);

#endif
