#include "tcp/numbers.h"

#include "capture/decode.h"
#include "tcp/seq.h"

/* An end's SYN came after numbers of it were guessed (old segments of a connection that
 * one end has forgotten; a capture that has the SYN late). */
static uint32_t correct(struct numbers *numbers, enum place whose, uint32_t isn)
{
    uint32_t shift = numbers->isn[whose] - isn;
    if (shift == 0)
        return 0;
    numbers->isn[whose] = isn;
    numbers->sent_end[whose] = 0;
    numbers->hole_begin[whose] = numbers->hole_end[whose] = 0;
    return shift;
}

/* A reset's numbers teach nothing: one that answers a SYN has 0 (RFC 9293, 3.5.2). */
uint32_t numbers_learn(struct numbers *numbers, enum place from,
                       const struct segment *segment)
{
    enum place other = place_other(from);
    bool syn = segment->flags & TCP_SYN;
    uint32_t shift = 0;

    if (segment->flags & TCP_RST)
        return 0;
    if (!numbers->known[from]) {
        numbers->isn[from] = syn ? segment->seq : segment->seq - 1;
        numbers->known[from] = true;
    } else if (syn && !numbers->of_syn[from]) {
        shift = correct(numbers, from, segment->seq);
    }
    if (syn)
        numbers->of_syn[from] = true;
    if ((segment->flags & TCP_ACK) && !numbers->known[other]) {
        numbers->isn[other] = segment->ack - 1;
        numbers->known[other] = true;
    }
    return shift;
}

static uint32_t relative(const struct numbers *numbers, enum place whose, uint32_t number)
{
    return numbers->known[whose] ? number - numbers->isn[whose] : 0;
}

uint32_t packet_length(const struct event_packet *packet)
{
    return packet->bytes + !!(packet->flags & TCP_SYN) + !!(packet->flags & TCP_FIN);
}

/* What is missing between what was sent before and this packet, noted once: the first
 * hole that is open. */
static void note_hole(struct numbers *numbers, enum place from, uint32_t seq)
{
    bool open = numbers->hole_begin[from] != numbers->hole_end[from];
    if (open || !numbers->has_sent[from] || !seq_before(numbers->sent_end[from], seq))
        return;
    numbers->hole_begin[from] = numbers->sent_end[from];
    numbers->hole_end[from] = seq;
}

/* Whether the packet lies in the hole, and what remains of that then. */
static bool fills_hole(struct numbers *numbers, enum place from, uint32_t seq,
                       uint32_t end)
{
    uint32_t begin = numbers->hole_begin[from], hole_end = numbers->hole_end[from];
    if (begin == hole_end || seq_before(seq, begin) || seq_before(hole_end, end))
        return false;
    if (seq == begin)
        numbers->hole_begin[from] = end;
    else
        numbers->hole_end[from] = seq; /* what follows it is taken for filled as well */
    return true;
}

/* Whether all the packet's numbers were sent before; and remembers how far they reach. */
static bool sent_before(struct numbers *numbers, const struct event_packet *packet)
{
    enum place from = packet->from;
    uint32_t end = packet->seq + packet_length(packet);
    bool before;

    if (end == packet->seq || (packet->flags & TCP_RST))
        return false;
    if (seq_at_or_after(numbers->sent_end[from], end)) {
        before = !fills_hole(numbers, from, packet->seq, end);
    } else {
        before = false;
        note_hole(numbers, from, packet->seq);
        numbers->sent_end[from] = end;
    }
    numbers->has_sent[from] = true;
    return before;
}

/* Whether the packet acknowledges, of what the other end sent, something that was not
 * seen; told once for each gap. An ACK from before the handshake is another connection's. */
static bool acks_unseen(struct numbers *numbers, const struct event_packet *packet)
{
    enum place from = packet->from, other = place_other(from);
    uint32_t hole = numbers->hole_begin[other], ack = packet->ack;
    bool begun = numbers->sent_end[other] > 1 || numbers->of_syn[from];

    if (!packet->has_ack || (packet->flags & TCP_RST) || !numbers->has_sent[other] ||
        !begun)
        return false;
    if (numbers->hole_end[other] != hole && seq_before(hole, ack)) {
        numbers->hole_begin[other] = numbers->hole_end[other];
        return true;
    }
    if (!seq_before(numbers->sent_end[other], ack) ||
        !seq_within_reach(ack, numbers->sent_end[other]))
        return false;
    numbers->sent_end[other] = ack;
    return true;
}

/* Field by field: a packet's text is seldom wanted, and clearing it would cost as much as
 * the rest. */
void numbers_read_unsent(const struct numbers *numbers, enum place from, uint64_t number,
                         const struct segment *segment, struct event_packet *ret_packet)
{
    struct event_packet *packet = ret_packet;
    enum place other = place_other(from);
    bool has_ack = segment->flags & TCP_ACK;

    packet->number = number;
    packet->from = from;
    packet->flags = segment->flags;
    packet->seq = relative(numbers, from, segment->seq);
    packet->has_ack = has_ack;
    packet->ack = has_ack ? relative(numbers, other, segment->ack) : 0;
    packet->bytes = segment->payload_bytes;
    packet->window = segment->window;
    packet->window_shift = segment->window_shift;
    packet->timestamps = segment->timestamps;
    packet->tsval = segment->tsval;
    packet->sent_ns = UNSEEN_NS;
    packet->received_ns = UNSEEN_NS;
    packet->fate = FATE_DELIVERED;
    packet->retransmission = packet->acks_unseen = packet->notable = false;
    packet->text[0] = '\0';
}

void numbers_read(struct numbers *numbers, enum place from, uint64_t number,
                  const struct segment *segment, struct event_packet *ret_packet)
{
    numbers_read_unsent(numbers, from, number, segment, ret_packet);
    ret_packet->retransmission = sent_before(numbers, ret_packet);
    ret_packet->acks_unseen = acks_unseen(numbers, ret_packet);
}
