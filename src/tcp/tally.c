/* Adding packets up: the rules of what counts. What it comes to is judged in verdict.c. */
#include "tcp/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "capture/decode.h"
#include "tcp/numbers.h"
#include "tcp/seq.h"
#include "tcp/trouble.h"

void tally_done(struct tally *tally)
{
    free(tally->trouble);
    tally->trouble = NULL;
}

int tally_note(struct tally *tally, enum anomaly_kind kind, uint64_t number)
{
    if (!tally->trouble)
        tally->trouble = calloc(1, sizeof *tally->trouble);
    if (!tally->trouble)
        return ERROR_MEMORY;
    trouble_note(tally->trouble, kind, number);
    return 0;
}

void tally_connect_failed(struct tally *tally, int64_t result)
{
    tally->connect_failed = true;
    tally->connect_error = (int32_t)result;
}

void tally_icmp(struct tally *tally, uint64_t number, const struct icmp_note *note)
{
    if (tally->opened || tally->icmp.family)
        return;
    tally->icmp = *note;
    tally->icmp_number = number;
}

void tally_shift(struct tally *tally, enum place whose, uint32_t shift)
{
    struct tally_end *end = &tally->end[whose], *other = &tally->end[place_other(whose)];
    other->acked += shift;
    other->edge += shift;
    end->fin_end += shift;
    end->reached += shift;
    end->end += shift;
    zeek_shift(&tally->zeek, whose, shift);
}

/* --- resets --- */

/* What the receiver of a reset makes of it (RFC 9293, 3.5.3; RFC 5961, 3.2). Answering a
 * SYN it acknowledges that SYN and nothing else counts; later its number must be the one
 * expected, which lies between what the receiver has acknowledged and what its peer has
 * sent, or one less, as some stacks send behind their FIN. */
static enum reset_fit fit_reset(const struct tally *tally, const struct event_packet *rst)
{
    const struct tally_end *to = &tally->end[place_other(rst->from)];
    const struct tally_end *from = &tally->end[rst->from];

    if (!to->has_acked) {
        if (to->syn && !tally->syn_ack)
            return rst->has_ack && rst->ack - 1 <= to->syn_bytes ? RESET_HEEDED
                                                                 : RESET_IGNORED;
        return RESET_HEEDED;
    }
    uint32_t ahead = rst->seq - (to->acked - 1);
    uint32_t known = seq_later(from->end, to->acked) - (to->acked - 1);
    uint32_t window = seq_later(to->edge, to->acked) - (to->acked - 1);
    if (ahead <= known)
        return RESET_HEEDED;
    return ahead <= window ? RESET_DOUBTFUL : RESET_IGNORED;
}

static int add_reset(struct tally *tally, const struct event_packet *packet,
                     enum reset_fit *ret_reset)
{
    bool lost = packet->fate == FATE_LOST;

    tally->reset_seen |= packet->from == PLACE_SERVER;
    *ret_reset = lost ? RESET_IGNORED : fit_reset(tally, packet);
    if (lost || *ret_reset == RESET_IGNORED) {
        tally->end[place_other(packet->from)].provoked = !lost;
        return lost ? 0 : tally_note(tally, ANOMALY_RST_IGNORED, packet->number);
    }
    if (*ret_reset == RESET_HEEDED && !tally->rst) {
        tally->rst = packet->number;
        tally->rst_from = (uint8_t)packet->from;
    } else if (*ret_reset == RESET_DOUBTFUL && !tally->doubtful_rst) {
        tally->doubtful_rst = packet->number;
        tally->doubtful_from = (uint8_t)packet->from;
        tally->end[place_other(packet->from)].provoked = true;
    }
    tally->end[0].sent_after_reset = tally->end[1].sent_after_reset = false;
    return 0;
}

/* An end goes on after a reset: a doubtful one was not heeded if its receiver does; one
 * that fitted was nobody's if both do, the one that seemed to send it and the one it
 * reached. */
