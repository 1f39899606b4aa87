#include "net/session.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/call.h"
#include "net/pins.h"
#include "net/stream.h"
#include "net/tls.h"

enum { GOODBYE_NS = 1000000000 };

/* What has been reached while a session is opened. */
struct opening {
    const struct session_options *options;
    struct channel_scratch *scratch;
    int64_t deadline_ns;
    bool insisted; /* the server asks for TLS where it would not have been used */
    struct session session;
    struct session_refused refused;
};

static int64_t left_ns(int64_t deadline_ns)
{
    if (deadline_ns == WO_FOREVER)
        return WO_FOREVER;
    int64_t left = deadline_ns - clock_monotonic_ns();
    return left > 0 ? left : 0;
}

/* --- Why it is over --- */

/* The sentence for what channel_next, channel_send or greeting_take said. */
static int say_over(struct error *err, int code)
{
    switch (code) {
    case -ESHUTDOWN:
        return error_set(err, ERROR_RESET, "the server closed the connection");
    case -EBADMSG:
        return error_set(
            err, ERROR_CORRUPT,
            "what came from the server is not woshou's protocol, or was cut off");
    case -EMSGSIZE:
        return error_set(err, ERROR_CORRUPT, "the server sent a frame that is too large");
    case -EPROTO:
        return error_set(err, ERROR_CORRUPT,
                         "the server sent what has no meaning here; it may be newer");
    case -ENOBUFS:
        return error_set(err, ERROR_LIMIT, "the server does not take what is sent to it");
    default: return error_set_system(err, -code, "the connection to the server");
    }
}

static int say_refused(struct error *err, const struct refusal *refusal,
                       struct session_refused *ret_refused)
{
    if (ret_refused)
        *ret_refused = (struct session_refused){refusal->code, refusal->retry_after_ms};
    return error_set(err, ERROR_REFUSED, "the server says: %.*s",
                     (int)refusal->sentence.length, refusal->sentence.bytes);
}

static int say_taken(struct error *err, int code, const struct refusal *refusal,
                     struct session_refused *ret_refused)
{
    if (code == -ECONNABORTED && refusal->sentence.bytes)
        return say_refused(err, refusal, ret_refused);
    if (code == -ESHUTDOWN && refusal->sentence.length)
        return error_set(err, ERROR_RESET, "the server leaves: %.*s",
                         (int)refusal->sentence.length, refusal->sentence.bytes);
    return say_over(err, code);
}

/* --- Waiting --- */

/* Waits for the channel's event and reads its record. */
static int await_network(struct channel *channel, wo_event *stop, int64_t deadline_ns,
                         struct error *err)
{
    wo_event *const events[2] = {channel->event, stop};
    int index = call_wait(channel->carrier.watch, channel->carrier.fd, events,
                          stop ? 2 : 1, left_ns(deadline_ns));
    if (index == 1)
        return error_set(err, ERROR_INTERRUPTED, "interrupted");
    if (index == -ETIMEDOUT)
        return error_set(err, ERROR_TIMED_OUT, "the server does not answer");
    int code = index < 0 ? index : channel_enumerate(channel, NULL);
    return code ? say_over(err, code) : 0;
}

int session_await(struct channel *channel, struct channel_scratch *scratch,
                  wo_event *stop, int64_t deadline_ns, struct frame *ret_frame,
                  struct session_refused *ret_refused, struct error *err)
{
    for (;;) {
        struct refusal refusal = {0};
        struct frame frame;
        int code = channel_next(channel, scratch, &frame);
        if (code < 0)
            return say_over(err, code);
        if (code == 0) {
            code = await_network(channel, stop, deadline_ns, err);
            if (code)
                return code;
            continue;
        }
        code = greeting_take(channel, &frame, &refusal);
        if (code < 0)
            return say_taken(err, code, &refusal, ret_refused);
        if (code == 0) {
            *ret_frame = frame;
            return 0;
        }
    }
}

int session_flush(struct channel *channel, wo_event *stop, int64_t deadline_ns,
                  struct error *err)
{
    int code = channel_flush(channel);
    if (code)
        return say_over(err, code);
    while (channel_unsent_bytes(channel)) {
        code = await_network(channel, stop, deadline_ns, err);
        if (code)
            return code;
    }
    return 0;
}

/* --- Connecting --- */

