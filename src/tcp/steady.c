#include "tcp/steady.h"

#include "capture/decode.h"
#include "tcp/flow.h"
#include "tcp/seq.h"

/* --- entering and leaving --- */

/* Whether all that knows how far an end has sent says the same, and that the other has
 * seen it. */
static bool end_is_in_order(const struct flow *flow, enum place place)
{
    const struct numbers *numbers = &flow->numbers;
    const struct follower *follower = &flow->followers[place];
    const struct tally_end *end = &flow->tally.end[place];
    uint32_t sent = numbers->sent_end[place];

    return numbers->known[place] && numbers->has_sent[place] &&
           numbers->hole_begin[place] == numbers->hole_end[place] &&
           follower->state == STATE_ESTABLISHED && !follower->sent_fin &&
           follower->has_acked && follower->sent_end == sent && end->has_sent &&
           end->has_acked && end->reached == sent && end->end == sent &&
           end->acked == follower->acked && !end->provoked && !end->probe &&
           !end->probes && !end->has_fin && !end->fin_far &&
           zeek_is_steady(&flow->tally.zeek, place, sent);
}

static bool all_is_in_order(const struct flow *flow)
{
    const struct tally *tally = &flow->tally;
    return tally->opened && flow->queue == QUEUE_OPEN && !flow->story && !flow->pending &&
           !tally->rst && !tally->doubtful_rst && !tally->has_fin &&
           end_is_in_order(flow, PLACE_CLIENT) && end_is_in_order(flow, PLACE_SERVER);
}

static void enter_end(struct flow *flow, enum place place)
{
    const struct tally *tally = &flow->tally;
    const struct tally_end *end = &tally->end[place];
    struct steady *steady = &flow->steady;

    steady->shift[place] = (uint8_t)tally_window_shift(tally, place);
    steady->timestamps[place] = end->has_timestamps;
    steady->data[place] = steady->acks[place] = false;
    steady->isn[place] = flow->numbers.isn[place];
    steady->sent[place] = flow->numbers.sent_end[place];
    steady->acked[place] = end->acked;
    steady->edge[place] = end->edge;
    steady->tsval[place] = end->tsval;
    steady->packets[place] = 0;
    steady->bytes[place] = 0;
}

void steady_enter(struct flow *flow)
{
    if (!all_is_in_order(flow))
        return;
    enter_end(flow, PLACE_CLIENT);
    enter_end(flow, PLACE_SERVER);
    flow->steady.end_ns = flow->tally.end_ns;
    flow->steady.holds = true;
}

static void leave_end(struct flow *flow, enum place place)
{
    const struct steady *steady = &flow->steady;
    struct tally_end *end = &flow->tally.end[place];
    uint32_t sent = steady->sent[place];

    flow->numbers.sent_end[place] = flow->followers[place].sent_end = sent;
    flow->followers[place].acked = steady->acked[place];
    end->reached = end->end = sent;
    end->acked = steady->acked[place];
    end->edge = steady->edge[place];
    end->tsval = steady->tsval[place];
    end->bytes += steady->bytes[place];
    flow->tally.packets += steady->packets[place];
    zeek_sent(&flow->tally.zeek, place, sent);
}

void steady_leave(struct flow *flow)
{
    if (!flow->steady.holds)
        return;
    flow->steady.holds = false;
    leave_end(flow, PLACE_CLIENT);
    leave_end(flow, PLACE_SERVER);
    flow->tally.end_ns = flow->steady.end_ns;
}

/* --- between --- */

/* Data or an acknowledgement, such as came before, next in order, and of nothing unseen. */
static bool is_next(const struct steady *steady, enum place from, int64_t t_ns,
                    const struct segment *segment)
{
    const uint8_t control = TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK;
    enum place other = place_other(from);
    uint32_t ack = segment->ack - steady->isn[other];

    return (segment->flags & control) == TCP_ACK && segment->window > 0 &&
           segment->seq - steady->isn[from] == steady->sent[from] &&
           !seq_before(steady->sent[other], ack) &&
           segment->timestamps == steady->timestamps[from] &&
           !(segment->timestamps && seq_before(segment->tsval, steady->tsval[from])) &&
           t_ns >= steady->end_ns;
}

/* Zeek's history and Wireshark's number have the first of a kind; of the next ones nobody
 * is told. */
static void tell_kind(struct flow *flow, enum place from, bool data)
{
    zeek_sees(&flow->tally.zeek, from, data);
    completeness_sees(&flow->tally.completeness, data);
    if (data)
        flow->steady.data[from] = true;
    else
        flow->steady.acks[from] = true;
}

bool steady_take(struct flow *flow, enum place from, int64_t t_ns,
                 const struct segment *segment)
{
    struct steady *steady = &flow->steady;
    bool data = segment->payload_bytes > 0;

    if (!steady->holds || !is_next(steady, from, t_ns, segment))
        return false;
    if (!(data ? steady->data[from] : steady->acks[from]))
        tell_kind(flow, from, data);
    uint32_t ack = segment->ack - steady->isn[place_other(from)];
    uint32_t edge = ack + ((uint32_t)segment->window << steady->shift[from]);

    steady->acked[from] = seq_later(steady->acked[from], ack);
    steady->edge[from] = seq_later(steady->edge[from], edge);
    steady->sent[from] += segment->payload_bytes;
    steady->bytes[from] += segment->payload_bytes;
    if (segment->timestamps)
        steady->tsval[from] = segment->tsval;
    steady->packets[from]++;
    steady->end_ns = t_ns;
    return true;
}
