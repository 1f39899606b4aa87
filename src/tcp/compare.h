/* The same connection in the words of the tools people know: Zeek's conn_state and
 * history, Wireshark's tcp.completeness. Their rules, not ours: neither checks the
 * numbers of FIN and RST. Each is fed packet by packet, in order, and zeroed knows
 * nothing. */
#ifndef WOSHOU_TCP_COMPARE_H
#define WOSHOU_TCP_COMPARE_H

#include "tcp/story.h"

struct zeek_end {
    uint8_t state, before; /* now, and before that */
    uint8_t once;          /* bits: 'a', 'd', 'i', 'q' written */
    uint8_t seen;          /* bits: a SYN with or without ACK, a FIN, a RST */
    bool has_payload;
    uint32_t number[3]; /* of what was seen: another one writes the letter again */
    uint32_t last;      /* behind the last number sent */
    uint32_t again, zero_windows, gaps;
};

struct zeek {
    struct zeek_end end[2];
    uint8_t length;
    char history[ZEEK_HISTORY];
};

/* Zeek's TCPSessionAdapter. Its timers and checksums ('c') are left out, and '^' stands first wherever the server was seen first: Zeek turns the roles
 * round only where the port, or a late SYN, tells it. */
void zeek_packet(struct zeek *zeek, const struct event_packet *packet);
/* Whether packets of that end that are next in order, behind `sent`, and neither SYN, FIN
 * nor RST, change nothing but how far it has sent, which zeek_sent says, and whether there
 * were data or acknowledgements alone, which zeek_sees says. */
bool zeek_is_steady(const struct zeek *zeek, enum place whose, uint32_t sent);
void zeek_sees(struct zeek *zeek, enum place whose, bool data);
void zeek_sent(struct zeek *zeek, enum place whose, uint32_t sent);
/* The numbers of that end, but for its next packet's, move by `shift`. */
void zeek_shift(struct zeek *zeek, enum place whose, uint32_t shift);
void zeek_verdict(const struct zeek *zeek, struct verdict *verdict);

struct completeness {
    bool begun, more;
    uint8_t syn, first, bits;
};

/* Wireshark's bits: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST. As it shows them once
 * it has been through the packets twice (tshark -2): a conversation's first packet is the
 * only one that counts as a SYN, and counts for anything else only the second time; each
 * packet shows what was known before it, so that one alone never does. */
void completeness_packet(struct completeness *completeness,
                         const struct event_packet *packet);
/* A packet of data, or an acknowledgement alone, of a conversation that has begun. */
void completeness_sees(struct completeness *completeness, bool data);
unsigned completeness_value(const struct completeness *completeness);

#endif
