/* Which connections of a capture are worth a ladder: those that went wrong, and the first
 * of each shape there is. A first reading chooses, a second keeps their events. */
#ifndef WOSHOU_CLI_SCOPE_CHOICE_H
#define WOSHOU_CLI_SCOPE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "draw/advice.h"

enum { CHOICE_MAX = 100 };

struct scope_choice {
    uint32_t ids[CHOICE_MAX]; /* ascending */
    struct story *stories[CHOICE_MAX];
    size_t count;   /* of ids */
    size_t kept;    /* of stories */
    uint64_t worth; /* connections that were worth one, with room for them or not */
    bool shapes[OPEN_NOT_SEEN + 1][CLOSE_NONE + 1]; /* seen already */
    uint64_t kinds[ADVICE_NONE + 1];                /* how many went wrong so */
    int failed;
};

/* The first reading: each connection. */
void scope_choice_see(struct scope_choice *choice, const struct story *story);
bool scope_choice_has(const struct scope_choice *choice, uint32_t id);
/* The second: which to keep, and those kept. The owner is the choice. */
bool scope_choice_keeps(void *owner, uint32_t id);
void scope_choice_story(void *owner, const struct story *story);
void scope_choice_done(struct scope_choice *choice);

#endif
