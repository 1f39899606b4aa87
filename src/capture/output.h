/* Bytes of a capture file going out, into a file of their own beside the one they are for;
 * once all are there it is renamed into place. Nobody ever reads half of it, and on
 * failure what was at the path is as it was.
 *
 *     output_open
 *     output_append       again and again
 *     output_commit
 *     output_close        without a commit, nothing is left
 *
 * Failure is sticky: appends do nothing from then on, and the commit tells. */
#ifndef WOSHOU_CAPTURE_OUTPUT_H
#define WOSHOU_CAPTURE_OUTPUT_H

#include <stddef.h>

struct error;
struct output;

/* What is at the path may be an ordinary file, or nothing. */
int output_open(const char *path, struct output **ret_output, struct error *err);
void output_append(struct output *output, const void *bytes, size_t length);
/* Whether everything could be written so far: 0, or the code, and the sentence in `err`. */
int output_failure(const struct output *output, struct error *err);
int output_commit(struct output *output, struct error *err);
/* Closes it and leaves null; accepts null. */
void output_close(struct output **output);

#endif
