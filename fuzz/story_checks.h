/* What holds of every story, whatever it was grown from. */
#ifndef WOSHOU_FUZZ_STORY_CHECKS_H
#define WOSHOU_FUZZ_STORY_CHECKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf.h"
#include "tcp/story.h"

#define require(holds) ((holds) ? (void)0 : stop(#holds))

static inline _Noreturn void stop(const char *what)
{
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* Events are in order, and texts are UTF-8 that ends within its room. */
static inline void check_events(const struct story *story)
{
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        require(i == 0 || story->events[i - 1].t_ns <= event->t_ns);
        if (event->kind != EVENT_PACKET)
            continue;
        const char *text = event->packet.text;
        size_t length = strnlen(text, sizeof event->packet.text);
        require(length < sizeof event->packet.text && utf8_valid(text, length));
    }
}

/* The verdict's words belong together. */
static inline void check_words(const struct story *story)
{
    const struct verdict *verdict = &story->verdict;
    bool never_opened = verdict->open != OPEN_THREE_WAY &&
                        verdict->open != OPEN_SIMULTANEOUS &&
                        verdict->open != OPEN_FAST_OPEN && verdict->open != OPEN_NOT_SEEN;

    require(never_opened == (verdict->close == CLOSE_NONE));
    require((verdict->closed_first == SIDE_BOTH) ==
            (verdict->close == CLOSE_SIMULTANEOUS));
    require(verdict->close != CLOSE_NOT_SEEN); /* no state was observed */
    require((verdict->reset_by != SIDE_NULL) ==
            (verdict->close == CLOSE_RESET || verdict->open == OPEN_ABORTED));
    require(verdict->start_ns <= verdict->end_ns);
    require(verdict->completeness < 64);
    require(strlen(verdict->zeek_state) > 0);
    require(strlen(verdict->zeek_history) < sizeof verdict->zeek_history);
}

/* And of a story that holds all of its packets. */
static inline void check_verdict(const struct story *story)
{
    const struct verdict *verdict = &story->verdict;
    check_words(story);
    require(verdict->packets <= story->event_count);
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        require(verdict->anomalies[kind].count <= verdict->packets);
}

/* Infers and judges, twice: the second time nothing may change. */
static inline void check_story(struct story *story)
{
    require(story_infer_states(story) == 0);
    story_judge(story);
    check_events(story);
    check_verdict(story);
    struct verdict once = story->verdict;
    size_t events = story->event_count;
    require(story_infer_states(story) == 0);
    story_judge(story);
    require(story->event_count == events);
    require(memcmp(&once, &story->verdict, sizeof once) == 0);
}

#endif
