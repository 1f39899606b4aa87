/* A guest goes FIRST_BYTE -> (HANDSHAKE ->) HELLO -> ready, and from anywhere to LEAVING
 * (refused, and being told so) or GONE. He counts as a stranger from door_admit until he
 * is ready or dismissed. */
#include "trust/door.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "net/call.h"
#include "net/tls.h"
#include "trust/source.h"
#include "trust/token_store.h"

enum { MOST_STRANGERS = 1000, MOST_OF_SOURCE = 100, RETRY_AFTER_MS = 1000 };
static const int64_t patience_ns = 10 * NS_PER_S, leaving_ns = 5 * NS_PER_S,
                     wrong_token_ns = 5 * NS_PER_S, silence_ns = NS_PER_S;

struct door {
    struct door_options options;
    struct sources *sources;
    atomic_bool draining;
    atomic_uint strangers;
};

static void fill_in(struct door_options *options)
{
    if (!options->most_strangers)
        options->most_strangers = MOST_STRANGERS;
    if (!options->most_of_source)
        options->most_of_source = MOST_OF_SOURCE;
    if (!options->patience_ns)
        options->patience_ns = patience_ns;
}

int door_new(const struct door_options *options, struct door **ret_door,
             struct error *err)
{
    struct door *door = malloc(sizeof *door);
    if (!door)
        return error_set(err, ERROR_MEMORY, "no memory");
    *door = (struct door){.options = *options};
    fill_in(&door->options);
    int code = sources_new(&door->sources, err);
    if (code) {
        free(door);
        return code;
    }
    *ret_door = door;
    return 0;
}

void door_free(struct door **door)
{
    if (!*door)
        return;
    sources_free(&(*door)->sources);
    free(*door);
    *door = NULL;
}

void door_drain(struct door *door)
{
    atomic_store(&door->draining, true);
}

unsigned door_strangers(const struct door *door)
{
    return atomic_load(&door->strangers);
}

/* --- Coming and going --- */

static bool is_local(int fd, const struct endpoint *peer)
{
    struct sockaddr_storage local;
    socklen_t length = sizeof local;
    if (getsockname(fd, (struct sockaddr *)&local, &length) < 0)
        return false;
    const struct endpoint endpoint = endpoint_from_address((struct sockaddr *)&local);
    return endpoint_is_loopback(&endpoint) && endpoint_is_loopback(peer);
}

/* The timer sets the channel's own event: door_step then finds the time over. */
static void set_deadline(struct door_guest *guest, int64_t now_ns, int64_t span_ns)
{
    guest->deadline_ns = now_ns + span_ns;
    wo_timer_set(guest->channel.event, span_ns, 0);
}

/* Whether there is room for one stranger more, of whom there are `strangers` now. */
static bool has_room(const struct door *door, unsigned strangers, bool local)
{
    unsigned most = door->options.most_strangers, half = most / 2;
    if (strangers > most)
        return false;
    return local || strangers <= half ||
           randombytes_uniform(most - half) >= strangers - half;
}

static void count_out(struct door_guest *guest, int64_t now_ns)
{
    if (!guest->local)
        sources_leave(guest->door->sources, &guest->channel.peer, now_ns);
    atomic_fetch_sub(&guest->door->strangers, 1);
    guest->door = NULL;
}

/* Counts him in, if there is room. */
static bool count_in(struct door_guest *guest, int64_t now_ns)
{
    struct door *door = guest->door;
    unsigned strangers = atomic_fetch_add(&door->strangers, 1) + 1, of_source = 0;
    if (!guest->local)
        of_source = sources_enter(door->sources, &guest->channel.peer, now_ns);
    return of_source <= door->options.most_of_source &&
           has_room(door, strangers, guest->local);
}

int door_admit(struct door *door, int fd, wo_event *event, const struct endpoint *peer,
               struct watch *watch, int64_t now_ns, struct door_guest *ret_guest)
{
    struct door_guest guest = {.door = door, .local = is_local(fd, peer)};
    guest.channel.peer = *peer;
    int code = 0;
    if (count_in(&guest, now_ns)) {
        code = channel_adopt(&guest.channel, fd, event, peer, watch);
    } else {
        call_close(watch, fd);
        wo_event_free(&event);
        code = -EBUSY;
    }
    if (code) {
        count_out(&guest, now_ns);
        return code;
    }
    set_deadline(&guest, now_ns, door->options.patience_ns);
    *ret_guest = guest;
    return 0;
}

void door_dismiss(struct door_guest *guest)
{
    if (!guest->door)
        return;
    channel_close(&guest->channel);
    count_out(guest, guest->now_ns);
}