static int doubt_resets(struct tally *tally, const struct event_packet *packet)
{
    enum place from = packet->from;
    int code = 0;

    if (tally->doubtful_rst && from == place_other((enum place)tally->doubtful_from)) {
        code = tally_note(tally, ANOMALY_RST_IGNORED, tally->doubtful_rst);
        tally->doubtful_rst = 0;
    }
    if (code || !tally->rst || (packet->flags & TCP_SYN))
        return code;
    tally->end[from].sent_after_reset = true;
    if (!tally->end[0].sent_after_reset || !tally->end[1].sent_after_reset ||
        !tally->opened)
        return 0;
    code = tally_note(tally, ANOMALY_RST_IGNORED, tally->rst);
    tally->rst = 0;
    return code;
}

/* --- opening and closing --- */

static int64_t seen_ns(const struct event_packet *packet)
{
    return packet->sent_ns != UNSEEN_NS ? packet->sent_ns : packet->received_ns;
}

static void add_syn(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *end = &tally->end[packet->from];

    end->shift = packet->window_shift;
    end->sent_syn_ack |= packet->has_ack;
    if (packet->has_ack && !tally->syn_ack) {
        tally->syn_ack = packet->number;
        tally->syn_ack_from = (uint8_t)packet->from;
        tally->syn_ack_ack = packet->ack;
    }
    if (packet->has_ack)
        return;
    tally->syns += packet->from == PLACE_CLIENT;
    if (end->syn)
        return;
    end->syn = packet->number;
    end->syn_bytes = packet->bytes;
    if (packet->from == PLACE_CLIENT)
        tally->syn_ns = seen_ns(packet);
}

/* A connection opens once its SYN-ACK is acknowledged: by the other end, or, where one
 * direction is not seen, as shown by what could not be sent before. */
static void add_opening(struct tally *tally, const struct event_packet *packet)
{
    enum place from = packet->from;
    bool acks_syn_ack = tally->syn_ack && from != tally->syn_ack_from;
    bool acks_unseen = !tally->syn_ack && tally->end[from].syn && from == PLACE_CLIENT;

    if (packet->fate == FATE_LOST || !packet->has_ack || tally->opened)
        return;
    if ((acks_syn_ack || acks_unseen) && seq_at_or_after(packet->ack, 1)) {
        tally->syn_ack_acked = packet->number;
        tally->syn_ack_acked_from = (uint8_t)from;
        tally->syn_ack_acked_ns = seen_ns(packet);
        tally->opened = true;
    } else if (tally->syn_ack && from == tally->syn_ack_from &&
               (packet->bytes || seq_before(tally->syn_ack_ack, packet->ack))) {
        tally->opened = true;
    }
    if (tally->opened)
        tally->rst = 0; /* one from before ended something else */
}

static void take_fin(struct tally *tally, enum place from)
{
    tally->end[from].has_fin = true;
    tally->end[from].fin_far = false;
    if (!tally->has_fin)
        tally->first_fin = (uint8_t)from;
    tally->has_fin = true;
}

static void add_ack_of_fin(struct tally *tally, const struct event_packet *packet)
{
    enum place whose = place_other(packet->from);
    struct tally_end *other = &tally->end[whose];

    if (!packet->has_ack || packet->fate == FATE_LOST)
        return;
    if (other->fin_far && packet->ack == other->fin_end)
        take_fin(tally, whose);
    if (!other->has_fin || other->fin_acked ||
        !seq_at_or_after(packet->ack, other->fin_end))
        return;
    other->fin_acked = packet->number;
    other->fin_acked_apart = !(packet->flags & TCP_FIN);
}

enum fin_fit { FIN_FITS, FIN_FAR, FIN_BEHIND };

/* A FIN its receiver has no room for is none. One that follows on what its sender has
 * sent has room, though the capture may lack what made it. */
static enum fin_fit fit_fin(const struct tally *tally, const struct event_packet *packet)
{
    const struct tally_end *to = &tally->end[place_other(packet->from)];
    const struct tally_end *from = &tally->end[packet->from];
    uint32_t at = packet->seq + packet->bytes;

    if (!to->has_acked)
        return FIN_FITS;
    if (!seq_within_reach(at, to->acked))
        return FIN_BEHIND;
    bool follows = from->has_sent && seq_at_or_after(from->end, packet->seq);
    return follows || seq_at_or_after(to->edge, at) ? FIN_FITS : FIN_FAR;
}

