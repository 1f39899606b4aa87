#include "tcp/follower.h"

#include "capture/decode.h"
#include "tcp/numbers.h"
#include "tcp/seq.h"
#include "tcp/state.h"

/* No TCP sends a FIN without ACK, nor takes one (3.10.7.4, fifth). */
static bool is_fin(const struct event_packet *packet)
{
    return (packet->flags & TCP_FIN) && packet->has_ack;
}

static enum state_event sent(const struct event_packet *packet)
{
    if (packet->flags & TCP_RST)
        return SENT_RST;
    if (packet->flags & TCP_SYN)
        return packet->has_ack ? SENT_SYN_ACK : SENT_SYN;
    return is_fin(packet) ? SENT_FIN : SENT_OTHER;
}

static enum state_event received(const struct follower *end,
                                 const struct event_packet *packet)
{
    bool of_fin =
        packet->has_ack && end->sent_fin && seq_at_or_after(packet->ack, end->fin_end);
    if (packet->flags & TCP_RST)
        return RECEIVED_RST;
    if (packet->flags & TCP_SYN)
        return packet->has_ack ? RECEIVED_SYN_ACK : RECEIVED_SYN;
    if (packet->flags & TCP_FIN)
        return of_fin ? RECEIVED_FIN_ACK_OF_FIN : RECEIVED_FIN;
    return of_fin ? RECEIVED_ACK_OF_FIN : RECEIVED_ACK;
}

static bool acks_syn(const struct follower *end, const struct event_packet *packet)
{
    return packet->has_ack && seq_at_or_after(packet->ack, 1) &&
           seq_at_or_after(end->sent_end, packet->ack);
}

/* Whether the end does what the segment says (RFC 9293, 3.5.3 and 3.10.7; RFC 5961, 3.2),
 * as far as an observer can tell: what it would drop or only answer changes no state. One
 * number before what it expects is let pass, some stacks reset with their FIN's own. */
static bool heeds(const struct follower *end, const struct event_packet *packet)
{
    if (packet->flags & TCP_RST) {
        if (end->state == STATE_SYN_SENT)
            return acks_syn(end, packet);
        return !end->has_acked || seq_within_reach(packet->seq, end->acked - 1);
    }
    if (!packet->has_ack) /* only a SYN may come without */
        return packet->flags & TCP_SYN;
    if (end->state == STATE_SYN_SENT)
        return acks_syn(end, packet);
    if (end->state == STATE_SYN_RECEIVED)
        return seq_within_reach(packet->ack, 1);
    bool fin = (packet->flags & TCP_FIN) && !(packet->flags & TCP_SYN);
    return !fin || !end->has_acked ||
           seq_within_reach(packet->seq + packet->bytes, end->acked);
}

static void note_sent(struct follower *end, const struct event_packet *packet)
{
    uint32_t packet_end = packet->seq + packet_length(packet);
    if (packet->flags & TCP_RST)
        return;
    /* A new SYN begins anew: what came before it was another connection's. */
    if ((packet->flags & TCP_SYN) && !packet->retransmission) {
        end->sent_end = packet_end;
        end->has_acked = false;
    } else if (seq_before(end->sent_end, packet_end)) {
        end->sent_end = packet_end;
    }
    if (is_fin(packet)) {
        end->sent_fin = true;
        end->fin_end = packet_end;
    }
    if (packet->has_ack) {
        end->acked = end->has_acked ? seq_later(end->acked, packet->ack) : packet->ack;
        end->has_acked = true;
    }
}

void follower_sends(struct follower *end, const struct event_packet *packet)
{
    end->state = (uint8_t)state_after((enum tcp_state)end->state, sent(packet));
    note_sent(end, packet);
}

bool follower_receives(struct follower *end, const struct event_packet *packet)
{
    if (!heeds(end, packet))
        return false;
    end->state = (uint8_t)state_after((enum tcp_state)end->state, received(end, packet));
    return true;
}
