/* The words of stories, as design and JSON have them: RFC 9293's states with underscores,
 * and the outcomes' own. */
#include "tcp/story.h"

#include <stdio.h>

#include "capture/decode.h"

/* Every table is as long as its enum: a word forgotten is caught when compiling. */
#define TABLE(name, count, ...)                                                          \
    static const char *const name[] = {__VA_ARGS__};                                     \
    _Static_assert(sizeof name / sizeof name[0] == (count), #name " lacks a word")

TABLE(places, PLACE_WIRE + 1, "client", "server", "wire");
TABLE(standings, STANDING_INFERRED + 1, "observed", "traced", "inferred");
TABLE(states, STATE_COUNT, "UNKNOWN", "CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED",
      "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK",
      "TIME_WAIT");
TABLE(fates, FATE_INJECTED + 1, "delivered", "lost", "delayed", "duplicated", "injected");
TABLE(opens, OPEN_NOT_SEEN + 1, "three-way", "simultaneous", "fast-open", "refused",
      "unreachable", "no-answer", "half-open", "aborted", "not-seen");
TABLE(closes, CLOSE_NONE + 1, "four-segment", "three-segment", "simultaneous",
      "half-closed", "reset", "still-open", "not-seen", "none");
TABLE(anomalies, ANOMALY_KIND_COUNT, "syn-retransmitted", "synack-retransmitted",
      "fin-retransmitted", "data-retransmitted", "zero-window", "data-after-close",
      "rst-ignored", "fin-ignored", "challenge-ack", "keepalive-unanswered",
      "sequence-gap", "paws-rejected", "four-tuple-reused", "captured-twice",
      "captured-out-of-order");

const char *place_word(enum place place)
{
    return places[place];
}

const char *standing_word(enum standing standing)
{
    return standings[standing];
}

const char *state_word(enum tcp_state state)
{
    return states[state];
}

const char *fate_word(enum fate fate)
{
    return fates[fate];
}

const char *open_word(enum open_word word)
{
    return opens[word];
}

const char *close_word(enum close_word word)
{
    return closes[word];
}

const char *side_word(enum side_word word)
{
    static const char *const sides[] = {NULL, "client", "server", "both"};
    return sides[word];
}

const char *anomaly_word(enum anomaly_kind kind)
{
    return anomalies[kind];
}

char *flags_words(uint8_t flags, char text[FLAGS_TEXT])
{
    static const struct {
        uint8_t flag;
        const char *word;
    } order[] = {
        {TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"},
        {TCP_URG, "URG"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"}, {TCP_ACK, "ACK"},
    };
    size_t length = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (flags & order[i].flag)
            length += (size_t)snprintf(text + length, FLAGS_TEXT - length, "%s%s",
                                       length ? " " : "", order[i].word);
    if (length == 0)
        snprintf(text, FLAGS_TEXT, "none");
    return text;
}
