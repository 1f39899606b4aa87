#include "scope/failures.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/paragraph.h"
#include "draw/fill.h"
#include "draw/words.h"

/* --- adding --- */

/* Stories come out as they end; those with the lowest ids are to be named. */
static void add_first(struct failure *failure, const struct story *story,
                      const struct evidence *evidence)
{
    int place = FAILURE_FIRST;
    while (place > 0 && (failure->first[place - 1].id == 0 ||
                         failure->first[place - 1].id > story->id))
        place--;
    if (place == FAILURE_FIRST)
        return;
    memmove(&failure->first[place + 1], &failure->first[place],
            (size_t)(FAILURE_FIRST - 1 - place) * sizeof failure->first[0]);
    uint32_t kept =
        evidence->kept < FAILURE_PACKETS ? evidence->kept : (uint32_t)FAILURE_PACKETS;
    failure->first[place].id = story->id;
    failure->first[place].packet_count = (uint8_t)kept;
    failure->first[place].more = evidence->count > kept;
    memcpy(failure->first[place].packets, evidence->packets,
           kept * sizeof evidence->packets[0]);
}

void failures_add(struct failures *failures, const struct story *story)
{
    enum advice advice = advice_of(story);
    if (advice >= ADVICE_NOT_SEEN)
        return;
    struct failure *failure = &failures->kinds[advice];
    failure->count++;
    add_first(failure, story, advice_evidence(advice, &story->verdict));
}

/* --- printing --- */

static void append_first(const struct failure *failure, int place,
                         const struct words *words, struct buffer *buffer)
{
    char id[16];
    struct buffer packets;
    uint8_t count = failure->first[place].packet_count;
    const char *phrase =
        count == 1 ? N_("{id} (packet {packets})") : N_("{id} (packets {packets})");

    buffer_init(&packets, 0);
    for (uint8_t i = 0; i < count; i++)
        buffer_append_format(&packets, "%s%" PRIu64, i ? words->say(N_(", ")) : "",
                             failure->first[place].packets[i]);
    if (failure->first[place].more)
        buffer_append_text(&packets, words->say(N_(", ...")));
    snprintf(id, sizeof id, "%" PRIu32, failure->first[place].id);
    fill_append(buffer, count ? words->say(phrase) : "{id}",
                (const struct fill[]){{"id", id}, {"packets", buffer_text(&packets)}}, 2);
    buffer_done(&packets);
}

void failure_title(const struct failures *failures, enum advice advice,
                   const struct words *words, struct buffer *buffer)
{
    const struct failure *failure = &failures->kinds[advice];
    char count[24];
    struct buffer list;

    buffer_init(&list, 0);
    for (int place = 0; place < FAILURE_FIRST && failure->first[place].id; place++) {
        if (place)
            buffer_append_text(&list, words->say(N_(", ")));
        append_first(failure, place, words, &list);
    }
    if (failure->count > FAILURE_FIRST)
        buffer_append_text(&list, words->say(N_(", ...")));
    snprintf(count, sizeof count, "%" PRIu64, failure->count);
    fill_append(buffer,
                words->say(failure->count == 1
                               ? N_("{count} {what}: connection {list}")
                               : N_("{count} {what}: connections {list}")),
                (const struct fill[]){{"count", count},
                                      {"what", words->say(advice_title(advice))},
                                      {"list", buffer_text(&list)}},
                3);
    buffer_done(&list);
}

static void print_kind(const struct failures *failures, enum advice advice,
                       const struct words *words, int width, struct buffer *buffer)
{
    struct buffer text;
    buffer_init(&text, 0);
    failure_title(failures, advice, words, &text);
    paragraph_append(buffer, buffer_text(&text), width, 4);
    buffer_done(&text);
    buffer_append_text(buffer, "  ");
    paragraph_append(buffer, words->say(advice_text(advice)), width, 2);
}

void failures_print(const struct failures *failures, const struct words *words, int width,
                    struct buffer *buffer)
{
    bool begun = false;
    for (int advice = 0; advice < ADVICE_NONE; advice++) {
        if (failures->kinds[advice].count == 0)
            continue;
        if (!begun)
            buffer_append_format(buffer, "\n%s\n",
                                 words->say(N_("What went wrong, and what to check:")));
        begun = true;
        buffer_append_char(buffer, '\n');
        print_kind(failures, (enum advice)advice, words, width, buffer);
    }
}
