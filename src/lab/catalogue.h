/* The experiments that come with the program: scripts like any other, embedded when it is
 * built (experiments/NN-name.lab). */
#ifndef WOSHOU_LAB_CATALOGUE_H
#define WOSHOU_LAB_CATALOGUE_H

#include <stddef.h>

struct error;
struct experiment;

struct lab_text_file {
    const char *name; /* "02-lost-syn.lab" */
    const char *text;
    size_t length;
};

/* In the order of their names. */
extern const struct lab_text_file lab_texts[];
extern const size_t lab_texts_count;
/* The article, claim by claim: one file. */
extern const struct lab_text_file lab_article[];
extern const size_t lab_article_count;

/* Reads the one at `index`. */
int catalogue_read(size_t index, struct experiment **ret_experiment, struct error *err);
/* The index of the experiment of that name, or number ("2", "02"); -1: there is none. */
int catalogue_find(const char *name);
/* Its name, "02-lost-syn.lab" being "lost-syn", into `ret_name`, and returns it. */
enum { CATALOGUE_NAME = 64 };
const char *catalogue_name(size_t index, char ret_name[CATALOGUE_NAME]);
/* The name that looks most like this one, or null where none looks much like it. */
const char *catalogue_nearest(const char *name, char ret_name[CATALOGUE_NAME]);

#endif
