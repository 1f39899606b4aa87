#include "tcp/compare.h"

#include <ctype.h>
#include <string.h>

#include "capture/decode.h"
#include "tcp/seq.h"

/* Letters that are written once. */
enum { ONCE_ACK, ONCE_DATA, ONCE_FIN_RST, ONCE_OTHERS };
enum { COMPLETE_ACK = 4, COMPLETE_DATA = 8 };
enum zeek_state { INACTIVE, SYN_SENT, SYN_ACK_SENT, PARTIAL, ESTABLISHED, CLOSED, RESET };

static void write_letter(struct zeek *zeek, enum place from, char letter)
{
    if (zeek->length + 1u < sizeof zeek->history)
        zeek->history[zeek->length++] =
            (char)(from == PLACE_CLIENT ? toupper((unsigned char)letter) : letter);
}

static void write_numbered(struct zeek *zeek, enum place from, int which, char letter,
                           uint32_t number)
{
    struct zeek_end *end = &zeek->end[from];
    if ((end->seen & 1 << which) && end->number[which] == number)
        return;
    end->seen |= (uint8_t)(1 << which);
    end->number[which] = number;
    write_letter(zeek, from, letter);
}

static void write_once(struct zeek *zeek, enum place from, int which)
{
    if (zeek->end[from].once & 1 << which)
        return;
    zeek->end[from].once |= (uint8_t)(1 << which);
    write_letter(zeek, from, "adiq"[which]);
}

/* Letters of what may come often: the first time, the tenth, the hundredth, ... */
static void write_scaled(struct zeek *zeek, enum place from, uint32_t *count, char letter)
{
    uint32_t power = ++*count;
    while (power % 10 == 0)
        power /= 10;
    if (power == 1)
        write_letter(zeek, from, letter);
}

static void write_flags(struct zeek *zeek, const struct event_packet *packet)
{
    int kinds = !!(packet->flags & TCP_SYN) + !!(packet->flags & TCP_FIN) +
                !!(packet->flags & TCP_RST);
    if (kinds > 1)
        write_once(zeek, packet->from,
                   (packet->flags & TCP_FIN) && (packet->flags & TCP_RST) ? ONCE_FIN_RST
                                                                          : ONCE_OTHERS);
    else if (packet->flags & TCP_SYN)
        write_numbered(zeek, packet->from, 0, packet->has_ack ? 'h' : 's', packet->seq);
    else if (packet->flags & TCP_FIN)
        write_numbered(zeek, packet->from, 1, 'f', packet->seq + packet->bytes);
    else if (packet->flags & TCP_RST)
        write_numbered(zeek, packet->from, 2, 'r', packet->seq);
    else if (packet->bytes)
        write_once(zeek, packet->from, ONCE_DATA);
    else if (packet->has_ack)
        write_once(zeek, packet->from, ONCE_ACK);
}

/* Zeek's retransmissions: payload that reaches no further than what was sent. Its numbers
 * begin with the first packet, or anew with a SYN: behind that SYN's own payload, so that
 * a SYN with data counts as one. */
static void write_again(struct zeek *zeek, const struct event_packet *packet)
{
    struct zeek_end *end = &zeek->end[packet->from];
    uint32_t payload = packet->flags & TCP_RST ? 0 : packet->bytes;
    uint32_t behind =
        packet->seq + payload + !!(packet->flags & TCP_SYN) + !!(packet->flags & TCP_FIN);

    if (packet->flags & TCP_SYN && end->state != CLOSED && end->state != RESET)
        end->last = behind;
    else if (end->state == INACTIVE)
        end->last = packet->seq;
    if (end->state == RESET)
        return;
    if (seq_before(end->last, behind))
        end->last = behind;
    else if (packet->bytes)
        write_scaled(zeek, packet->from, &end->again, 't');
}

