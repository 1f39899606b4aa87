#include "tcp/feed.h"

#include "base/error.h"
#include "base/filled.h"
#include "capture/decode.h"
#include "tcp/flow.h"
#include "tcp/keep.h"
#include "tcp/numbers.h"
#include "tcp/seq.h"
#include "tcp/tracker.h"
#include "tcp/trouble.h"

/* Numbers of an end that were guesses: all that was derived from them moves. */
static void shift_numbers(struct flow *flow, enum place whose, uint32_t shift)
{
    struct follower *end = &flow->followers[whose];
    end->sent_end += shift;
    end->fin_end += shift;
    flow->followers[place_other(whose)].acked += shift;
    tally_shift(&flow->tally, whose, shift);
    if (flow->story)
        story_shift(flow->story, whose, shift);
}

static int keep_states(struct flow *flow, const uint8_t before[2], int64_t t_ns)
{
    for (int end = 0; end < 2; end++)
        if (flow->followers[end].state != before[end] &&
            flow->story->event_count < TRACKER_EVENTS_MAX &&
            !story_add_state(flow->story, t_ns, (enum place)end,
                             (enum tcp_state)flow->followers[end].state,
                             STANDING_INFERRED))
            return ERROR_MEMORY;
    return 0;
}

/* What the packet does to both ends: it is taken to arrive when it is seen. */
static void follow(struct flow *flow, const struct event_packet *packet,
                   enum reset_fit reset)
{
    struct follower *ends = flow->followers;

    if (reset == RESET_HEEDED || reset == RESET_DOUBTFUL) {
        flow->states_before_reset[0] = ends[0].state;
        flow->states_before_reset[1] = ends[1].state;
    }
    if (reset == RESET_IGNORED)
        return;
    follower_sends(&ends[packet->from], packet);
    follower_receives(&ends[place_other(packet->from)], packet);
}

/* Anomalies so far. */
static uint32_t trouble_count(const struct tally *tally)
{
    return tally->trouble ? tally->trouble->total : 0;
}

/* What its receiver drops, or has no room for, teaches no numbers. True where it is
 * dropped for certain. */
static bool read_packet(struct flow *flow, enum place from, uint64_t number, int64_t t_ns,
                        const struct segment *segment, bool stray,
                        struct event_packet *ret_packet)
{
    const struct tally_end *end = &flow->tally.end[from];
    bool older = segment->timestamps && end->has_timestamps &&
                 seq_before(segment->tsval, end->tsval);
    uint32_t shift = stray ? 0 : numbers_learn(&flow->numbers, from, segment);
    if (shift)
        shift_numbers(flow, from, shift);
    if (stray || older || (segment->flags & TCP_FIN)) {
        numbers_read_unsent(&flow->numbers, from, number, segment, ret_packet);
        ret_packet->sent_ns = t_ns;
        if (stray || tally_drops(&flow->tally, ret_packet))
            return true;
        if (tally_fin_is_far(&flow->tally, ret_packet))
            return false;
    }
    numbers_read(&flow->numbers, from, number, segment, ret_packet);
    ret_packet->sent_ns = t_ns;
    return false;
}

/* A FIN that was thought to be beyond its receiver's window has been acknowledged: only
 * now does it show in the states. */
static void follow_far_fin(struct flow *flow, enum place from)
{
    const struct tally_end *end = &flow->tally.end[from];
    struct event_packet fin = {.number = end->fin,
                               .from = from,
                               .flags = TCP_FIN | TCP_ACK,
                               .seq = end->fin_end - 1,
                               .ack = end->fin_ack,
                               .has_ack = true,
                               .received_ns = UNSEEN_NS};
    follow(flow, &fin, RESET_NONE);
}

/* Adds up a packet that counts, and lets both ends' states follow. */
static int take_packet(struct flow *flow, const struct event_packet *packet)
{
    enum place from = packet->from;
    bool was_reset = flow->tally.rst || flow->tally.doubtful_rst;
    bool late_syn = (packet->flags & TCP_SYN) && !packet->has_ack &&
                    flow->tally.syn_ack && !flow->tally.end[from].syn &&
                    from == PLACE_CLIENT;
    bool had_far_fin = flow->tally.end[place_other(from)].fin_far;
    enum reset_fit reset;
    int code = tally_packet(&flow->tally, packet, &reset);

    if (!code && late_syn)
        code = tally_note(&flow->tally, ANOMALY_CAPTURED_OUT_OF_ORDER, packet->number);
    if (was_reset && !flow->tally.rst && !flow->tally.doubtful_rst) {
        flow->followers[0].state = flow->states_before_reset[0];
        flow->followers[1].state = flow->states_before_reset[1];
    }
    if (had_far_fin && flow->tally.end[place_other(from)].has_fin)
        follow_far_fin(flow, place_other(from));
    if (!flow->tally.end[from].fin_far || flow->tally.end[from].fin != packet->number)
        follow(flow, packet, reset);
    return code;
}

int feed_segment(struct flow *flow, uint64_t number, int64_t t_ns,
                 const struct segment *segment, bool stray)
{
    enum place from = flow_place(flow, &segment->source);
    uint32_t troubles = trouble_count(&flow->tally);
    uint8_t states[2] = {flow->followers[0].state, flow->followers[1].state};

    FILLED_BY_CALL struct event_packet packet;
    bool dropped = read_packet(flow, from, number, t_ns, segment, stray, &packet);
    int code =
        dropped ? tally_dropped(&flow->tally, &packet) : take_packet(flow, &packet);
    if (!code && flow->story)
        code = keep_packet(flow->story, &packet, segment,
                           trouble_count(&flow->tally) != troubles);
    if (!code && flow->story)
        code = keep_states(flow, states, t_ns);
    return code;
}
