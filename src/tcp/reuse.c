#include "tcp/reuse.h"

#include "capture/decode.h"

enum reuse reuse_by_syn(const struct flow *flow, enum place from,
                        const struct segment *segment)
{
    const struct numbers *numbers = &flow->numbers;
    const struct tally_end *other = &flow->tally.end[place_other(from)];
    bool same = numbers->known[from] && numbers->isn[from] == segment->seq;

    if (tally_ended(&flow->tally)) /* some try again after a refusal, with the same SYN */
        return same && !flow->tally.opened ? REUSE_NOT : REUSE_IS_NEXT;
    if (same || !numbers->known[from])
        return REUSE_NOT;
    if (numbers->of_syn[from] && !other->has_sent)
        return REUSE_IS_NEXT;
    return REUSE_IN_DOUBT;
}

/* It is taken by a SYN-ACK, or turned away by a reset, or sent again because nobody
 * answered. */
bool reuse_is_told(const struct flow_pending *pending, const struct segment *segment)
{
    const struct segment *held = &pending->segment;
    bool syn = segment->flags & TCP_SYN, ack = segment->flags & TCP_ACK;
    bool rst = segment->flags & TCP_RST;

    if (endpoint_equal(&segment->source, &held->source))
        return syn && !ack && segment->seq == held->seq;
    return (syn || rst) && ack &&
           (segment->ack == held->seq + 1 ||
            segment->ack == held->seq + 1 + held->payload_bytes);
}

/* One that takes this connection's own SYN may come behind a reset, where an older connection
 * had to be cleared away first (RFC 9293, figure 10). */
bool reuse_by_syn_ack(const struct flow *flow, enum place from,
                      const struct segment *segment)
{
    const struct numbers *numbers = &flow->numbers;
    enum place other = place_other(from);
    uint32_t taken = segment->ack - 1 - numbers->isn[other];
    bool takes = flow->tally.end[other].syn && !flow->tally.opened &&
                 taken <= flow->tally.end[other].syn_bytes;
    return tally_ended(&flow->tally) && numbers->known[from] &&
           numbers->isn[from] != segment->seq && !takes;
}