static void write_history(struct zeek *zeek, const struct event_packet *packet)
{
    struct zeek_end *self = &zeek->end[packet->from];
    struct zeek_end *peer = &zeek->end[place_other(packet->from)];

    write_flags(zeek, packet);
    if (packet->acks_unseen) /* a gap is its sender's */
        write_scaled(zeek, place_other(packet->from), &peer->gaps, 'g');
    if (packet->window == 0 && !(packet->flags & TCP_RST) && self->state != RESET &&
        peer->state != CLOSED)
        write_scaled(zeek, packet->from, &self->zero_windows, 'w');
    write_again(zeek, packet);
}

static void enter(struct zeek_end *end, enum zeek_state state)
{
    if (end->state == state)
        return;
    end->before = end->state;
    end->state = (uint8_t)state;
}

/* The first that is seen of an end. */
static void begin(struct zeek *zeek, const struct event_packet *packet)
{
    struct zeek_end *self = &zeek->end[packet->from];
    struct zeek_end *peer = &zeek->end[place_other(packet->from)];
    bool originator = packet->from == PLACE_CLIENT;

    if ((packet->flags & TCP_SYN) && originator) {
        /* A SYN behind its own SYN-ACK was captured out of order. */
        enter(self, packet->has_ack              ? SYN_ACK_SENT
                    : peer->state == ESTABLISHED ? ESTABLISHED
                                                 : SYN_SENT);
    } else if (packet->flags & TCP_SYN) {
        /* The SYN-ACK, or a crossing SYN, alone makes both ends established. */
        if (peer->state == SYN_SENT)
            enter(peer, ESTABLISHED);
        enter(self, ESTABLISHED);
    }
    if (packet->flags & TCP_FIN)
        enter(self, CLOSED);
    if (packet->flags & TCP_RST)
        enter(self, RESET);
    if (self->state != INACTIVE)
        return;
    if (!originator && packet->bytes == 0 && peer->state == SYN_SENT)
        return; /* an ACK of the SYN before the SYN-ACK */
    enter(self, packet->has_ack && peer->state == ESTABLISHED ? ESTABLISHED : PARTIAL);
}

static void follow(struct zeek *zeek, const struct event_packet *packet)
{
    struct zeek_end *self = &zeek->end[packet->from];
    struct zeek_end *peer = &zeek->end[place_other(packet->from)];
    bool fin = packet->flags & TCP_FIN, rst = packet->flags & TCP_RST;

    switch (self->state) {
    case INACTIVE: begin(zeek, packet); break;
    case SYN_SENT:
    case SYN_ACK_SENT:
        if (fin)
            enter(self, CLOSED);
        if (rst)
            enter(self, RESET);
        break;
    case PARTIAL:
    case ESTABLISHED:
        if ((packet->flags & TCP_SYN) && !packet->has_ack && self->state == PARTIAL &&
            peer->state == INACTIVE)
            enter(self, SYN_SENT);
        if (fin && !rst) {
            enter(self, CLOSED);
            /* The peer's FIN and then a reset: a normal ending after all. */
            if (peer->state == RESET && peer->before == CLOSED)
                enter(peer, CLOSED);
        }
        if (rst)
            enter(self, RESET);
        break;
    case CLOSED:
        if (rst && peer->state != CLOSED)
            enter(self, RESET);
        break;
    case RESET: break;
    }
}

static bool inactive(enum zeek_state state)
{
    return state == INACTIVE || state == PARTIAL;
}

/* `^?S[^HAFGIQ]*R`: the originator's SYN and its reset, and nothing else of its own
 * between. */
static bool syn_then_reset(const char *history)
{
    if (*history == '^')
        history++;
    if (*history++ != 'S')
        return false;
    return history[strcspn(history, "HAFGIQR")] == 'R';
}

