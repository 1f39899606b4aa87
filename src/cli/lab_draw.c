#include "cli/lab_draw.h"

#include <stdlib.h>

#include "base/error.h"
#include "cli/lab_say.h"
#include "draw/note.h"
#include "lab/collapse.h"

int lab_finding_number(const struct lab_part_result *part,
                       const struct lab_finding *finding)
{
    return (int)(finding - part->findings) + 1;
}

bool lab_finding_drawn(const struct ladder *ladder, int number)
{
    for (size_t i = 0; ladder && i < ladder->note_count; i++)
        if (ladder->notes[i].number == number)
            return true;
    return false;
}

/* Which stories are drawn: evidence's first, then from the beginning; in their order. */
static size_t choose(const struct lab_part_result *part,
                     const struct story *ret_stories[LADDER_STORIES_MAX],
                     int *ret_index_of)
{
    size_t chosen = 0;
    for (size_t i = 0; i < part->story_count; i++)
        ret_index_of[i] = -1;
    for (size_t i = 0; i < part->finding_count; i++) {
        int story = part->findings[i].sight.story;
        if (story >= 0 && (size_t)story < part->story_count && ret_index_of[story] < 0 &&
            chosen < LADDER_STORIES_MAX) {
            ret_index_of[story] = 0;
            chosen++;
        }
    }
    /* The rest is more of the same: three of them show what it is. */
    size_t most =
        part->story_count > LADDER_STORIES_MAX ? chosen + 3 : LADDER_STORIES_MAX;
    for (size_t i = 0; i < part->story_count && chosen < most; i++) {
        if (ret_index_of[i] < 0 && chosen < LADDER_STORIES_MAX) {
            ret_index_of[i] = 0;
            chosen++;
        }
        if (chosen == LADDER_STORIES_MAX)
            break;
    }
    size_t count = 0;
    for (size_t i = 0; i < part->story_count; i++) {
        if (ret_index_of[i] < 0)
            continue;
        ret_index_of[i] = (int)count;
        ret_stories[count++] = part->stories[i];
    }
    return count;
}

static bool wish_for(const struct lab_part_result *part,
                     const struct lab_finding *finding, const int *index_of,
                     const struct words *words, struct note_wish *ret_wish)
{
    const struct sight *sight = &finding->sight;
    const char *text = lab_text_in(&finding->step->evidence.note, words);
    if (sight->kind == SIGHT_NONE || finding->found == FOUND_UNSEEN)
        return false;
    *ret_wish = (struct note_wish){
        .story = sight->story < 0 ? -1 : index_of[sight->story],
        .t_ns = sight->t_ns,
        .place = sight->place,
        .packet = sight->number,
        .state = sight->state,
        .call = lab_call_word(finding->step->evidence.call),
        .number = lab_finding_number(part, finding),
        .text = *text ? text : NULL,
        .wrong = finding->found != FOUND,
        .about = sight->kind == SIGHT_PACKET  ? NOTE_PACKET
                 : sight->kind == SIGHT_STATE ? NOTE_STATE
                                              : NOTE_RETURN,
    };
    return sight->story < 0 || index_of[sight->story] >= 0;
}

static int put_notes(struct ladder *ladder, const struct lab_part_result *part,
                     const int *index_of, const struct words *words)
{
    struct note_wish *wishes = calloc(part->finding_count + 1, sizeof *wishes);
    size_t count = 0;
    if (!wishes)
        return ERROR_MEMORY;
    for (size_t i = 0; i < part->finding_count; i++)
        count += wish_for(part, &part->findings[i], index_of, words, &wishes[count]);
    int failed = ladder_put_notes(ladder, wishes, count);
    free(wishes);
    return failed;
}

/* Whether evidence rests on a packet. */
static bool bears_evidence(const void *owner, uint64_t packet)
{
    const struct lab_part_result *part = owner;
    for (size_t i = 0; i < part->finding_count; i++) {
        const struct sight *sight = &part->findings[i].sight;
        if (sight->kind == SIGHT_PACKET && sight->number == packet)
            return true;
    }
    return false;
}

static int collapse_all(const struct lab_part_result *part, const struct story **stories,
                        size_t count, struct lab_drawing *drawing)
{
    struct collapse_keep keep = {bears_evidence, part};
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++) {
        failed = collapse_story(stories[i], &keep, &drawing->stories[i]);
        stories[i] = drawing->stories[i];
    }
    return failed;
}

int lab_draw(const struct lab_part_result *part, const struct words *words,
             struct lab_drawing *ret_drawing)
{
    const struct story *stories[LADDER_STORIES_MAX];
    struct lab_drawing drawing = {.ladder = NULL};
    int *index_of = calloc(part->story_count + 1, sizeof *index_of);
    if (!index_of)
        return ERROR_MEMORY;
    size_t count = choose(part, stories, index_of);
    int failed = collapse_all(part, stories, count, &drawing);
    if (count && !failed)
        failed = ladder_new(stories, count, words, &drawing.ladder);
    if (drawing.ladder && !failed)
        failed = put_notes(drawing.ladder, part, index_of, words);
    free(index_of);
    if (failed)
        lab_drawing_done(&drawing);
    else
        *ret_drawing = drawing;
    return failed;
}

void lab_drawing_done(struct lab_drawing *drawing)
{
    ladder_free(&drawing->ladder);
    for (int i = 0; i < LADDER_STORIES_MAX; i++)
        story_free(&drawing->stories[i]);
}