static int connect_one(struct opening *opening, const struct address *address,
                       struct error *err)
{
    const struct session_options *options = opening->options;
    struct stream stream;
    int code = stream_connect(&stream, address, options->stop,
                              left_ns(opening->deadline_ns), options->watch, err);
    if (code)
        return code;
    code = channel_adopt(&opening->session.channel, stream.fd, stream.event, &stream.peer,
                         options->watch);
    return code ? say_over(err, code) : 0;
}

/* The first address that answers. */
static int connect_any(struct opening *opening, struct error *err)
{
    struct address_list list;
    int code = address_find(opening->options->host, opening->options->port, &list, err);
    if (code)
        return code;
    for (size_t i = 0; i < list.count; i++) {
        code = connect_one(opening, &list.addresses[i], err);
        if (code == 0 || code == ERROR_INTERRUPTED)
            return code;
    }
    return code;
}

/* --- TLS --- */

static bool wants_tls(const struct opening *opening)
{
    switch (opening->options->tls) {
    case SESSION_TLS_ALWAYS: return true;
    case SESSION_TLS_NEVER: return false;
    default:
        return opening->insisted || !endpoint_is_loopback(&opening->session.channel.peer);
    }
}

static int shake_hands(struct opening *opening, struct error *err)
{
    struct channel *channel = &opening->session.channel;
    struct tls *tls;
    int code = tls_new_client(&tls);
    if (code)
        return say_over(err, code);
    channel_start_tls(channel, tls);
    while ((code = channel_handshake(channel)) == 0) {
        code = await_network(channel, opening->options->stop, opening->deadline_ns, err);
        if (code)
            return code;
    }
    if (code == -EPROTO)
        return error_set(err, ERROR_CORRUPT,
                         "cannot agree with the server on TLS 1.3: %s", tls_why(tls));
    if (code < 0)
        return say_over(err, code);
    tls_peer_fingerprint(tls, opening->session.fingerprint);
    return 0;
}

/* With or without colons, in capitals or not. */
static bool same_fingerprint(const char *a, const char *b)
{
    for (;;) {
        a += *a == ':';
        b += *b == ':';
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
        a++;
        b++;
    }
}

/* Before a word is said: whether this is the server it was meant to be. */
static int recognise(struct opening *opening, struct error *err)
{
    const struct session_options *options = opening->options;
    struct session *session = &opening->session;
    if (options->fingerprint) {
        if (same_fingerprint(options->fingerprint, session->fingerprint))
            return 0;
        return error_set(err, ERROR_PERMISSION,
                         "the server's fingerprint is not the one given but %s",
                         session->fingerprint);
    }
    if (!options->pins)
        return 0;
    return pins_meet(options->pins, options->host, options->port, session->fingerprint,
                     &session->first_meeting, err);
}

static int secure(struct opening *opening, struct error *err)
{
    const struct session_options *options = opening->options;
    if (!wants_tls(opening)) {
        bool near = endpoint_is_loopback(&opening->session.channel.peer);
        return near || !options->token
                   ? 0
                   : error_set(err, ERROR_ARGUMENT,
                               "a token is not sent to another machine without TLS");
    }
    opening->session.enciphered = true;
    int code = shake_hands(opening, err);
    return code ? code : recognise(opening, err);
}

/* --- Greeting --- */

static struct frame_text text_of(const char *text)
{
    return text ? (struct frame_text){text, (uint16_t)strlen(text)}
                : (struct frame_text){"", 0};
}

static int check_options(const struct session_options *options, struct error *err)
{
    if (options->name && strlen(options->name) > GREETING_NAME_BYTES)
        return error_set(err, ERROR_ARGUMENT, "the name is longer than %d bytes",
                         GREETING_NAME_BYTES);
    if (options->token && strlen(options->token) > GREETING_TOKEN_BYTES)
        return error_set(err, ERROR_ARGUMENT, "the token is longer than %d bytes",
                         GREETING_TOKEN_BYTES);
    return 0;
}