static const char *conn_state(const struct zeek *zeek)
{
    enum zeek_state o = (enum zeek_state)zeek->end[PLACE_CLIENT].state;
    enum zeek_state r = (enum zeek_state)zeek->end[PLACE_SERVER].state;
    bool empty =
        !zeek->end[PLACE_CLIENT].has_payload && !zeek->end[PLACE_SERVER].has_payload;

    if (r == RESET) {
        if (o == SYN_SENT || o == SYN_ACK_SENT || (o == RESET && empty))
            return "REJ";
        return inactive(o) ? "RSTRH" : "RSTR";
    }
    if (o == RESET) {
        if (inactive(r))
            return syn_then_reset(zeek->history) ? "RSTOS0" : "OTH";
        return "RSTO";
    }
    if (o == CLOSED && r == CLOSED)
        return "SF";
    if (o == CLOSED)
        return inactive(r) ? "SH" : "S2";
    if (r == CLOSED)
        return inactive(o) ? "SHR" : "S3";
    if (o == SYN_SENT && r == INACTIVE)
        return "S0";
    return o == ESTABLISHED && r == ESTABLISHED ? "S1" : "OTH";
}

void zeek_packet(struct zeek *zeek, const struct event_packet *packet)
{
    /* Roles are turned round where the first packet is the server's. */
    if (zeek->length == 0 && packet->from == PLACE_SERVER)
        zeek->history[zeek->length++] = '^';
    write_history(zeek, packet);
    follow(zeek, packet);
    zeek->end[packet->from].has_payload |= packet->bytes > 0;
}

bool zeek_is_steady(const struct zeek *zeek, enum place whose, uint32_t sent)
{
    const struct zeek_end *end = &zeek->end[whose];
    return end->state == ESTABLISHED && end->last == sent;
}

void zeek_sees(struct zeek *zeek, enum place whose, bool data)
{
    write_once(zeek, whose, data ? ONCE_DATA : ONCE_ACK);
    zeek->end[whose].has_payload |= data;
}

void zeek_sent(struct zeek *zeek, enum place whose, uint32_t sent)
{
    zeek->end[whose].last = sent;
}

void zeek_shift(struct zeek *zeek, enum place whose, uint32_t shift)
{
    struct zeek_end *end = &zeek->end[whose];
    for (int which = 0; which < 3; which++)
        end->number[which] += shift;
    end->last += shift;
}

void zeek_verdict(const struct zeek *zeek, struct verdict *verdict)
{
    memcpy(verdict->zeek_history, zeek->history, sizeof zeek->history);
    memcpy(verdict->zeek_state, conn_state(zeek), strlen(conn_state(zeek)) + 1);
}

/* What a packet of a conversation that is known counts for. */
static uint8_t completeness_bits(const struct event_packet *packet)
{
    bool syn = packet->flags & TCP_SYN, ack = packet->has_ack;
    uint8_t bits = 0;

    if (syn && ack)
        bits |= 2;
    else if (ack)
        bits |= packet->bytes ? COMPLETE_DATA : COMPLETE_ACK;
    if ((packet->flags & TCP_FIN) && ack)
        bits |= 16;
    if (packet->flags & TCP_RST)
        bits |= 32;
    return bits;
}

void completeness_packet(struct completeness *completeness,
                         const struct event_packet *packet)
{
    uint8_t bits = completeness_bits(packet);

    if (completeness->begun) {
        completeness->more = true;
        completeness->bits |= bits;
        return;
    }
    completeness->begun = true;
    completeness->first = bits;
    if ((packet->flags & TCP_SYN) && !packet->has_ack)
        completeness->syn = (uint8_t)(1 | (packet->bytes ? 8 : 0));
}

void completeness_sees(struct completeness *completeness, bool data)
{
    completeness->more = true;
    completeness->bits |= data ? COMPLETE_DATA : COMPLETE_ACK;
}

unsigned completeness_value(const struct completeness *completeness)
{
    return completeness->bits | completeness->syn |
           (completeness->more ? completeness->first : 0);
}
