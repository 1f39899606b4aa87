/* A story in one or two sentences that a person understands: how it opened, how it
 * closed, what went wrong. "opened three-way in 40.1 ms, inside connect(); closed by the
 * server in three segments; the server waits 60 s in TIME_WAIT". */
#ifndef WOSHOU_DRAW_WHY_H
#define WOSHOU_DRAW_WHY_H

#include "tcp/story.h"

struct buffer;
struct words;

/* Appends it, by the story's verdict as of the last story_judge, without a final full
 * stop. Of a capture each part names the packets that show it: "(packets 1, 2, 3)". */
void why_story(const struct story *story, const struct words *words,
               struct buffer *buffer);

/* What one packet shows that is an anomaly: "the SYN was sent again". A message. */
const char *why_anomaly(enum anomaly_kind kind);

#endif
