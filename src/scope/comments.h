/* Findings as comments on a capture's packets: on the first packet that a verdict rests on,
 * and on the one that ended it badly, the whole verdict and what to check; on the others
 * what each is to it.
 *
 *     comments_new
 *     comments_add        each story, in any order
 *     comments_sort
 *     comments_of         each packet, by ascending number
 *     comments_free
 *
 * Of bounded size: connections that come when it is full are only counted. */
#ifndef WOSHOU_SCOPE_COMMENTS_H
#define WOSHOU_SCOPE_COMMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

struct buffer;
struct comments;
struct words;

/* `words` is borrowed until comments_free. 0, or ERROR_MEMORY. */
int comments_new(const struct words *words, struct comments **ret_comments);
/* Frees it and leaves null; accepts null. */
void comments_free(struct comments **comments);

void comments_add(struct comments *comments, const struct story *story);
void comments_sort(struct comments *comments);

/* Appends the comment for a packet, one line for each thing it shows; false where there is
 * none. Numbers must ascend from call to call. */
bool comments_of(struct comments *comments, uint64_t number, struct buffer *buffer);

/* Connections there was no room for. */
uint64_t comments_left_out(const struct comments *comments);

#endif
