/* A client in one room: it joins, shows what is said there, says things until they are
 * acknowledged, and comes back by itself when the connection is lost, missing nothing and saying
 * nothing twice.
 *
 *     text_client_new          the first connection begins
 *     wait for text_client_events, until the time text_client_next_ns, then text_client_step
 *     text_client_say ...      copied; handed over and over again until it is acknowledged
 *     text_client_free
 *
 * Connecting is done by a thread of its own, one try after another, so that nothing else waits for
 * it. Everything else is done, and everything reported, by the thread that calls text_client_step.
 * Rows of the room come in the order of their numbers, each once. */
#ifndef WOSHOU_TEXT_CLIENT_H
#define WOSHOU_TEXT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/session.h"
#include "text/protocol.h"
#include "woshou/event.h"

struct error;
struct text_client;

enum {
    TEXT_CLIENT_EVENTS = 2,
    /* Messages that wait for their acknowledgement before more should be taken from anywhere. */
    TEXT_CLIENT_OUTSTANDING = 512
};

struct text_client_reports {
    /* Connected and in the room, again or for the first time. */
    void (*joined)(void *owner, const struct session *session, uint32_t members);
    /* The connection is lost, or could not be made; it is tried again. */
    void (*lost)(void *owner, const char *sentence, unsigned refused_code);
    /* `mine`: this client said it. */
    void (*message)(void *owner, const struct text_message *message, bool mine);
    void (*direct)(void *owner, const char *name, size_t name_length, const char *text,
                   size_t length, int64_t time_ns);
    void (*presence)(void *owner, const char *name, size_t length,
                     enum text_presence what, uint32_t members);
    void (*members)(void *owner, uint32_t members, const struct frame_text *names,
                    uint32_t count);
    /* A message of ours is kept; seq 0: it was said to one person. */
    void (*said)(void *owner, uint64_t number, uint64_t seq, int64_t time_ns);
    /* It is not, and is not tried again. */
    void (*refused)(void *owner, uint64_t number, unsigned code, const char *sentence);
    /* Something was missed for good: messages not to be kept, or a history that began anew. */
    void (*missed)(void *owner, const char *sentence);
    void *owner;
};

struct text_client_options {
    const char *room;
    bool speaker;     /* nothing is to come */
    uint32_t backlog; /* how many of the last messages to show first */
    /* Opens a connection; by the connecting thread, with `stop` to end early. As session_open. */
    int (*open)(void *owner, wo_event *stop, struct channel_scratch *scratch,
                struct session *ret_session, struct session_refused *ret_refused,
                struct error *err);
    void *open_owner;
    struct text_client_reports reports; /* each may be null */
};

/* The options are copied, what they point to is borrowed until text_client_free. */
int text_client_new(const struct text_client_options *options,
                    struct text_client **ret_client, struct error *err);
/* Says BYE where it is connected. Accepts null, leaves null. */
void text_client_free(struct text_client **client);

/* Events to wait for, any of them; they change with each step. How many. */
size_t text_client_events(const struct text_client *client,
                          wo_event *ret_events[TEXT_CLIENT_EVENTS]);
/* When to step at the latest, on the monotonic clock; INT64_MAX for no such time. */
int64_t text_client_next_ns(const struct text_client *client);
/* Does what is to be done. 0, or ERROR_MEMORY; or ERROR_REFUSED where the server will not have this
 * client, however often it tries: `refused` was told why in `lost`. */
int text_client_step(struct text_client *client, int64_t now_ns);

/* Says it in the room, or to one person, with the next step; `ret_number` (may be null) is the message's. The text is
 * UTF-8 without a zero, of at most TEXT_BYTES. ERROR_MEMORY. */
int text_client_say(struct text_client *client, const char *text, size_t length,
                    uint64_t *ret_number);
int text_client_tell(struct text_client *client, const char *name, size_t name_length,
                     const char *text, size_t length, uint64_t *ret_number);
/* Asks who is there; ERROR_AGAIN where there is no connection. */
int text_client_ask_members(struct text_client *client);
/* Messages that are not acknowledged yet. */
size_t text_client_outstanding(const struct text_client *client);
bool text_client_is_joined(const struct text_client *client);
/* Since when there is no connection; 0: there is one. */
int64_t text_client_lost_ns(const struct text_client *client);

#endif
