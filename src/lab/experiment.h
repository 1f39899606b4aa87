/* An experiment, as a script says it: what is claimed, what both programs and the wire do
 * about it, and what must then be seen. doc/lab.md is the language's manual; read.h reads
 * it. Values only: nothing here runs.
 *
 * Everything hangs in one arena, texts included: experiment_free takes it all back. */
#ifndef WOSHOU_LAB_EXPERIMENT_H
#define WOSHOU_LAB_EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "tcp/story.h"

/* The article's port, and where the client's sockets begin to count. */
enum { LAB_SERVER_PORT = 30001, LAB_CLIENT_PORT = 40001 };

/* A text in both languages, by enum lab_language; null where it is not given. */
enum lab_language { LAB_ENGLISH, LAB_CHINESE, LAB_LANGUAGES };
struct lab_text {
    const char *in[LAB_LANGUAGES];
};

/* --- Packets --- */

/* A number of the sequence, by the article's names: j is the client's first, k the
 * server's; or as it is. */
struct lab_number {
    bool given;
    char base; /* 'j', 'k', or 0: the number itself */
    int64_t offset;
};

struct lab_packet {
    enum place from;        /* PLACE_WIRE: from either */
    const char *connection; /* of the socket of that name on that host; null: of any */
    uint8_t has, lacks;     /* flags */
    bool empty, filled;     /* it must be without, or with, payload */
    bool again;             /* a retransmission */
    bool lost;              /* the wire lost it */
    struct lab_number seq, ack;
    int64_t bytes;    /* of payload; -1: any */
    int64_t window;   /* as sent; -1: any */
    const char *text; /* its payload reads so; null: any */
};

/* --- Steps --- */

enum lab_call {
    CALL_LISTEN,
    CALL_BIND,
    CALL_CONNECT,
    CALL_ACCEPT,
    CALL_SEND,
    CALL_RECV,
    CALL_SHUTDOWN,
    CALL_CLOSE,
    CALL_SET
};

enum lab_option {
    OPTION_REUSEADDR,
    OPTION_NODELAY,
    OPTION_RCVBUF,
    OPTION_SNDBUF,
    OPTION_LINGER,
    OPTION_KEEPALIVE,
    OPTION_QUICKACK
};

/* A socket: its host, and its name there; "" where it has none. */
struct lab_socket {
    enum place place;
    const char *name;
};

struct lab_do {
    struct lab_socket socket;
    enum lab_call call;
    uint16_t port;    /* bind, listen, connect; 0: the other host's usual one */
    int backlog;      /* listen */
    const char *as;   /* accept: the new socket's name */
    const char *text; /* send, and connect with data: what */
    size_t length;    /* of it; of `text` null: so many bytes of filling */
    size_t most;      /* recv */
    bool all;         /* recv: not fewer, unless it is the end */
    bool then_close;  /* recv: at the end of the stream, close at once */
    enum lab_option option;
    int value[3]; /* of the option */
};

enum lab_wire {
    LAB_DROP,
    LAB_HOLD,
    LAB_DELAY,
    LAB_DUPLICATE,
    LAB_RELEASE, /* what a `hold` for the same packets holds */
    LAB_CUT,
    LAB_MEND,
    LAB_INJECT,
    LAB_REPLAY
};

enum { LAB_ALWAYS = 0 };

struct lab_act {
    enum lab_wire what;
    struct lab_packet packet; /* which; inject: what */
    bool all;                 /* release: whatever is held */
    uint32_t times;           /* LAB_ALWAYS, or how many of them; inject: how many */
    int64_t delay_ns;
    uint16_t port;      /* inject: the sender's; 0: the connection's */
    uint8_t address[4]; /* inject: the sender's; 0.0.0.0: the host's own */
};

/* --- Evidence --- */

enum lab_sense {
    SENSE_SEEN,  /* it comes, in its turn */
    SENSE_NOT,   /* it has not come since the step before */
    SENSE_NEVER, /* it does not come at all, to the end */
    SENSE_COUNT  /* it has come so many times since the beginning */
};

