/* What a connection comes to, added up packet by packet: of constant size, however many
 * packets there are. A story's verdict and a capture's are both this one's.
 *
 * Feed it each packet in the order of time; zeroed it knows nothing. Only anomalies, where
 * there are any, take memory of their own: tally_done frees it. */
#ifndef WOSHOU_TCP_TALLY_H
#define WOSHOU_TCP_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/compare.h"
#include "tcp/story.h"

struct trouble;

/* Of one end. */
struct tally_end {
    uint64_t syn, fin;  /* numbers of its first ones, 0: none */
    uint64_t fin_acked; /* of what acknowledged its FIN */
    uint64_t probe;     /* of a keepalive probe not answered yet */
    uint64_t bytes;     /* of payload, each of the sequence once */
    uint32_t syn_bytes; /* in its first SYN */
    uint32_t fin_end;   /* behind its FIN */
    uint32_t fin_ack;   /* what its FIN acknowledges */
    uint32_t acked;     /* the last number it has acknowledged */
    uint32_t edge;      /* the furthest number it has offered to receive */
    uint32_t reached;   /* behind the last byte of payload it has sent */
    uint32_t end;       /* behind the last number it has sent */
    uint32_t tsval;     /* its latest */
    uint32_t probes;    /* not answered, in a row */
    int8_t shift;       /* of its window */
    bool has_acked, has_sent, has_timestamps, has_fin;
    bool sent_syn_ack;
    bool fin_far; /* `fin` is beyond its receiver's window as far as that was seen: not
                     heeded, but where the receiver acknowledges it */
    bool fin_acked_apart; /* what acknowledged its FIN was no FIN itself */
    bool provoked;        /* the last it was sent was a SYN or RST that may call for a
                             challenge ACK */
    bool sent_after_reset;
};

struct tally {
    struct tally_end end[2];
    uint64_t syn_ack, syn_ack_acked; /* numbers of packets */
    uint64_t rst;                    /* the one that was heeded */
    uint64_t doubtful_rst;           /* one that some receivers heed */
    uint64_t icmp_number;            /* of the packet `icmp` came with */
    int64_t syn_ns;                  /* when the client's first SYN was seen */
    int64_t syn_ack_acked_ns;
    int64_t start_ns, end_ns;
    uint32_t syn_ack_ack;
    uint32_t packets, syns;
    uint8_t syn_ack_from, syn_ack_acked_from, rst_from, doubtful_from;
    uint8_t first_fin; /* PLACE_WIRE: there is none; see has_fin */
    bool opened;       /* the SYN-ACK was acknowledged, seen or not */
    bool has_fin, reset_seen, connect_failed;
    int32_t connect_error;
    struct icmp_note icmp;
    struct trouble *trouble; /* or null: there was none */
    struct zeek zeek;
    struct completeness completeness;
};

void tally_done(struct tally *tally);

enum reset_fit {
    RESET_NONE, /* the packet is no reset */
    RESET_HEEDED,
    RESET_DOUBTFUL, /* in the window, but not the number expected: RFC 5961 has it
                       answered, older receivers heed it */
    RESET_IGNORED
};

/* One packet. `ret_reset` tells what becomes of a reset, and may be null. 0, or
 * ERROR_MEMORY. */
int tally_packet(struct tally *tally, const struct event_packet *packet,
                 enum reset_fit *ret_reset);
/* One that its receiver drops, unless it answers it by an ACK: counted, and nothing more.
 * A SYN where there is a connection (RFC 5961, 4.2), or what has an older timestamp than
 * what came before (RFC 7323, 5.3); what follows tells the first, `tally_drops` the
 * second. 0, or ERROR_MEMORY. */
int tally_dropped(struct tally *tally, const struct event_packet *packet);
bool tally_drops(const struct tally *tally, const struct event_packet *packet);
/* Whether it is a FIN beyond its receiver's window, as far as that was seen: who sent it
 * may be somebody else. */
bool tally_fin_is_far(const struct tally *tally, const struct event_packet *packet);
/* An anomaly that the packets' own order does not show. 0, or ERROR_MEMORY. */
int tally_note(struct tally *tally, enum anomaly_kind kind, uint64_t number);
/* An ICMP error that quotes the connection. */
void tally_icmp(struct tally *tally, uint64_t number, const struct icmp_note *note);
/* A connect() that failed, with the negated errno it returned. */
void tally_connect_failed(struct tally *tally, int64_t result);
/* All numbers of that end were guesses, and move by `shift`. */
void tally_shift(struct tally *tally, enum place whose, uint32_t shift);

/* By how much that end's windows are shifted, but a SYN's. */
int tally_window_shift(const struct tally *tally, enum place whose);

/* Whether it is over: both FINs acknowledged, or a reset, or it never opened and was
 * answered. */
bool tally_ended(const struct tally *tally);

/* All of the verdict but the states. */
void tally_verdict(const struct tally *tally, struct verdict *ret_verdict);

#endif
