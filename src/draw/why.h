/* A story in one or two sentences that a person understands: how it opened, how it
 * closed, what went wrong. "opened three-way in 40.1 ms, inside connect(); closed by the
 * server in three segments; the server waits 60 s in TIME_WAIT". */
#ifndef WOSHOU_DRAW_WHY_H
#define WOSHOU_DRAW_WHY_H

struct buffer;
struct story;
struct words;

/* Appends it, by the story's verdict as of the last story_judge, without a final full
 * stop. */
void why_story(const struct story *story, const struct words *words,
               struct buffer *buffer);

#endif
