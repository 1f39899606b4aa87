/* A story: what was seen of one TCP connection, in the order of time, and what it comes
 * to. A capture file, a live interface and the laboratory all end in stories, and draw/
 * knows nothing else.
 *
 * An event is one thing that was seen, at one time, at one place. Times are nanoseconds
 * of the monotonic clock, or of the capture's own for files; UNSEEN_NS where a time was
 * not seen.
 *
 * A story is grown by story_add_*; its verdict (how it opened, how it closed, ...) is
 * worked out anew by story_judge from the events alone. It owns its memory: story_new,
 * story_free. */
#ifndef WOSHOU_TCP_STORY_H
#define WOSHOU_TCP_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"

struct segment;
struct error;

#define UNSEEN_NS INT64_MIN

enum place { PLACE_CLIENT, PLACE_SERVER, PLACE_WIRE };

/* The end that is not this one; not of the wire. */
static inline enum place place_other(enum place end)
{
    return end == PLACE_CLIENT ? PLACE_SERVER : PLACE_CLIENT;
}

/* How a state is known. An inferred one is never drawn as an observed one. */
enum standing {
    STANDING_OBSERVED, /* asked of the kernel at that moment */
    STANDING_TRACED,   /* reported by the kernel */
    STANDING_INFERRED  /* worked out from packets */
};

/* RFC 9293's states. STATE_NONE: not known. */
enum tcp_state {
    STATE_NONE,
    STATE_CLOSED,
    STATE_LISTEN,
    STATE_SYN_SENT,
    STATE_SYN_RECEIVED,
    STATE_ESTABLISHED,
    STATE_FIN_WAIT_1,
    STATE_FIN_WAIT_2,
    STATE_CLOSE_WAIT,
    STATE_CLOSING,
    STATE_LAST_ACK,
    STATE_TIME_WAIT,
    STATE_COUNT
};

enum fate { FATE_DELIVERED, FATE_LOST, FATE_DELAYED, FATE_DUPLICATED, FATE_INJECTED };

enum event_kind { EVENT_CALL, EVENT_PACKET, EVENT_STATE, EVENT_RUN };

/* One half of a program's call: its entry or its return. The two halves of a call share
 * `call`. */
struct event_call {
    const char *name; /* static: "connect" */
    bool returns;     /* false: enters */
    uint32_t call;    /* which call: unique in the story */
    int64_t result;   /* returns: what it returned, or a negative errno */
};

struct event_packet {
    uint64_t number;   /* from 1; a capture file's own number there */
    enum place from;   /* PLACE_CLIENT or PLACE_SERVER: whose segment it is */
    uint8_t flags;     /* enum tcp_flag of capture/decode.h */
    uint32_t seq, ack; /* relative: the SYN's own number is 0 */
    bool has_ack;
    uint32_t bytes;      /* of payload */
    uint16_t window;     /* as sent, not scaled */
    int8_t window_shift; /* option, -1: none */
    bool timestamps;     /* option; `tsval` means something only with it */
    uint32_t tsval;
    int64_t sent_ns;     /* when it left its host; UNSEEN_NS for an injected one */
    int64_t received_ns; /* when it reached the other; UNSEEN_NS while in flight, lost, or
                            not seen */
    enum fate
        fate; /* of a packet in flight: FATE_DELIVERED, with received_ns UNSEEN_NS */
    bool retransmission; /* all its sequence numbers were sent before */
    bool acks_unseen;    /* it acknowledges what was never seen to be sent */
    bool notable;        /* kept for something out of the ordinary */
    char text[24]; /* payload that reads as text (UTF-16LE or UTF-8), shortened, made
                      visible;
                      "" where it does not */
};

struct event_state {
    enum tcp_state state;
    enum standing standing;
};

/* Packets taken together, none of them worth a row of its own: data and its
 * acknowledgements, in the middle of a long connection. Arrays by sender. */
struct event_run {
    uint64_t first, last; /* numbers of the first and the last packet */
    uint32_t packets[2];
    uint64_t bytes[2]; /* of payload */
    int64_t last_ns;   /* when the last was seen; the event's own time is the first's */
};

struct event {
    int64_t t_ns; /* a packet's: sent_ns, or received_ns where its sending was not seen */
    enum event_kind kind;
    enum place place; /* of a call or a state: client or server; else the wire */
    union {
        struct event_call call;
        struct event_packet packet;
        struct event_state state;
        struct event_run run;
    };
};