static void leave(struct door_guest *guest, const char *why)
{
    guest->phase = DOOR_PHASE_GONE;
    if (!guest->why)
        guest->why = why;
}

static void refuse(struct door_guest *guest, int64_t now_ns, enum frame_error code,
                   uint32_t retry_after_ms, const char *sentence)
{
    guest->refused = code;
    guest->why = sentence;
    guest->phase = DOOR_PHASE_LEAVING;
    set_deadline(guest, now_ns, leaving_ns);
    if (refusal_send(&guest->channel, 0, code, true, retry_after_ms, sentence))
        leave(guest, sentence);
}

/* --- What is said --- */

static void welcome(struct door_guest *guest)
{
    const struct door_options *options = &guest->door->options;
    const struct welcome welcome = {
        .version = guest->version,
        .features = guest->features,
        .body_limit = FRAME_BODY_BYTES,
        .heartbeat_ms = GREETING_HEARTBEAT_MS,
        .server = {options->server_name, (uint16_t)strlen(options->server_name)},
        .name = {guest->name, (uint16_t)strlen(guest->name)},
    };
    struct buffer buffer;
    buffer_init(&buffer, 0);
    welcome_encode(&buffer, &welcome);
    int code = buffer.failed ? -ENOMEM
                             : channel_send(&guest->channel, buffer.bytes, buffer.length);
    buffer_done(&buffer);
    if (code)
        leave(guest, "lost before the welcome");
}

static void owe(const struct door_guest *guest, int64_t now_ns, int64_t debt_ns)
{
    if (!guest->local)
        sources_owe(guest->door->sources, &guest->channel.peer, now_ns, debt_ns);
}

static void look_up(struct door_guest *guest, const struct frame_text *text,
                    int64_t now_ns)
{
    struct token token;
    switch (token_store_check(guest->door->options.tokens, text->bytes, text->length,
                              time(NULL), &token, NULL)) {
    case 0:
        memcpy(guest->name, token.name, sizeof guest->name);
        memcpy(guest->token_id, token.id, sizeof guest->token_id);
        break;
    case ERROR_ABSENT:
        owe(guest, now_ns, wrong_token_ns);
        refuse(guest, now_ns, FRAME_ERROR_TOKEN_WRONG, 0,
               "the token is unknown, revoked or expired");
        break;
    default:
        refuse(guest, now_ns, FRAME_ERROR_INTERNAL, RETRY_AFTER_MS,
               "the server cannot read its tokens");
    }
}

/* Refuses, where the token he shows, or does not show, is not good enough. */
static void check_token(struct door_guest *guest, const struct frame_text *text,
                        int64_t now_ns)
{
    const struct door_options *options = &guest->door->options;
    int64_t wait_ns = guest->local ? 0
                                   : sources_refused_ns(guest->door->sources,
                                                        &guest->channel.peer, now_ns);
    if (!options->tokens)
        return;
    if (text->length && wait_ns)
        refuse(guest, now_ns, FRAME_ERROR_TOO_MANY, (uint32_t)(wait_ns / NS_PER_MS) + 1,
               "too many wrong tokens came from this address; wait a little");
    else if (text->length)
        look_up(guest, text, now_ns);
    else if (!guest->local && !options->insecure)
        refuse(guest, now_ns, FRAME_ERROR_TOKEN_REQUIRED, 0,
               "this server asks for a token; who runs it makes one with 'woshou token "
               "make NAME'");
}

static void hear_greeting(struct door_guest *guest, const struct greeting *greeting,
                          int64_t now_ns)
{
    guest->version = (uint16_t)greeting_version(greeting);
    if (!guest->version) {
        refuse(guest, now_ns, FRAME_ERROR_VERSION, 0,
               "this server speaks version 1 only");
        return;
    }
    if (greeting->business != BUSINESS_TEXT && greeting->business != BUSINESS_FILE) {
        refuse(guest, now_ns, FRAME_ERROR_BUSINESS, 0,
               "this server does text and files, and nothing else");
        return;
    }
    guest->business = greeting->business;
    memcpy(guest->client_id, greeting->client_id, sizeof guest->client_id);
    memcpy(guest->name, greeting->name.bytes, greeting->name.length);
    guest->name[greeting->name.length] = '\0';
    check_token(guest, &greeting->token, now_ns);
    if (guest->phase == DOOR_PHASE_HELLO)
        welcome(guest);
}

static void hear_frame(struct door_guest *guest, const struct frame *frame,
                       int64_t now_ns)
{
    struct greeting greeting;
    if (greeting_decode(frame, &greeting))
        refuse(guest, now_ns, FRAME_ERROR_MALFORMED, 0,
               "the first frame must be a HELLO of woshou's protocol");
    else if (atomic_load(&guest->door->draining))
        refuse(guest, now_ns, FRAME_ERROR_DRAINING, RETRY_AFTER_MS,
               "the server is about to end");
    else
        hear_greeting(guest, &greeting, now_ns);
}

