#include "tcp/digest.h"

#include <string.h>

#include "capture/decode.h"
#include "tcp/seq.h"

uint32_t digest_fin_end(const struct event_packet *fin)
{
    return fin->seq + fin->bytes + 1;
}

/* Whether the other end would do what a reset says (RFC 9293, 3.5.3). Answering a SYN it
 * acknowledges that SYN and nothing else counts; later its number must be one that end
 * expects, give or take a window, or one less, as some stacks send behind their FIN. */
static bool reset_heeded(const struct digest *digest, const struct event_packet *rst)
{
    enum place to = place_other(rst->from);
    const struct event_packet *syn = digest->syn[to];

    if (digest->has_acked[to])
        return seq_within_reach(rst->seq, digest->acked[to] - 1);
    if (syn && !digest->syn_ack)
        return rst->has_ack && rst->ack - 1 <= syn->bytes;
    return true;
}

/* A connection opens once its SYN-ACK is acknowledged: by the other end, or, where one
 * direction is not seen, as shown by what could not be sent before. */
static void digest_opening(struct digest *digest, const struct event_packet *packet)
{
    enum place from = packet->from;
    bool acks_syn_ack = digest->syn_ack && from != digest->syn_ack->from;
    bool acks_unseen = !digest->syn_ack && digest->syn[from] && from == PLACE_CLIENT;

    if (packet->flags & TCP_SYN) {
        if (packet->has_ack && !digest->syn_ack)
            digest->syn_ack = packet;
        if (!packet->has_ack && !digest->syn[from])
            digest->syn[from] = packet;
        return;
    }
    if (packet->fate == FATE_LOST || !packet->has_ack || digest->opened)
        return;
    if ((acks_syn_ack || acks_unseen) && seq_at_or_after(packet->ack, 1)) {
        digest->syn_ack_acked = packet;
        digest->opened = true;
    } else if (digest->syn_ack && from == digest->syn_ack->from &&
               (packet->bytes || seq_before(digest->syn_ack->ack, packet->ack))) {
        digest->opened = true;
    }
    if (digest->opened)
        digest->rst = NULL; /* one from before ended something else */
}

static void digest_packet(struct digest *digest, const struct event_packet *packet)
{
    enum place from = packet->from, other = place_other(from);
    bool lost = packet->fate == FATE_LOST;

    if (packet->flags & TCP_RST) {
        if (!digest->rst && !lost && reset_heeded(digest, packet))
            digest->rst = packet;
        return;
    }
    digest_opening(digest, packet);
    if (packet->has_ack && !lost && digest->fin[other] && !digest->fin_acked[other] &&
        seq_at_or_after(packet->ack, digest_fin_end(digest->fin[other]))) {
        digest->fin_acked[other] = packet;
        digest->fin_acked_apart[other] = !(packet->flags & TCP_FIN);
    }
    /* One without ACK is dropped (3.10.7.4, fifth), and one from the wire was sent by
     * nobody. */
    if (packet->fate == FATE_INJECTED || !packet->has_ack)
        return;
    if ((packet->flags & TCP_FIN) && !digest->fin[from]) {
        digest->fin[from] = packet;
        if (digest->first_fin == PLACE_WIRE)
            digest->first_fin = from;
    }
    /* What was acknowledged before a SYN was another connection's. */
    bool goes_on = digest->has_acked[from] && !(packet->flags & TCP_SYN);
    digest->acked[from] =
        goes_on ? seq_later(digest->acked[from], packet->ack) : packet->ack;
    digest->has_acked[from] = true;
}

struct digest digest_story(const struct story *story)
{
    struct digest digest = {.first_fin = PLACE_WIRE};
    for (size_t i = 0; i < story->event_count; i++) {
        const struct event *event = &story->events[i];
        if (event->kind == EVENT_PACKET)
            digest_packet(&digest, &event->packet);
        if (event->kind == EVENT_CALL && event->call.returns &&
            strcmp(event->call.name, "connect") == 0 && event->call.result < 0) {
            digest.connect_failed = true;
            digest.connect_error = event->call.result;
        }
    }
    return digest;
}
