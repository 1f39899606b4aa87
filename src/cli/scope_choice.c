#include "cli/scope_choice.h"

#include <stdlib.h>

static bool went_wrong(const struct verdict *verdict)
{
    bool opened = verdict->open == OPEN_THREE_WAY || verdict->open == OPEN_FAST_OPEN ||
                  verdict->open == OPEN_NOT_SEEN;
    if (!opened || verdict->close == CLOSE_RESET)
        return true;
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        if (verdict->anomalies[kind].count > 0)
            return true;
    return false;
}

static void add(struct scope_choice *choice, uint32_t id)
{
    size_t place = choice->count++;
    for (; place > 0 && choice->ids[place - 1] > id; place--)
        choice->ids[place] = choice->ids[place - 1];
    choice->ids[place] = id;
}

/* What went wrong, and the first of each shape. A flood of one kind leaves room for the
 * others: the first few of each kind and shape always find it. */
void scope_choice_see(struct scope_choice *choice, const struct story *story)
{
    enum { FEW = 5, RESERVED = 40 };
    const struct verdict *verdict = &story->verdict;
    bool *shape = &choice->shapes[verdict->open][verdict->close];
    uint64_t *kind = &choice->kinds[advice_of(story)];
    bool fresh = !*shape, wrong = went_wrong(verdict), few = wrong && *kind < FEW;
    size_t most = fresh || few ? CHOICE_MAX : CHOICE_MAX - RESERVED;

    *shape = true;
    *kind += wrong;
    choice->worth += fresh || wrong;
    if ((fresh || wrong) && choice->count < most)
        add(choice, story->id);
}

static int compare_ids(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

bool scope_choice_has(const struct scope_choice *choice, uint32_t id)
{
    return bsearch(&id, choice->ids, choice->count, sizeof id, compare_ids) != NULL;
}

bool scope_choice_keeps(void *owner, uint32_t id)
{
    return scope_choice_has(owner, id);
}

void scope_choice_story(void *owner, const struct story *story)
{
    struct scope_choice *choice = owner;
    if (!scope_choice_has(choice, story->id) || choice->kept == CHOICE_MAX)
        return;
    int code = story_copy(story, &choice->stories[choice->kept]);
    if (code)
        choice->failed = code;
    else
        choice->kept++;
}

void scope_choice_done(struct scope_choice *choice)
{
    for (size_t i = 0; i < choice->kept; i++)
        story_free(&choice->stories[i]);
    choice->kept = 0;
}
