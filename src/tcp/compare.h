/* The same connection in the words of the tools people know: Zeek's conn_state and
 * history, Wireshark's tcp.completeness. Their rules, not ours: neither checks the
 * numbers of FIN and RST. */
#ifndef WOSHOU_TCP_COMPARE_H
#define WOSHOU_TCP_COMPARE_H

#include "tcp/story.h"

/* Fills in zeek_state and zeek_history (Zeek's TCPSessionAdapter). Its timers, checksums
 * ('c') and reassembly ('g') are left out, and '^' stands first wherever the server was
 * seen first: Zeek turns the roles round only where the port, or a late SYN, tells it. */
void compare_zeek(const struct story *story, struct verdict *verdict);

/* Wireshark's bits: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST. As it shows them once
 * it has been through the packets twice (tshark -2): a conversation's first packet is the
 * only one that counts as a SYN, and counts for anything else only the second time; each
 * packet shows what was known before it, so that one alone never does. */
unsigned compare_completeness(const struct story *story);

#endif