/* --- Phases --- */

enum { TLS_FIRST_BYTE = 0x16 };

static void start_tls(struct door_guest *guest)
{
    struct tls *tls;
    if (!guest->door->options.identity) {
        leave(guest, "speaks TLS, which is not spoken here");
    } else if (tls_new_server(guest->door->options.identity, &tls)) {
        leave(guest, "no memory for TLS");
    } else {
        channel_start_tls(&guest->channel, tls);
        guest->enciphered = true;
        guest->phase = DOOR_PHASE_HANDSHAKE;
    }
}

static void see_first_byte(struct door_guest *guest, int64_t now_ns)
{
    uint8_t first;
    ssize_t length = channel_peek(&guest->channel, &first, 1);
    if (length == -EAGAIN)
        return;
    if (length <= 0)
        leave(guest, "left without a word");
    else if (first == TLS_FIRST_BYTE)
        start_tls(guest);
    else if (!guest->local && !guest->door->options.insecure)
        refuse(guest, now_ns, FRAME_ERROR_TLS_REQUIRED, 0,
               "this server asks for TLS 1.3 on connections from other machines");
    else
        guest->phase = DOOR_PHASE_HELLO;
}

/* OpenSSL has sent its alert; the end behind it says the rest. */
static void shake_hands(struct door_guest *guest, int64_t now_ns)
{
    int code = channel_handshake(&guest->channel);
    if (code == 1)
        guest->phase = DOOR_PHASE_HELLO;
    if (code >= 0)
        return;
    guest->why =
        code == -EPROTO ? tls_why(guest->channel.tls) : "left during the handshake";
    guest->phase = DOOR_PHASE_LEAVING;
    set_deadline(guest, now_ns, leaving_ns);
    channel_finish(&guest->channel);
}

static enum door_state hear_hello(struct door_guest *guest,
                                  struct channel_scratch *scratch, int64_t now_ns)
{
    struct frame frame;
    int code = channel_next(&guest->channel, scratch, &frame);
    if (code == 0)
        return DOOR_STILL;
    if (code == 1)
        hear_frame(guest, &frame, now_ns);
    else if (code == -EMSGSIZE)
        refuse(guest, now_ns, FRAME_ERROR_TOO_LARGE, 0,
               "a frame is longer than 64 KiB before the welcome");
    else if (code == -EPROTO)
        leave(guest, tls_why(guest->channel.tls));
    else
        leave(guest, "left without a word");
    if (guest->phase != DOOR_PHASE_HELLO)
        return DOOR_STILL;
    channel_stow(&guest->channel);
    guest->channel.body_limit = FRAME_BODY_BYTES;
    wo_timer_cancel(guest->channel.event);
    count_out(guest, now_ns);
    return DOOR_READY;
}

static enum door_state step(struct door_guest *guest, struct channel_scratch *scratch,
                            int64_t now_ns)
{
    switch (guest->phase) {
    case DOOR_PHASE_FIRST_BYTE: see_first_byte(guest, now_ns); return DOOR_STILL;
    case DOOR_PHASE_HANDSHAKE: shake_hands(guest, now_ns); return DOOR_STILL;
    case DOOR_PHASE_HELLO: return hear_hello(guest, scratch, now_ns);
    case DOOR_PHASE_LEAVING:
        if (channel_drain(&guest->channel, scratch))
            leave(guest, "refused");
        return DOOR_STILL;
    default: return DOOR_OVER;
    }
}

/* His time is over. */
static void give_up(struct door_guest *guest, int64_t now_ns)
{
    switch (guest->phase) {
    case DOOR_PHASE_GONE: return;
    case DOOR_PHASE_LEAVING: leave(guest, "refused"); return;
    case DOOR_PHASE_HANDSHAKE: leave(guest, "no TLS handshake in time"); break;
    default: refuse(guest, now_ns, FRAME_ERROR_TIMEOUT, 0, "no HELLO came in time");
    }
    owe(guest, now_ns, silence_ns);
}

enum door_state door_step(struct door_guest *guest, struct channel_scratch *scratch,
                          int64_t now_ns)
{
    guest->now_ns = now_ns;
    if (guest->phase != DOOR_PHASE_GONE && channel_enumerate(&guest->channel, NULL))
        leave(guest, "lost");
    if (now_ns >= guest->deadline_ns)
        give_up(guest, now_ns);
    for (;;) {
        enum door_phase before = guest->phase;
        enum door_state state = step(guest, scratch, now_ns);
        if (state != DOOR_STILL || guest->phase == before)
            return state;
    }
}