enum lab_when { WHEN_ANY, WHEN_AT_ONCE, WHEN_AFTER };

enum lab_see {
    SEE_PACKET,
    SEE_STATE,     /* an end enters a state */
    SEE_IN_STATE,  /* it is in it now */
    SEE_RESULT,    /* a call returns */
    SEE_WAITING,   /* a call has not returned */
    SEE_QUEUE,     /* connections that wait for accept */
    SEE_HALF_OPEN, /* connections in SYN_RECEIVED at that end */
    SEE_TIMER,     /* what an end's kernel waits for, and how long */
    SEE_PORTS,     /* different ports of that end, in all connections */
    SEE_SOCKETS    /* sockets of that end's programs that were connected */
};

struct lab_evidence {
    bool required; /* the claim is not about it: without it nothing was provoked */
    enum lab_sense sense;
    uint32_t count; /* SENSE_COUNT */
    enum lab_see see;
    struct lab_packet packet;
    struct lab_socket socket; /* all others */
    bool any_socket;          /* of that host */
    enum tcp_state state;
    enum lab_call call;
    bool any_result;     /* whatever is no failure */
    int64_t result;      /* or a negative errno */
    const char *text;    /* recv: what came; null: whatever */
    int64_t least, most; /* SEE_QUEUE, SEE_HALF_OPEN, SEE_PORTS, SEE_SOCKETS */
    int timer;           /* enum diag_timer */
    int64_t timer_ns;    /* what is left of it; 0: whatever */
    enum lab_when when;
    int64_t when_ns;
    int64_t patience_ns; /* how long to wait for it, 0: as usual */
    struct lab_text note;
};

enum lab_step_kind { STEP_SETTING, STEP_DO, STEP_WIRE, STEP_WAIT, STEP_EVIDENCE };

struct lab_step {
    struct lab_step *next;
    enum lab_step_kind kind;
    int line;
    const char *words; /* as the script has them, without what stands around */
    union {
        struct {
            enum place place;
            const char *name, *value;
            bool if_known;
        } setting;
        struct lab_do act;
        struct lab_act wire;
        int64_t wait_ns;
        struct lab_evidence evidence;
    };
};

struct lab_steps {
    struct lab_step *first, *last;
};

/* --- The whole --- */

enum lab_outcome { OUTCOME_SUPPORTED, OUTCOME_CONTRADICTED, OUTCOME_NOT_PROVOKED };

struct lab_part {
    struct lab_part *next;
    const char *name; /* "" where the experiment has but one */
    int line;
    const char
        *needs; /* a setting under net.ipv4 without which it is left out; or null */
    struct lab_text title;
    struct lab_steps steps;
};

/* One change that spoils it: steps that begin with these words make room for others; or,
 * `without` null, others come first in every part. */
struct lab_change {
    struct lab_change *next;
    int line;
    const char *without;
    struct lab_steps with;
};

struct lab_sabotage {
    struct lab_sabotage *next;
    const char *name;
    int line;
    struct lab_text title;
    struct lab_change *changes;
    enum lab_outcome outcome; /* what must then come of it */
};

struct experiment {
    struct arena arena;
    const char *name;
    int number; /* 0: it has none */
    int line;
    struct lab_text title, claim, meaning, belief, finding;
    enum lab_outcome outcome; /* what this kernel is expected to say */
    int64_t takes_ns;
    struct lab_steps given; /* before every part's own */
    struct lab_part *parts;
    struct lab_sabotage *sabotages;
};

/* Frees it and leaves null; accepts null. */
void experiment_free(struct experiment **experiment);

/* The experiment as a sabotage has it: what it takes away is gone, what it adds stands
 * before the part's own steps. Borrows all texts from the original, which must outlive
 * it. 0 or ERROR_MEMORY. */
int experiment_spoil(const struct experiment *experiment,
                     const struct lab_sabotage *sabotage, struct experiment **ret_spoilt);

/* The words: "supported", "contradicted", "not-provoked". */
const char *outcome_word(enum lab_outcome outcome);
/* The call as manuals name it. */
const char *lab_call_word(enum lab_call call);

#endif