bool tally_fin_is_far(const struct tally *tally, const struct event_packet *packet)
{
    return (packet->flags & TCP_FIN) && packet->has_ack &&
           !(packet->flags & (TCP_SYN | TCP_RST)) && !tally->end[packet->from].has_fin &&
           fit_fin(tally, packet) == FIN_FAR;
}

static int add_fin(struct tally *tally, const struct event_packet *packet,
                   enum fin_fit fit)
{
    struct tally_end *end = &tally->end[packet->from];

    if (!(packet->flags & TCP_FIN) || end->has_fin)
        return 0;
    if (fit == FIN_BEHIND)
        return packet->retransmission
                   ? 0
                   : tally_note(tally, ANOMALY_FIN_IGNORED, packet->number);
    uint32_t fin_end = packet->seq + packet->bytes + 1;
    uint64_t another = end->fin_far && end->fin_end != fin_end ? end->fin : 0;
    end->fin = packet->number;
    end->fin_end = fin_end;
    end->fin_ack = packet->ack;
    end->fin_far = fit == FIN_FAR;
    if (fit == FIN_FITS)
        take_fin(tally, packet->from);
    return another ? tally_note(tally, ANOMALY_FIN_IGNORED, another) : 0;
}

/* Whoever goes on with data where a far FIN had its number has not sent that. */
static int doubt_fin(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *end = &tally->end[packet->from];
    if (!end->fin_far || !packet->bytes ||
        seq_before(packet->seq + packet->bytes, end->fin_end))
        return 0;
    end->fin_far = false;
    return tally_note(tally, ANOMALY_FIN_IGNORED, end->fin);
}

/* Not at all where either end is seen not to offer it; and as far as can be where its own
 * SYN was not seen. */
int tally_window_shift(const struct tally *tally, enum place whose)
{
    const struct tally_end *end = &tally->end[whose];
    const struct tally_end *other = &tally->end[place_other(whose)];
    bool known = end->syn || end->sent_syn_ack;
    bool other_known = other->syn || other->sent_syn_ack;

    if ((known && end->shift < 0) || (other_known && other->shift < 0))
        return 0;
    return known ? end->shift : 14;
}

/* What an end has acknowledged, and how far it lets its peer send. The window of a SYN is
 * never scaled. */
static void add_ack(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *end = &tally->end[packet->from];
    bool syn = packet->flags & TCP_SYN;
    /* What was acknowledged before a SYN was another connection's. */
    bool goes_on = end->has_acked && !syn;
    int shift = syn ? 0 : tally_window_shift(tally, packet->from);
    uint32_t edge = packet->ack + ((uint32_t)packet->window << shift);

    end->acked = goes_on ? seq_later(end->acked, packet->ack) : packet->ack;
    end->edge = goes_on ? seq_later(end->edge, edge) : edge;
    end->has_acked = true;
}

/* --- bytes --- */

/* Payload bytes of a packet that no packet of that end before it reached; or that fill
 * what was missing. */
static uint32_t new_bytes(const struct event_packet *packet, uint32_t reached)
{
    uint32_t begin = packet->seq + !!(packet->flags & TCP_SYN);
    uint32_t end = begin + packet->bytes;

    if (seq_at_or_after(reached, end))
        return packet->retransmission ? 0 : packet->bytes;
    return seq_before(begin, reached) ? end - reached : end - begin;
}

static void add_bytes(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *end = &tally->end[packet->from];
    uint32_t to = packet->seq + !!(packet->flags & TCP_SYN) + packet->bytes;
    uint32_t whole = packet->seq + packet_length(packet);
    /* A new SYN begins anew; one sent again does not take back what it reached. */
    bool goes_on =
        end->has_sent && (packet->retransmission || !(packet->flags & TCP_SYN));

    if (packet->bytes)
        end->bytes += new_bytes(packet, end->has_sent ? end->reached : packet->seq);
    end->reached = goes_on ? seq_later(end->reached, to) : to;
    end->end = goes_on ? seq_later(end->end, whole) : whole;
    end->has_sent = true;
}

