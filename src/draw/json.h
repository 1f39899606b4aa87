/* A story as one line of JSON, for every program that reads us: doc/json.md has the
 * fields. The same whether it comes from a capture file, a live interface or the
 * laboratory. */
#ifndef WOSHOU_DRAW_JSON_H
#define WOSHOU_DRAW_JSON_H

#include <stdbool.h>

struct buffer;
struct story;
struct words;

/* Appends the story, by its verdict as of the last story_judge, and a newline; with its
 * events where `events`. "why" is in the language of `words`, all else never is. */
void json_story(const struct story *story, bool events, const struct words *words,
                struct buffer *buffer);

#endif
