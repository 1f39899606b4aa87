#include "draw/label.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buffer.h"
#include "capture/decode.h"
#include "draw/fill.h"
#include "draw/words.h"

/* What a packet is, before its numbers: data by its size and text, the rest by its flags.
 * An ACK that comes with data says nothing of its own, and PSH is a sender's habit. */
static void append_kind(struct buffer *buffer, const struct event_packet *packet,
                        const struct words *words)
{
    uint8_t shown = packet->flags & ~TCP_PSH;
    if (packet->bytes && !(shown & (TCP_SYN | TCP_FIN | TCP_RST)))
        shown &= ~TCP_ACK;
    if (shown || !packet->bytes) {
        char flags[FLAGS_TEXT];
        buffer_append_text(buffer, flags_words(shown, flags));
        if (packet->bytes)
            buffer_append_char(buffer, ' ');
    }
    if (packet->bytes) {
        char count[16];
        snprintf(count, sizeof count, "%" PRIu32, packet->bytes);
        const char *phrase = packet->bytes == 1 ? N_("1 byte") : N_("{count} bytes");
        fill_append(buffer, words->say(phrase), &(struct fill){"count", count}, 1);
    }
    if (packet->text[0])
        buffer_append_format(buffer, " \"%s\"", packet->text);
}

/* Why the same numbers are seen once more. */
static void append_repetition(struct buffer *buffer, const struct event_packet *packet,
                              bool copy, const struct words *words)
{
    if (copy)
        buffer_append_format(buffer, " (%s)", words->say(N_("copy")));
    else if (packet->retransmission)
        buffer_append_format(buffer, " (%s)", words->say(N_("again")));
}

void label_name(struct buffer *buffer, const struct event_packet *packet, bool copy,
                const struct words *words)
{
    append_kind(buffer, packet, words);
    append_repetition(buffer, packet, copy, words);
}

/* " seq=j+1". A number that lies at most so far before the first one is told by its
 * distance too: a keepalive's, an old duplicate's. */
static void append_number(struct buffer *buffer, const char *field, enum place whose,
                          uint32_t number, uint32_t before)
{
    char letter = whose == PLACE_CLIENT ? 'j' : 'k';
    buffer_append_format(buffer, " %s=%c", field, letter);
    if (number >= UINT32_MAX - before)
        buffer_append_format(buffer, "-%" PRIu32, UINT32_MAX - number + 1);
    else if (number)
        buffer_append_format(buffer, "+%" PRIu32, number);
}

void label_packet(struct buffer *buffer, const struct story *story,
                  const struct event_packet *packet, bool copy, const struct words *words)
{
    enum place from = packet->from;
    enum place to = place_other(from);
    enum { SHORTLY = 1 << 16 };
    /* No SYN has a number far behind the first. */
    uint32_t before = packet->flags & TCP_SYN ? INT32_MAX : SHORTLY;
    bool plain_data = packet->bytes && !(packet->flags & (TCP_SYN | TCP_FIN | TCP_RST));

    append_kind(buffer, packet, words);
    if (story->numbers.known[from])
        append_number(buffer, "seq", from, packet->seq, before);
    if (packet->has_ack && !plain_data && story->numbers.known[to])
        append_number(buffer, "ack", to, packet->ack, SHORTLY);
    if (packet->window == 0 && !(packet->flags & (TCP_SYN | TCP_RST)))
        buffer_append_text(buffer, " win=0");
    append_repetition(buffer, packet, copy, words);
}

void label_run(struct buffer *buffer, const struct event_run *run, enum place from,
               const struct words *words)
{
    char segments[24], bytes[24], back[24], back_bytes[24];
    enum place to = place_other(from);
    const char *phrase = N_("{segments} segments, {bytes} bytes");

    snprintf(segments, sizeof segments, "%" PRIu32, run->packets[from]);
    snprintf(bytes, sizeof bytes, "%" PRIu64, run->bytes[from]);
    snprintf(back, sizeof back, "%" PRIu32, run->packets[to]);
    snprintf(back_bytes, sizeof back_bytes, "%" PRIu64, run->bytes[to]);
    if (run->packets[to] > 0)
        phrase =
            run->bytes[to]
                ? N_("{segments} segments, {bytes} bytes; {back} back, {backbytes} bytes")
                : N_("{segments} segments, {bytes} bytes; {back} back");
    fill_append(buffer, words->say(phrase),
                (const struct fill[]){{"segments", segments},
                                      {"bytes", bytes},
                                      {"back", back},
                                      {"backbytes", back_bytes}},
                4);
}