/* --- anomalies --- */

/* A probe has the number before the next one, and nothing or one byte (RFC 9293, 3.8.4). */
static bool is_probe(const struct tally *tally, const struct event_packet *packet)
{
    const struct tally_end *end = &tally->end[packet->from];
    const struct tally_end *other = &tally->end[place_other(packet->from)];
    return !(packet->flags & (TCP_SYN | TCP_FIN | TCP_RST)) && packet->bytes <= 1 &&
           end->has_sent && other->has_acked && other->acked == end->end &&
           packet->seq == end->end - 1;
}

static int add_probe(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *end = &tally->end[packet->from];
    uint64_t before = end->probe;

    end->probe = packet->number;
    end->probes++;
    return before ? tally_note(tally, ANOMALY_KEEPALIVE_UNANSWERED, before) : 0;
}

bool tally_drops(const struct tally *tally, const struct event_packet *packet)
{
    const struct tally_end *end = &tally->end[packet->from];
    /* After 24 days they may have wrapped around. */
    const int64_t days_ns = INT64_C(24) * 86400 * NS_PER_S;
    return seen_ns(packet) / 2 - tally->end_ns / 2 < days_ns / 2 && packet->timestamps &&
           end->has_timestamps && seq_before(packet->tsval, end->tsval) &&
           packet->bytes && !(packet->flags & (TCP_SYN | TCP_RST)) &&
           seq_at_or_after(packet->seq, end->reached);
}

static void add_timestamp(struct tally_end *end, const struct event_packet *packet)
{
    if (!packet->timestamps)
        return;
    bool later = !end->has_timestamps || !seq_before(packet->tsval, end->tsval) ||
                 (packet->flags & TCP_SYN);
    if (later)
        end->tsval = packet->tsval;
    end->has_timestamps = true;
}

/* A bare ACK in answer to a SYN it does not take, or to a reset (RFC 5961, 3.2 and 4.2). */
static bool is_challenge(const struct tally *tally, const struct event_packet *packet)
{
    const struct tally_end *end = &tally->end[packet->from];
    return end->provoked && packet->has_ack && !packet->bytes &&
           !(packet->flags & (TCP_SYN | TCP_FIN | TCP_RST));
}

/* Where both open at once, each SYN is followed by a SYN-ACK of the same number. */
static bool is_first_syn_ack(const struct tally *tally, const struct event_packet *packet)
{
    return (packet->flags & TCP_SYN) && packet->has_ack &&
           !tally->end[packet->from].sent_syn_ack;
}

static enum anomaly_kind again_kind(const struct event_packet *packet)
{
    if (packet->flags & TCP_SYN)
        return packet->has_ack ? ANOMALY_SYNACK_RETRANSMITTED : ANOMALY_SYN_RETRANSMITTED;
    return packet->flags & TCP_FIN ? ANOMALY_FIN_RETRANSMITTED
                                   : ANOMALY_DATA_RETRANSMITTED;
}

static int note_anomalies(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *end = &tally->end[packet->from];
    uint64_t number = packet->number;
    bool again = packet->retransmission && !is_first_syn_ack(tally, packet);
    bool rst = packet->flags & TCP_RST;
    int code = 0;

    if (is_probe(tally, packet))
        code = add_probe(tally, packet);
    else if (again && (packet->bytes || packet->flags & (TCP_SYN | TCP_FIN)))
        code = tally_note(tally, again_kind(packet), number);
    if (!code && packet->window == 0 && !(packet->flags & (TCP_RST | TCP_SYN)))
        code = tally_note(tally, ANOMALY_ZERO_WINDOW, number);
    if (!code && end->has_fin && packet->bytes && !again && !rst &&
        seq_at_or_after(packet->seq, end->fin_end - 1))
        code = tally_note(tally, ANOMALY_DATA_AFTER_CLOSE, number);
    if (!code && packet->acks_unseen)
        code = tally_note(tally, ANOMALY_SEQUENCE_GAP, number);
    if (!code && is_challenge(tally, packet))
        code = tally_note(tally, ANOMALY_CHALLENGE_ACK, number);
    return code;
}