static int say_hello(struct opening *opening, struct error *err)
{
    const struct session_options *options = opening->options;
    struct greeting greeting = {
        .lowest = GREETING_VERSION,
        .highest = GREETING_VERSION,
        .business = (uint8_t)options->business,
        .features = options->features,
        .name = text_of(options->name),
        .token = text_of(options->token),
    };
    if (options->client_id)
        memcpy(greeting.client_id, options->client_id, sizeof greeting.client_id);
    else if (getentropy(greeting.client_id, sizeof greeting.client_id))
        return error_set_system(err, errno, "random bytes");
    struct buffer buffer;
    buffer_init(&buffer, 0);
    greeting_encode(&buffer, &greeting);
    int code = buffer.failed
                   ? -ENOMEM
                   : channel_send(&opening->session.channel, buffer.bytes, buffer.length);
    buffer_done(&buffer);
    /* Why it failed, the server may have said already: that is better to know. */
    return code == -ENOMEM ? say_over(err, code) : 0;
}

static void keep_text(char *array, const struct frame_text *text)
{
    memcpy(array, text->bytes, text->length);
    array[text->length] = '\0';
}

static int take_welcome(struct session *session, const struct frame *frame,
                        struct error *err)
{
    struct welcome welcome;
    if (welcome_decode(frame, &welcome) || welcome.version != GREETING_VERSION)
        return say_over(err, -EBADMSG);
    session->version = welcome.version;
    session->features = welcome.features;
    session->body_limit = welcome.body_limit;
    session->heartbeat_ms = welcome.heartbeat_ms;
    keep_text(session->server, &welcome.server);
    keep_text(session->name, &welcome.name);
    session->channel.body_limit = FRAME_BODY_BYTES;
    return 0;
}

static int hear_welcome(struct opening *opening, struct error *err)
{
    struct channel *channel = &opening->session.channel;
    struct frame frame;
    int code;
    while ((code = channel_next(channel, opening->scratch, &frame)) == 0) {
        code = await_network(channel, opening->options->stop, opening->deadline_ns, err);
        if (code)
            return code;
    }
    if (code < 0)
        return say_over(err, code);
    struct refusal refusal;
    if (refusal_decode(&frame, &refusal) == 0)
        return say_refused(err, &refusal, &opening->refused);
    return take_welcome(&opening->session, &frame, err);
}

/* --- Opening and closing --- */

static int open_once(struct opening *opening, struct error *err)
{
    int code = connect_any(opening, err);
    if (code == 0)
        code = secure(opening, err);
    if (code == 0)
        code = say_hello(opening, err);
    return code ? code : hear_welcome(opening, err);
}

/* A server may ask for TLS on this machine, too. */
static bool may_insist(const struct opening *opening)
{
    return opening->refused.code == FRAME_ERROR_TLS_REQUIRED &&
           opening->options->tls == SESSION_TLS_AUTO && !opening->session.enciphered;
}

static int64_t deadline_of(const struct session_options *options)
{
    if (options->timeout_ns == WO_FOREVER)
        return WO_FOREVER;
    return clock_monotonic_ns() + options->timeout_ns;
}

int session_open(const struct session_options *options, struct channel_scratch *scratch,
                 struct session *ret_session, struct session_refused *ret_refused,
                 struct error *err)
{
    struct opening opening = {
        .options = options, .scratch = scratch, .deadline_ns = deadline_of(options)};
    int code = check_options(options, err);
    if (code == 0)
        code = open_once(&opening, err);
    if (code && may_insist(&opening)) {
        channel_close(&opening.session.channel);
        opening.session = (struct session){0};
        opening.refused = (struct session_refused){0};
        opening.insisted = true;
        code = open_once(&opening, err);
    }
    if (ret_refused)
        *ret_refused = opening.refused;
    if (code) {
        channel_close(&opening.session.channel);
        return code;
    }
    channel_stow(&opening.session.channel);
    *ret_session = opening.session;
    return 0;
}

void session_close(struct session *session, struct channel_scratch *scratch)
{
    struct channel *channel = &session->channel;
    struct buffer buffer;
    if (!channel_is_open(channel))
        return;
    int64_t deadline_ns = clock_monotonic_ns() + GOODBYE_NS;
    buffer_init(&buffer, 0);
    greeting_encode_bye(&buffer, "");
    if (!buffer.failed)
        channel_send(channel, buffer.bytes, buffer.length);
    buffer_done(&buffer);
    channel_finish(channel);
    while (!channel_drain(channel, scratch) &&
           await_network(channel, NULL, deadline_ns, NULL) == 0)
        continue;
    channel_close(channel);
}
