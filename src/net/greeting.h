/* The frames of a session, as values: who a client is, what a server grants, and what
 * either refuses. Pure, but for the last three, which answer on a channel.
 *
 * Encoders append a whole frame to a buffer; look at its `failed` once, at the end.
 * Decoders return 0, or -EBADMSG where the frame is not what its type says; their texts
 * are borrowed from the frame. */
#ifndef WOSHOU_NET_GREETING_H
#define WOSHOU_NET_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/frame.h"

struct buffer;
struct channel;

enum {
    GREETING_MAGIC = 0x5753484F, /* "WSHO" */
    GREETING_VERSION = 1,        /* the one version there is */
    GREETING_CLIENT_ID_BYTES = 16,
    GREETING_NAME_BYTES = 64,   /* the longest name of a person or a server */
    GREETING_TOKEN_BYTES = 128, /* the longest token */
    GREETING_PING_BYTES = 64,   /* the longest body of a PING */
    GREETING_HEARTBEAT_MS = 30000
};

/* What a connection is for. */
enum business { BUSINESS_TEXT = 1, BUSINESS_FILE = 2 };

/* HELLO */
struct greeting {
    uint16_t lowest, highest; /* versions spoken */
    uint8_t business;         /* enum business, or one that a later version has */
    uint32_t features;        /* bits: what the client can do; none is defined yet */
    uint8_t client_id[GREETING_CLIENT_ID_BYTES];
    struct frame_text name;  /* as it would like to be called; may be empty */
    struct frame_text token; /* may be empty */
};

void greeting_encode(struct buffer *buffer, const struct greeting *greeting);
/* A wrong magic number, and a name or token that is too long, are -EBADMSG too. */
int greeting_decode(const struct frame *frame, struct greeting *ret_greeting);
/* The highest version that both speak; 0 where there is none. */
unsigned greeting_version(const struct greeting *greeting);

/* WELCOME */
struct welcome {
    uint16_t version;
    uint32_t features;     /* of those asked for, the ones granted */
    uint32_t body_limit;   /* the longest body the server takes from now on */
    uint32_t heartbeat_ms; /* heard nothing for so long: PING; for twice: dead */
    struct frame_text server;
    struct frame_text name; /* as the client is called from now on */
};

void welcome_encode(struct buffer *buffer, const struct welcome *welcome);
int welcome_decode(const struct frame *frame, struct welcome *ret_welcome);

/* ERROR */
struct refusal {
    uint64_t id;             /* the request's; 0: the connection's */
    uint16_t code;           /* enum frame_error, or a number unknown to this version */
    bool fatal;              /* the sender closes */
    uint32_t retry_after_ms; /* 0: trying again will not help, or at once */
    struct frame_text sentence;
};

void refusal_encode(struct buffer *buffer, const struct refusal *refusal);
int refusal_decode(const struct frame *frame, struct refusal *ret_refusal);

void greeting_encode_ping(struct buffer *buffer, const void *body, size_t length);
void greeting_encode_bye(struct buffer *buffer, const char *reason);
int greeting_decode_bye(const struct frame *frame, struct frame_text *ret_reason);

/* --- On a channel (greeting_answer.c) --- */

/* Sends an ERROR; a fatal one also finishes the channel: drain it and close. What
 * channel_send and channel_finish return. The sentence is English. */
int refusal_send(struct channel *channel, uint64_t id, enum frame_error code, bool fatal,
                 uint32_t retry_after_ms, const char *sentence);

/* What everyone does with a frame that is no business of his, once the greeting is over:
 *   1  it was taken: a PING was answered, a PONG came, an unknown optional frame was skipped
 *   0  it is not the session's: a frame of text or files, or an ERROR with an id
 *   -ESHUTDOWN   BYE: the peer leaves; `ret_refusal` has its reason as the sentence, code 0
 *   -ECONNABORTED  a fatal ERROR: `ret_refusal` has it
 *   -EBADMSG, -EPROTO  malformed, or a session frame that has no meaning now
 *   and what sending says. `ret_refusal` may be null. */
int greeting_take(struct channel *channel, const struct frame *frame,
                  struct refusal *ret_refusal);
/* What everyone does with a frame whose type he does not know: an optional one is skipped
 * (1), any other is refused with a fatal ERROR unknown-type (-EPROTO). */
int greeting_take_unknown(struct channel *channel, const struct frame *frame);

#endif
