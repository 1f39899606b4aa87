#include "tcp/compare.h"

#include <ctype.h>
#include <string.h>

#include "capture/decode.h"

enum zeek_end { INACTIVE, SYN_SENT, SYN_ACK_SENT, PARTIAL, ESTABLISHED, CLOSED, RESET };

struct zeek {
    enum zeek_end end[2];
    uint64_t bytes[2];
    bool once[2][2];       /* per end: 'a', 'd' written */
    bool seen[2][4];       /* per end: a segment of S, H, F, R was seen */
    uint32_t number[2][4]; /* and its number: another one writes the letter again */
    char *history;
    size_t length, size;
};

static void write_letter(struct zeek *zeek, enum place from, char letter)
{
    if (zeek->length + 1 < zeek->size)
        zeek->history[zeek->length++] =
            (char)(from == PLACE_CLIENT ? toupper((unsigned char)letter) : letter);
}

static void write_numbered(struct zeek *zeek, enum place from, int which, uint32_t seq)
{
    if (zeek->seen[from][which] && zeek->number[from][which] == seq)
        return;
    zeek->seen[from][which] = true;
    zeek->number[from][which] = seq;
    write_letter(zeek, from, "shfr"[which]);
}

static void write_once(struct zeek *zeek, enum place from, int which)
{
    if (zeek->once[from][which])
        return;
    zeek->once[from][which] = true;
    write_letter(zeek, from, "ad"[which]);
}

static void write_history(struct zeek *zeek, const struct event_packet *packet)
{
    int kinds = !!(packet->flags & TCP_SYN) + !!(packet->flags & TCP_FIN) +
                !!(packet->flags & TCP_RST);
    if (kinds > 1)
        write_letter(zeek, packet->from,
                     (packet->flags & TCP_FIN) && (packet->flags & TCP_RST) ? 'i' : 'q');
    else if (packet->flags & TCP_SYN)
        write_numbered(zeek, packet->from, packet->has_ack ? 1 : 0, packet->seq);
    else if (packet->flags & TCP_FIN)
        write_numbered(zeek, packet->from, 2, packet->seq);
    else if (packet->flags & TCP_RST)
        write_numbered(zeek, packet->from, 3, packet->seq);
    else if (packet->bytes)
        write_once(zeek, packet->from, 1);
    else if (packet->has_ack)
        write_once(zeek, packet->from, 0);
}

static void follow(struct zeek *zeek, const struct event_packet *packet)
{
    enum place other = packet->from == PLACE_CLIENT ? PLACE_SERVER : PLACE_CLIENT;
    enum zeek_end *self = &zeek->end[packet->from], *peer = &zeek->end[other];

    if (packet->flags & TCP_RST) {
        if (*self != CLOSED || *peer != CLOSED) /* a reset behind both FINs keeps SF */
            *self = RESET;
    } else if (packet->flags & TCP_SYN) {
        if (packet->has_ack) {
            /* The SYN-ACK alone makes both ends established. */
            if (*peer == SYN_SENT)
                *peer = *self = ESTABLISHED;
            else if (*self == INACTIVE)
                *self = SYN_ACK_SENT;
        } else if (*self == INACTIVE) {
            *self = SYN_SENT;
        }
    } else if (packet->flags & TCP_FIN) {
        *self = CLOSED;
    } else if (*self == INACTIVE) {
        *self = PARTIAL;
    }
}

static bool inactive(enum zeek_end end)
{
    return end == INACTIVE || end == PARTIAL;
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
    enum zeek_end o = zeek->end[PLACE_CLIENT], r = zeek->end[PLACE_SERVER];
    bool empty = zeek->bytes[PLACE_CLIENT] == 0 && zeek->bytes[PLACE_SERVER] == 0;

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

void compare_zeek(const struct story *story, struct verdict *verdict)
{
    struct zeek zeek = {.history = verdict->zeek_history,
                        .size = sizeof verdict->zeek_history};

    for (size_t i = 0; i < story->event_count; i++) {
        const struct event_packet *packet = &story->events[i].packet;
        if (story->events[i].kind != EVENT_PACKET)
            continue;
        write_history(&zeek, packet);
        follow(&zeek, packet);
        zeek.bytes[packet->from] += packet->bytes;
    }
    zeek.history[zeek.length] = '\0';
    strcpy(verdict->zeek_state, conn_state(&zeek));
}

unsigned compare_completeness(const struct story *story)
{
    unsigned bits = 0;
    bool first = true;

    for (size_t i = 0; i < story->event_count; i++) {
        const struct event_packet *packet = &story->events[i].packet;
        if (story->events[i].kind != EVENT_PACKET)
            continue;
        bool syn = packet->flags & TCP_SYN;
        if (first) { /* a conversation's first packet counts only as a bare SYN */
            if (syn && !packet->has_ack)
                bits |= 1 | (packet->bytes ? 8 : 0);
            first = false;
            continue;
        }
        if (syn && packet->has_ack)
            bits |= 2;
        else if (!syn && packet->has_ack)
            bits |= packet->bytes ? 8 : 4;
        else if (syn)
            bits |= 1;
        if ((packet->flags & TCP_FIN) && packet->has_ack)
            bits |= 16;
        if (packet->flags & TCP_RST)
            bits |= 32;
    }
    return bits;
}
