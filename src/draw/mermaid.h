/* A story as a Mermaid sequence diagram, for documents that draw those. */
#ifndef WOSHOU_DRAW_MERMAID_H
#define WOSHOU_DRAW_MERMAID_H

struct buffer;
struct story;
struct words;

void mermaid_story(const struct story *story, const struct words *words,
                   struct buffer *buffer);

#endif
