/* A session: a client's connection to a server, from the name of the host to its WELCOME.
 * All of it is done when session_open returns; what follows goes over `channel`, in a
 * loop of the caller's or with the calls below that wait.
 *
 *     const struct session_options options = {
 *         .host = "example.org", .port = SESSION_PORT, .business = BUSINESS_TEXT,
 *         .token = token, .pins = pins, .stop = stop, .timeout_ns = 10 * NS_PER_S};
 *     code = session_open(&options, &scratch, &session, &refused, &err);
 *     ...
 *     session_close(&session, &scratch);
 *
 * (cli/server_options.h fills the options from a verb's command line and the
 * environment.) */
#ifndef WOSHOU_NET_SESSION_H
#define WOSHOU_NET_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"
#include "net/channel.h"
#include "net/greeting.h"

struct error;
struct watch;

enum { SESSION_PORT = 30000, SESSION_FINGERPRINT_TEXT = 96 };

enum session_tls {
    SESSION_TLS_AUTO, /* not to this machine itself, unless it insists */
    SESSION_TLS_ALWAYS,
    SESSION_TLS_NEVER
};

struct session_options {
    const char *host; /* a name or a numeric address */
    uint16_t port;
    enum business business;
    const char *name;         /* null: the server chooses */
    const char *token;        /* null: none */
    const uint8_t *client_id; /* GREETING_CLIENT_ID_BYTES; null: a new one */
    uint32_t features;
    enum session_tls tls;
    const char *pins; /* the file of known servers (net/pins.h); null: pin nothing */
    const char
        *fingerprint;    /* what the server's must be, as it is shown; null: as pinned */
    wo_event *stop;      /* may be null */
    int64_t timeout_ns;  /* for all of it; WO_FOREVER */
    struct watch *watch; /* may be null */
};

struct session {
    struct channel channel;
    uint16_t version;
    uint32_t features;
    uint32_t body_limit; /* the longest body the server takes */
    uint32_t heartbeat_ms;
    char server[GREETING_NAME_BYTES + 1]; /* raw, as all that comes from outside */
    char name[GREETING_NAME_BYTES + 1];   /* as the server calls this client */
    bool enciphered;
    bool first_meeting; /* it was not known: show its fingerprint */
    char fingerprint[SESSION_FINGERPRINT_TEXT]; /* "" where not enciphered */
};

/* What a server refused with, kept. */
struct session_refused {
    unsigned code; /* enum frame_error; 0: it refused nothing */
    uint32_t retry_after_ms;
};

/* Resolves, connects to the first address that answers, greets. `ret_refused` (may be
 * null) says in what words of the protocol the server refused, if it did: the code is
 * ERROR_REFUSED then. A changed certificate is ERROR_PERMISSION. ERROR_INTERRUPTED where
 * `stop` was set. The sentences are whole and English. On failure there is nothing to
 * close. */
int session_open(const struct session_options *options, struct channel_scratch *scratch,
                 struct session *ret_session, struct session_refused *ret_refused,
                 struct error *err);

/* Waits for the next frame that is not the session's own (those are answered): 0 and the
 * frame, or ERROR_INTERRUPTED (`stop`), ERROR_TIMED_OUT (`deadline_ns`, on the monotonic
 * clock; WO_FOREVER), or why it is over, with a sentence; `ret_refused` may be null. */
int session_await(struct channel *channel, struct channel_scratch *scratch,
                  wo_event *stop, int64_t deadline_ns, struct frame *ret_frame,
                  struct session_refused *ret_refused, struct error *err);
/* Waits until all that was given to channel_send is sent. Frames that come meanwhile
 * wait. */
int session_flush(struct channel *channel, wo_event *stop, int64_t deadline_ns,
                  struct error *err);

/* Says BYE, waits for the peer's end for a second at most, closes. Accepts one closed
 * already. */
void session_close(struct session *session, struct channel_scratch *scratch);

#endif