enum open_word {
    OPEN_THREE_WAY,
    OPEN_SIMULTANEOUS,
    OPEN_FAST_OPEN,
    OPEN_REFUSED,
    OPEN_UNREACHABLE,
    OPEN_NO_ANSWER,
    OPEN_HALF_OPEN,
    OPEN_ABORTED,
    OPEN_NOT_SEEN
};

enum close_word {
    CLOSE_FOUR_SEGMENT,
    CLOSE_THREE_SEGMENT,
    CLOSE_SIMULTANEOUS,
    CLOSE_HALF_CLOSED,
    CLOSE_RESET,
    CLOSE_STILL_OPEN,
    CLOSE_NOT_SEEN, /* it closed, by the states, but its segments were not seen */
    CLOSE_NONE
};

enum side_word { SIDE_NULL, SIDE_CLIENT, SIDE_SERVER, SIDE_BOTH };

enum anomaly_kind {
    ANOMALY_SYN_RETRANSMITTED,
    ANOMALY_SYNACK_RETRANSMITTED,
    ANOMALY_FIN_RETRANSMITTED,
    ANOMALY_DATA_RETRANSMITTED,
    ANOMALY_ZERO_WINDOW,
    ANOMALY_DATA_AFTER_CLOSE,
    ANOMALY_RST_IGNORED,          /* its number was not one its receiver would heed */
    ANOMALY_FIN_IGNORED,          /* the same */
    ANOMALY_CHALLENGE_ACK,        /* RFC 5961: a SYN or RST answered by a bare ACK */
    ANOMALY_KEEPALIVE_UNANSWERED, /* probes */
    ANOMALY_SEQUENCE_GAP,         /* what was acknowledged, the capture does not have */
    ANOMALY_PAWS_REJECTED,        /* RFC 7323: an older timestamp than one seen before */
    ANOMALY_FOUR_TUPLE_REUSED,    /* its addresses and ports were another's just before */
    ANOMALY_CAPTURED_TWICE,
    ANOMALY_CAPTURED_OUT_OF_ORDER, /* a SYN behind its own SYN-ACK */
    ANOMALY_KIND_COUNT
};

enum { STORY_EVIDENCE_MAX = 8, ZEEK_HISTORY = 64 /* with the final 0 */ };

/* Packets that show a thing: the first numbers of them. */
struct evidence {
    uint64_t packets[STORY_EVIDENCE_MAX];
    uint32_t kept;  /* in `packets` */
    uint32_t count; /* how many there were */
};

/* What a packet that the verdict rests on is to it. */
enum proof {
    PROOF_SYN,
    PROOF_SYN_ACK,
    PROOF_SYN_ACK_ACKED,
    PROOF_FIN,
    PROOF_FIN_ACKED,
    PROOF_RST,
    PROOF_ICMP
};

/* An ICMP error that quotes a segment of the connection. */
struct icmp_note {
    uint8_t family; /* 4 or 6: whose numbers `type` and `code` are; 0: there was none */
    uint8_t type, code;
    struct endpoint reporter; /* who sent it; the port is 0 */
};

/* What it says of the way to the server (RFC 792, 1122, 1812; RFC 4443). */
enum icmp_meaning {
    ICMP_NOTHING,   /* there was none */
    ICMP_PORT,      /* the port cannot be reached */
    ICMP_HOST,      /* the host cannot be reached */
    ICMP_NETWORK,   /* there is no way to it */
    ICMP_FORBIDDEN, /* somebody does not let it through */
    ICMP_TOO_FAR,   /* the time to live ran out on the way */
    ICMP_OTHER
};

struct verdict {
    enum open_word open;
    enum close_word close;
    enum side_word closed_first, reset_by;
    int64_t start_ns, end_ns;
    int64_t handshake_ns; /* first SYN sent to the ACK of the SYN-ACK sent, both of the
                             client; or UNSEEN_NS */
    enum tcp_state client_state, server_state; /* the last known */
    enum standing standing;                    /* the weaker of the two's */
    uint64_t client_bytes, server_bytes; /* payload, each byte of the sequence once */
    uint32_t packets;
    struct evidence anomalies[ANOMALY_KIND_COUNT];
    struct evidence evidence;           /* the packets the verdict rests on */
    uint8_t proofs[STORY_EVIDENCE_MAX]; /* enum proof, of each of them */
    char zeek_state[8], zeek_history[ZEEK_HISTORY];
    unsigned completeness; /* Wireshark's tcp.completeness */
    uint32_t syns;         /* bare SYNs of the client's, sent again or not */
    bool reset_seen;       /* a RST of the server's, heeded or not */
    bool evicted; /* the table was full: what came of it afterwards is not known */
    struct icmp_note icmp; /* the first that mattered */
};

