/* Reading a script: text in, an experiment out, or where it goes wrong. Pure. */
#ifndef WOSHOU_LAB_READ_H
#define WOSHOU_LAB_READ_H

#include <stddef.h>

struct error;
struct experiment;

/* A script may not be longer. */
enum { LAB_SCRIPT_MAX = 1 << 20 };

/* Reads UTF-8 text. `name` is what the error's sentence calls it: "my.lab:3:9: expected a
 * duration (20 ms, 1.5 s), not 'soon'", columns counted in characters from 1.
 * ERROR_CORRUPT, ERROR_LIMIT, or ERROR_MEMORY. */
int experiment_read(const char *name, const char *text, size_t length,
                    struct experiment **ret_experiment, struct error *err);

#endif
