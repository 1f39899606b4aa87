#include "scope/comments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/error.h"
#include "draw/advice.h"
#include "draw/fill.h"
#include "draw/why.h"
#include "draw/words.h"

enum {
    NOTES_MAX = 1 << 21, /* 48 MiB */
    TEXT_BYTES_MAX = 64 << 20,
    OF_ANOMALY = 64 /* kinds of notes: enum proof, and from here on anomalies */
};

/* What one packet shows. */
struct note {
    uint64_t number;
    uint32_t id;   /* of the connection */
    uint32_t text; /* where its verdict stands in `texts`, behind a byte; 0: not said */
    uint8_t kind;
};

struct comments {
    const struct words *words;
    struct note *notes;
    size_t count, capacity, next;
    struct buffer texts; /* each ends with a 0 */
    uint64_t left_out;
};

int comments_new(const struct words *words, struct comments **ret_comments)
{
    struct comments *comments = calloc(1, sizeof *comments);
    if (!comments)
        return ERROR_MEMORY;
    comments->words = words;
    buffer_init(&comments->texts, TEXT_BYTES_MAX);
    buffer_append_char(&comments->texts, '\0');
    *ret_comments = comments;
    return 0;
}

void comments_free(struct comments **comments)
{
    if (!*comments)
        return;
    buffer_done(&(*comments)->texts);
    free((*comments)->notes);
    free(*comments);
    *comments = NULL;
}

uint64_t comments_left_out(const struct comments *comments)
{
    return comments->left_out;
}

/* --- adding --- */

static bool grow(struct comments *comments)
{
    size_t capacity = comments->capacity ? 2 * comments->capacity : 256;
    struct note *notes = realloc(comments->notes, capacity * sizeof *notes);
    if (!notes)
        return false;
    comments->notes = notes;
    comments->capacity = capacity;
    return true;
}

/* "10.0.0.1:40002 → 10.0.0.2:81: refused: ... (packets 9, 10). Nothing listens ...".
 * Returns where it stands, or 0 where there is no room. */
static uint32_t write_verdict(struct comments *comments, const struct story *story)
{
    const struct words *words = comments->words;
    struct buffer *texts = &comments->texts;
    char client[ENDPOINT_TEXT], server[ENDPOINT_TEXT];
    const char *advice = advice_text(advice_of(story));
    size_t at = texts->length;
    struct buffer why;

    buffer_init(&why, 0);
    why_story(story, words, &why);
    fill_append(texts, words->say(N_("{client} → {server}: {verdict}.")),
                (const struct fill[]){
                    {"client", endpoint_format(&story->client, client)},
                    {"server", endpoint_format(&story->server, server)},
                    {"verdict", buffer_text(&why)},
                },
                3);
    if (advice)
        buffer_append_format(texts, " %s", words->say(advice));
    buffer_append_char(texts, '\0');
    buffer_done(&why);
    if (!texts->failed && !why.failed)
        return (uint32_t)at;
    texts->length = at;
    return 0;
}

static void add_note(struct comments *comments, uint64_t number, uint32_t id,
                     uint32_t text, int kind)
{
    if (comments->count < comments->capacity)
        comments->notes[comments->count++] = (struct note){
            .number = number, .id = id, .text = text, .kind = (uint8_t)kind};
}

static uint32_t count_notes(const struct verdict *verdict)
{
    uint32_t count = verdict->evidence.kept;
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        count += verdict->anomalies[kind].kept;
    return count;
}

void comments_add(struct comments *comments, const struct story *story)
{
    const struct verdict *verdict = &story->verdict;
    uint32_t needed = count_notes(verdict);

    if (needed == 0)
        return;
    while (comments->count + needed > comments->capacity &&
           comments->capacity < NOTES_MAX && grow(comments))
        continue;
    uint32_t text = comments->count + needed <= comments->capacity
                        ? write_verdict(comments, story)
                        : 0;
    if (!text) {
        comments->left_out++;
        return;
    }
    for (uint32_t i = 0; i < verdict->evidence.kept; i++) {
        int proof = verdict->proofs[i];
        bool whole = i == 0 || proof == PROOF_RST || proof == PROOF_ICMP;
        add_note(comments, verdict->evidence.packets[i], story->id, whole ? text : 0,
                 proof);
    }
    bool said = verdict->evidence.kept > 0;
    for (int kind = 0; kind < ANOMALY_KIND_COUNT; kind++)
        for (uint32_t i = 0; i < verdict->anomalies[kind].kept; i++, said = true)
            add_note(comments, verdict->anomalies[kind].packets[i], story->id,
                     said ? 0 : text, OF_ANOMALY + kind);
}

/* --- telling --- */

static int compare(const void *a, const void *b)
{
    const struct note *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return left->kind - right->kind;
}

void comments_sort(struct comments *comments)
{
    if (comments->count > 0)
        qsort(comments->notes, comments->count, sizeof *comments->notes, compare);
    comments->next = 0;
}

static const char *saying(int kind)
{
    static const char *const proofs[] = {
        [PROOF_SYN] = N_("the SYN"),
        [PROOF_SYN_ACK] = N_("the answer to the SYN"),
        [PROOF_SYN_ACK_ACKED] = N_("the handshake is done"),
        [PROOF_FIN] = N_("this end closes"),
        [PROOF_FIN_ACKED] = N_("the other end's FIN is acknowledged"),
        [PROOF_RST] = N_("the reset that ends it"),
        [PROOF_ICMP] = N_("the ICMP error that ends the attempt"),
    };
    return kind < OF_ANOMALY ? proofs[kind]
                             : why_anomaly((enum anomaly_kind)(kind - OF_ANOMALY));
}

static void append_note(const struct comments *comments, const struct note *note,
                        struct buffer *buffer)
{
    const struct words *words = comments->words;
    const char *text =
        note->text ? comments->texts.bytes + note->text : words->say(saying(note->kind));
    char id[16];
    snprintf(id, sizeof id, "%" PRIu32, note->id);
    fill_append(buffer, words->say(N_("woshou: connection {id}: {text}")),
                (const struct fill[]){{"id", id}, {"text", text}}, 2);
}

bool comments_of(struct comments *comments, uint64_t number, struct buffer *buffer)
{
    bool found = false;
    while (comments->next < comments->count &&
           comments->notes[comments->next].number <= number) {
        const struct note *note = &comments->notes[comments->next++];
        if (note->number != number)
            continue;
        if (found)
            buffer_append_char(buffer, '\n');
        append_note(comments, note, buffer);
        found = true;
    }
    return found;
}
