#include "tcp/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/decode.h"

enum { LINE_MAX_BYTES = 512, WORDS_MAX = 24, PAYLOAD_MAX = 256 };

#define MS INT64_C(1000000)

/* What one line says. */
struct line {
    char text[LINE_MAX_BYTES];
    char *words[WORDS_MAX];
    size_t word_count;
    enum place from;
    struct segment segment;
    uint8_t payload[PAYLOAD_MAX];
    int64_t at_ns;
    int64_t takes_ns; /* UNSEEN_NS: its arrival is not seen */
    uint64_t number;  /* 0: the next */
    enum fate fate;
};

/* --- Reading a line --- */

static bool begins(const char *word, const char *with, const char **ret_rest)
{
    size_t length = strlen(with);
    *ret_rest = word + length;
    return strncmp(word, with, length) == 0;
}

static uint8_t flag_of(const char *word)
{
    static const struct {
        const char *word;
        uint8_t flag;
    } flags[] = {{"SYN", TCP_SYN}, {"FIN", TCP_FIN}, {"RST", TCP_RST}, {"PSH", TCP_PSH},
                 {"URG", TCP_URG}, {"ECE", TCP_ECE}, {"CWR", TCP_CWR}, {"ACK", TCP_ACK}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (strcmp(word, flags[i].word) == 0)
            return flags[i].flag;
    return 0;
}

static void take_payload(struct line *line, const void *bytes, size_t length)
{
    if (length > PAYLOAD_MAX)
        fail_msg("a script's payload is too long: %zu bytes", length);
    memcpy(line->payload, bytes, length);
    line->segment.payload = line->payload;
    line->segment.payload_bytes = line->segment.payload_captured = (uint32_t)length;
}

static void take_hex(struct line *line, const char *digits)
{
    uint8_t bytes[PAYLOAD_MAX];
    size_t length = 0;
    for (; length < PAYLOAD_MAX && digits[0] && digits[1]; digits += 2) {
        const char pair[3] = {digits[0], digits[1], '\0'};
        bytes[length++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    take_payload(line, bytes, length);
}

static bool take_number(struct line *line, const char *word)
{
    struct segment *segment = &line->segment;
    const char *rest;

    if (begins(word, "seq=", &rest))
        segment->seq = (uint32_t)strtoul(rest, NULL, 10);
    else if (begins(word, "ack=", &rest))
        segment->ack = (uint32_t)strtoul(rest, NULL, 10);
    else if (begins(word, "win=", &rest))
        segment->window = (uint16_t)strtoul(rest, NULL, 10);
    else if (begins(word, "bytes=", &rest))
        segment->payload_bytes = (uint32_t)strtoul(rest, NULL, 10);
    else if (begins(word, "number=", &rest))
        line->number = strtoul(rest, NULL, 10);
    else if (begins(word, "at=", &rest))
        ; /* every line may have it: `split` took it */
    else if (begins(word, "takes=", &rest))
        line->takes_ns = strtol(rest, NULL, 10) * MS;
    else if (begins(word, "hex=", &rest))
        take_hex(line, rest);
    else if (begins(word, "text=", &rest))
        take_payload(line, rest, strlen(rest));
    else
        return false;
    return true;
}

static bool take_fate(struct line *line, const char *word)
{
    for (int fate = FATE_DELIVERED; fate <= FATE_INJECTED; fate++) {
        if (strcmp(word, fate_word((enum fate)fate)) == 0) {
            line->fate = (enum fate)fate;
            return true;
        }
    }
    return false;
}

/* Cuts the line into words; what follows "text=" is one, to the end. Any line may say
 * when it happened. */
static void split(struct line *line, const char *text)
{
    const char *rest;
    snprintf(line->text, sizeof line->text, "%s", text);
    for (char *at = line->text; *at && line->word_count < WORDS_MAX;) {
        line->words[line->word_count++] = at;
        if (begins(at, "at=", &rest))
            line->at_ns = strtol(rest, NULL, 10) * MS;
        if (begins(at, "text=", &rest))
            return;
        at += strcspn(at, " ");
        while (*at == ' ')
            *at++ = '\0';
    }
}

/* --- Telling it to a story --- */

static uint64_t packet_count(const struct story *story)
{
    uint64_t count = 0;
    for (size_t i = 0; i < story->event_count; i++)
        count += story->events[i].kind == EVENT_PACKET;
    return count;
}

static void tell_packet(struct story *story, struct line *line)
{
    for (size_t i = 1; i < line->word_count; i++) {
        uint8_t flag = flag_of(line->words[i]);
        line->segment.flags |= flag;
        if (!flag && !take_number(line, line->words[i]) &&
            !take_fate(line, line->words[i]))
            fail_msg("no script has the word \"%s\"", line->words[i]);
    }
    uint64_t number = line->number ? line->number : packet_count(story) + 1;
    if (line->fate == FATE_DUPLICATED || line->fate == FATE_INJECTED) {
        story_add_unsent(story, line->at_ns, line->from, number, &line->segment,
                         line->fate);
        return;
    }
    struct event *event =
        story_add_packet(story, line->at_ns, line->from, number, &line->segment);
    event->packet.fate = line->fate;
    if (line->fate != FATE_LOST && line->takes_ns != UNSEEN_NS)
        event->packet.received_ns = line->at_ns + line->takes_ns;
}

static void tell_state(struct story *story, const struct line *line)
{
    enum standing standing = STANDING_OBSERVED;
    for (size_t i = 3; i < line->word_count; i++)
        for (int s = STANDING_OBSERVED; s <= STANDING_INFERRED; s++)
            if (strcmp(line->words[i], standing_word((enum standing)s)) == 0)
                standing = (enum standing)s;
    for (int state = STATE_CLOSED; state < STATE_COUNT; state++) {
        if (strcmp(line->words[2], state_word((enum tcp_state)state)) == 0) {
            story_add_state(story, line->at_ns, line->from, (enum tcp_state)state,
                            standing);
            return;
        }
    }
    fail_msg("no state is called %s", line->words[2]);
}

static void tell_call(struct story *story, const struct line *line, bool returns)
{
    static const char *const names[] = {"connect", "accept", "recv", "send", "close"};
    const char *name = line->words[returns ? 1 : 2];
    struct event_call call = {.call = 1, .returns = returns};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            call.name = names[i];
    if (!call.name)
        fail_msg("no script calls %s", name);
    if (returns)
        call.result = strtol(line->words[3], NULL, 10);
    story_add_call(story, line->at_ns, line->from, &call);
}

static int64_t tell(struct story *story, int64_t at_ns, const char *text)
{
    struct line line = {.at_ns = at_ns, .takes_ns = UNSEEN_NS};
    line.segment.window = 65535;
    split(&line, text);
    if (line.word_count < 2 ||
        (strcmp(line.words[0], "C") != 0 && strcmp(line.words[0], "S") != 0))
        fail_msg("a script's line says who, C or S, and what: \"%s\"", text);
    line.from = line.words[0][0] == 'C' ? PLACE_CLIENT : PLACE_SERVER;
    if (line.word_count >= 3 && strcmp(line.words[1], "in") == 0)
        tell_state(story, &line);
    else if (line.word_count >= 3 && strcmp(line.words[1], "calls") == 0)
        tell_call(story, &line, false);
    else if (line.word_count >= 4 && strcmp(line.words[2], "returns") == 0)
        tell_call(story, &line, true);
    else
        tell_packet(story, &line);
    return line.at_ns;
}

void script_go_on(struct story *story, const char *const *lines)
{
    int64_t at_ns = story->event_count ? story->events[story->event_count - 1].t_ns : 0;
    for (; *lines; lines++)
        at_ns = tell(story, at_ns + MS, *lines);
}

struct story *script_story(const char *const *lines)
{
    struct endpoint client = endpoint_ipv4(10, 9, 0, 1, 40001);
    struct endpoint server = endpoint_ipv4(10, 9, 0, 2, 30001);
    struct story *story;
    assert_int_equal(story_new(1, &client, &server, &story), 0);
    script_go_on(story, lines);
    return story;
}

/* --- Looking at it --- */

const struct event_packet *script_packet(const struct story *story, size_t nth)
{
    for (size_t i = 0; i < story->event_count; i++)
        if (story->events[i].kind == EVENT_PACKET && --nth == 0)
            return &story->events[i].packet;
    fail_msg("the story has not that many packets");
    return NULL;
}

const char *script_states(const struct story *story, enum place place,
                          char text[SCRIPT_STATES])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_STATE && event->place == place)
            length += (size_t)snprintf(text + length, SCRIPT_STATES - length, "%s%s",
                                       length ? " " : "", state_word(event->state.state));
    }
    return text;
}

static const char *or_null(const char *word)
{
    return word ? word : "null";
}

void assert_verdict(struct story *story, const char *open, const char *close,
                    const char *closed_first, const char *reset_by)
{
    const struct verdict *verdict = &story->verdict;
    story_judge(story);
    assert_string_equal(open_word(verdict->open), open);
    assert_string_equal(close_word(verdict->close), close);
    assert_string_equal(or_null(side_word(verdict->closed_first)), closed_first);
    assert_string_equal(or_null(side_word(verdict->reset_by)), reset_by);
    story_free(&story);
}