/* --- a packet --- */

static void add_time(struct tally *tally, const struct event_packet *packet)
{
    int64_t sent_ns = seen_ns(packet), last_ns = sent_ns;
    if (packet->received_ns != UNSEEN_NS && packet->received_ns > last_ns)
        last_ns = packet->received_ns;
    if (tally->packets == 0 || sent_ns < tally->start_ns)
        tally->start_ns = sent_ns;
    if (tally->packets == 0 || last_ns > tally->end_ns)
        tally->end_ns = last_ns;
}

/* What the packet provokes at its receiver: a SYN to an end that has one already. */
static void provoke(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *from = &tally->end[packet->from];
    struct tally_end *to = &tally->end[place_other(packet->from)];
    bool bare_syn = (packet->flags & TCP_SYN) && !packet->has_ack;

    from->provoked = false;
    to->probe = 0;
    to->probes = 0;
    to->provoked = bare_syn && (to->has_acked || !to->has_sent);
}

/* Counts it, in our words and in the tools'. */
static void count(struct tally *tally, const struct event_packet *packet)
{
    if (tally->packets == 0)
        tally->end[0].shift = tally->end[1].shift = -1;
    add_time(tally, packet);
    tally->packets++;
    zeek_packet(&tally->zeek, packet);
    completeness_packet(&tally->completeness, packet);
}

/* A SYN of another number than the one that the connection began with. */
static bool is_stray_syn(const struct tally *tally, const struct event_packet *packet)
{
    return (packet->flags & TCP_SYN) && !packet->has_ack && tally->opened &&
           tally->end[packet->from].syn && !packet->retransmission;
}

static int drop(struct tally *tally, const struct event_packet *packet)
{
    struct tally_end *to = &tally->end[place_other(packet->from)];
    if (!(packet->flags & TCP_SYN))
        return tally_note(tally, ANOMALY_PAWS_REJECTED, packet->number);
    to->provoked = true;
    return 0;
}

int tally_dropped(struct tally *tally, const struct event_packet *packet)
{
    count(tally, packet);
    return drop(tally, packet);
}

int tally_packet(struct tally *tally, const struct event_packet *packet,
                 enum reset_fit *ret_reset)
{
    bool unsent = packet->fate == FATE_DUPLICATED || packet->fate == FATE_INJECTED;
    struct tally_end *end = &tally->end[packet->from];
    enum reset_fit reset = RESET_NONE;
    int code = 0;

    bool drops = tally_drops(tally, packet);
    count(tally, packet);
    if (packet->flags & TCP_RST) {
        code = add_reset(tally, packet, &reset);
        if (ret_reset)
            *ret_reset = reset;
        return code;
    }
    if (ret_reset)
        *ret_reset = RESET_NONE;
    if (packet->fate != FATE_DUPLICATED && (drops || is_stray_syn(tally, packet)))
        return packet->fate == FATE_LOST ? 0 : drop(tally, packet);
    if (!unsent)
        code = note_anomalies(tally, packet);
    if (!unsent && !code)
        code = doubt_resets(tally, packet);
    if (!unsent && !code)
        code = doubt_fin(tally, packet);
    if (code)
        return code;
    if (packet->flags & TCP_SYN)
        add_syn(tally, packet);
    else
        add_opening(tally, packet);
    add_ack_of_fin(tally, packet);
    enum fin_fit fin = packet->flags & TCP_FIN ? fit_fin(tally, packet) : FIN_FITS;
    if (!unsent && fin != FIN_FAR) {
        provoke(tally, packet);
        add_bytes(tally, packet);
        add_timestamp(end, packet);
    }
    /* One without ACK is dropped (3.10.7.4, fifth), and one from the wire was sent by
     * nobody. */
    if (packet->fate == FATE_INJECTED || !packet->has_ack)
        return 0;
    code = add_fin(tally, packet, fin);
    add_ack(tally, packet);
    return code;
}

bool tally_ended(const struct tally *tally)
{
    return tally->rst || tally->doubtful_rst ||
           (tally->end[0].fin_acked && tally->end[1].fin_acked);
}
