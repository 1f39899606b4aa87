/* The beginning of a payload, where it reads as text: what a person recognises a packet
 * by. */
#ifndef WOSHOU_TCP_PREVIEW_H
#define WOSHOU_TCP_PREVIEW_H

#include <stddef.h>

struct segment;

/* Writes the payload's beginning into `text` (`size` bytes, the final 0 included), made
 * visible as base/visible.h says, and cut with an ellipsis at a whole character; "" where
 * the payload does not read as text. UTF-8 is text, and UTF-16LE, as the article's
 * programs send it; binary data happens to be well-formed as either now and then, so that
 * it must also look like text. */
void preview_payload(const struct segment *segment, char *text, size_t size);

#endif
