/* Long runs of plain data and its acknowledgements, taken together, for a picture: flags,
 * losses, repetitions, windows that close, and whatever evidence rests on are never part of
 * one. Pure. */
#ifndef WOSHOU_LAB_COLLAPSE_H
#define WOSHOU_LAB_COLLAPSE_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/story.h"

/* Whether a packet must keep its row. */
struct collapse_keep {
    bool (*keeps)(const void *owner, uint64_t packet);
    const void *owner;
};

/* A copy of the story with its long runs as EVENT_RUN; freed with story_free. 0 or
 * ERROR_MEMORY. */
int collapse_story(const struct story *story, const struct collapse_keep *keep,
                   struct story **ret_story);

#endif
