/* Packets as scripts name them: "client SYN ACK seq=j+1 ack=k+1 5 bytes lost". */
#include <string.h>

#include "capture/decode.h"
#include "lab/read_step.h"

static const struct kind {
    const char *first, *second; /* words; null: one word alone */
    uint8_t has, lacks;
    bool empty, filled;
} kinds[] = {
    {"SYN", "ACK", TCP_SYN | TCP_ACK, TCP_RST, false, false},
    {"SYN", NULL, TCP_SYN, TCP_ACK | TCP_RST, false, false},
    {"FIN", "ACK", TCP_FIN, TCP_SYN | TCP_RST, false, false},
    {"FIN", NULL, TCP_FIN, TCP_SYN | TCP_RST, false, false},
    {"RST", "ACK", TCP_RST | TCP_ACK, 0, false, false},
    {"RST", NULL, TCP_RST, 0, false, false},
    {"ACK", NULL, TCP_ACK, TCP_SYN | TCP_FIN | TCP_RST, true, false},
    {"data", NULL, 0, TCP_RST, false, true},
    {"packet", NULL, 0, 0, false, false},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

bool word_begins_packet(struct word word)
{
    for (int i = 0; i < KINDS; i++)
        if (word_is(word, kinds[i].first))
            return true;
    return false;
}

static void read_kind(struct reader *reader, struct lab_packet *packet)
{
    struct word first = reader_peek(reader);
    for (int i = 0; i < KINDS; i++) {
        const struct kind *kind = &kinds[i];
        if (!word_is(first, kind->first))
            continue;
        const char *before = reader->at;
        reader_take(reader);
        if (kind->second && !reader_accept(reader, kind->second)) {
            reader->at = before;
            continue;
        }
        packet->has = kind->has;
        packet->lacks = kind->lacks;
        packet->empty = kind->empty;
        packet->filled = kind->filled;
        return;
    }
    reader_fail(reader, first, "SYN, SYN ACK, ACK, FIN, RST, data or packet");
}

/* "j", "k+1", "j-1000", "90", behind the "=". */
static struct lab_number read_sequence(struct reader *reader, struct word word,
                                       size_t skip)
{
    struct lab_number number = {.given = true};
    size_t at = skip;
    bool negative = false;
    if (at < word.length && (word.at[at] == 'j' || word.at[at] == 'k'))
        number.base = word.at[at++];
    if (number.base && at < word.length) {
        negative = word.at[at] == '-';
        if (word.at[at] != '+' && word.at[at] != '-')
            goto wrong;
        at++;
        if (at == word.length)
            goto wrong;
    }
    if (!number.base && at == word.length)
        goto wrong;
    if (word.length - at > 10)
        goto wrong;
    for (; at < word.length; at++) {
        if (word.at[at] < '0' || word.at[at] > '9')
            goto wrong;
        number.offset = number.offset * 10 + (word.at[at] - '0');
    }
    if (number.offset > UINT32_MAX)
        goto wrong;
    if (negative)
        number.offset = -number.offset;
    return number;
wrong:
    reader_fail(reader, word, "a sequence number (seq=j+1, ack=k, seq=90)");
    return number;
}

static bool begins(struct word word, const char *text)
{
    size_t length = strlen(text);
    return word.at && word.length >= length && memcmp(word.at, text, length) == 0;
}

static bool is_digit(struct word word)
{
    return word.at && word.at[0] >= '0' && word.at[0] <= '9';
}

/* One thing that is said of a packet; false: the next word says none. */
static bool read_attribute(struct reader *reader, struct lab_packet *packet)
{
    struct word word = reader_peek(reader);
    size_t length;
    if (begins(word, "seq=")) {
        packet->seq = read_sequence(reader, reader_take(reader), 4);
    } else if (begins(word, "ack=")) {
        packet->ack = read_sequence(reader, reader_take(reader), 4);
    } else if (begins(word, "window=")) {
        reader->at = word.at + 7;
        packet->window = reader_number(reader, 0, 65535, "a window (window=0)");
    } else if (is_digit(word)) {
        const char *before = reader->at;
        reader_take(reader);
        struct word noun = reader_peek(reader);
        reader->at = before;
        if (!word_is(noun, "bytes") && !word_is(noun, "byte"))
            return false;
        packet->bytes = reader_number(reader, 0, 1 << 30, "a number of bytes");
        reader_take(reader);
    } else if (word.at && word.at[0] == '"') {
        packet->text = reader_string(reader, &length);
    } else if (reader_accept(reader, "again")) {
        packet->again = true;
    } else if (reader_accept(reader, "lost")) {
        packet->lost = true;
    } else {
        return false;
    }
    return !reader->failed;
}

void read_packet(struct reader *reader, struct lab_packet *packet)
{
    packet->bytes = packet->window = -1;
    read_kind(reader, packet);
    while (!reader->failed && read_attribute(reader, packet))
        ;
}
