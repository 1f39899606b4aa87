/* A page: one self-contained HTML file with several scenes, each a ladder with what it
 * comes to in words and its events as a table. Everything is there in two languages; the
 * reader chooses by a switch that needs no script. The page loads nothing and runs
 * nothing, and forbids both to itself.
 *
 * Texts are English messages and said through both `words`; "" and unknown ones come out
 * as they are. All pointers are borrowed during page_print only. */
#ifndef WOSHOU_DRAW_PAGE_H
#define WOSHOU_DRAW_PAGE_H

#include <stddef.h>

#include "draw/page_frame.h"
#include "draw/page_overview.h"
#include "draw/words.h"
#include "tcp/story.h"

struct buffer;

struct page_scene {
    const char *id; /* unique in the page: letters, digits, '-' */
    const char *title;
    const char *intro;                  /* what happens here and why: a paragraph */
    const struct story *const *stories; /* judged; drawn as one ladder */
    size_t story_count;                 /* 1 to 9; 0: nothing to draw, see `absent` */
    const char *absent;                 /* why nothing could be drawn, or null */
};

struct page {
    const struct words *words[2]; /* the languages; their `tag`s differ */
    const char *names[2];         /* each in its own language: "English", "中文" */
    int first;                    /* the one shown at first: 0 or 1 */
    const char *title;
    const char *intro;
    const struct page_overview *overview; /* or null: the scenes' titles are listed */
    const struct page_scene *scenes;
    size_t scene_count;
    const char *const *notes; /* what could not be shown on this machine, and why */
    size_t note_count;
    const struct page_fact *facts;
    size_t fact_count;
};

/* Appends the page. 0, ERROR_ARGUMENT for a scene of more than 9 stories, ERROR_MEMORY,
 * or the buffer's failure. */
int page_print(struct buffer *out, const struct page *page);

#endif