/* Both ends' sequence numbers, by PLACE_CLIENT, PLACE_SERVER; see tcp/numbers.h. */
struct numbers {
    uint32_t isn[2];      /* raw initial sequence numbers (of the SYN) */
    uint32_t sent_end[2]; /* relative: behind the last number that end has sent */
    uint32_t hole_begin[2], hole_end[2]; /* of what it sent, the first part not seen;
                                            equal: none */
    bool known[2];                       /* whether `isn` is that end's */
    bool of_syn[2];   /* its SYN was seen; else `isn` is a guess, and a SYN corrects it */
    bool has_sent[2]; /* something that takes numbers */
};

struct story {
    uint32_t id; /* from 1 */
    struct endpoint client, server;
    struct event *events; /* in the order of t_ns, ties as they were added */
    size_t event_count, event_capacity;
    struct numbers numbers;
    struct verdict verdict; /* as of the last story_judge */
};

/* An empty story of the connection between two endpoints. */
int story_new(uint32_t id, const struct endpoint *client, const struct endpoint *server,
              struct story **ret_story);
/* A copy that owns its memory, of one that is only borrowed. */
int story_copy(const struct story *story, struct story **ret_story);
/* Frees it and leaves null; accepts null. */
void story_free(struct story **story);

/* Adds one event; null when memory ran out. The event returned is borrowed until the next
 * add. `story_add_packet` makes the segment's numbers relative, learns initial numbers
 * from SYNs, and tells retransmissions; its fate and times are the caller's to set. */
struct event *story_add_call(struct story *story, int64_t t_ns, enum place place,
                             const struct event_call *call);
struct event *story_add_packet(struct story *story, int64_t sent_ns, enum place from,
                               uint64_t number, const struct segment *segment);
/* A packet that reached its end and that the other never sent: a copy the wire made
 * (FATE_DUPLICATED), or one slipped in (FATE_INJECTED). What it says is no evidence of
 * what that end has sent. */
struct event *story_add_unsent(struct story *story, int64_t received_ns, enum place from,
                               uint64_t number, const struct segment *segment,
                               enum fate fate);
struct event *story_add_state(struct story *story, int64_t t_ns, enum place place,
                              enum tcp_state state, enum standing standing);

/* For a tracker, which reads numbers itself: adds a packet as it is, with the preview of
 * the segment's payload; a run; and moves an end's numbers that were guesses. */
struct event *story_add_read(struct story *story, int64_t t_ns,
                             const struct event_packet *packet,
                             const struct segment *segment);
void story_shift(struct story *story, enum place whose, uint32_t shift);

/* The packet of that number, or null; never a copy, which has its original's number. */
struct event *story_find_packet(struct story *story, uint64_t number);

/* Infers the states that nobody observed, at places where no state at all was observed or
 * traced: from the packets alone, by RFC 9293's rules, as STANDING_INFERRED events. What
 * was inferred before is inferred anew. */
int story_infer_states(struct story *story);

/* Works out story->verdict from the events. 0, or ERROR_MEMORY: then it lacks something. */
int story_judge(struct story *story);

enum icmp_meaning icmp_meaning(const struct icmp_note *note);

/* The words, as JSON has them. */
const char *place_word(enum place place);
const char *standing_word(enum standing standing);
const char *state_word(enum tcp_state state);
const char *fate_word(enum fate fate);
const char *open_word(enum open_word word);
const char *close_word(enum close_word word);
const char *side_word(enum side_word word); /* null for SIDE_NULL */
const char *anomaly_word(enum anomaly_kind kind);

/* "SYN ACK", "FIN ACK", "PSH ACK", ... into `text`, "none" without any, and returns
 * it. */
enum { FLAGS_TEXT = 40 };
char *flags_words(uint8_t flags, char text[FLAGS_TEXT]);

#endif
