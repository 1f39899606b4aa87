/* The text service: rooms, and who is in them, over any number of threads.
 *
 *     text_new                 with somebody who keeps messages
 *     text_desk, desk_open     one desk a thread: the connections that thread serves
 *     desk_adopt               a connection that has said who it is; or
 *     desk_adopt_lines         one that speaks plain lines
 *     desk_begin               when the wait has returned, then
 *     task->ready              when a member's event is ready in the thread's wait set
 *     desk_turn                once all that was ready is done: sends, and looks at the time
 *     desk_drain               no more is taken; what was taken is acknowledged
 *     desk_close, text_free
 *
 * A message is acknowledged once it is kept, and goes to its room's readers then. What is not to
 * be kept goes to who is there at once. */
#ifndef WOSHOU_TEXT_TEXT_H
#define WOSHOU_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/keep.h"
#include "woshou/event.h"

struct channel;
struct channel_scratch;
struct desk;
struct endpoint;
struct error;
struct text;

enum { TEXT_DESKS_MOST = 64 };

struct text_options {
    const struct keep *keep; /* borrowed until text_free */
    unsigned desks;
    int64_t heartbeat_ns; /* silence after which a ping is sent; 0: 30 s */
    int64_t stalled_ns;   /* a reader that takes nothing for so long is closed; 0: 60 s */
    size_t behind_bytes;  /* a reader further behind gets a gap; 0: 16 MiB */
    size_t
        memory_bytes; /* of all rooms together before those behind get gaps; 0: 512 MiB */
    const char *lines_room; /* where plain lines go at first; null: "lobby" */
};

struct text_counts {
    uint64_t members, rooms;
    uint64_t said, unkept, acknowledged,
        refused;              /* messages taken, and what came of them */
    uint64_t delivered_bytes; /* sent to members */
    uint64_t gaps, slow_closed, silent_closed;
    uint64_t reel_bytes; /* memory that holds what rooms say */
};

/* The options are copied. ERROR_MEMORY. */
int text_new(const struct text_options *options, struct text **ret_text,
             struct error *err);
/* All desks are closed, and the keeper has given back what it was given. Accepts null. */
void text_free(struct text **text);

struct desk *text_desk(struct text *text, unsigned index);
struct text_counts text_counts(struct text *text);

/* Says something in a room on behalf of the server itself, kept like any message: that a file is
 * there. From any thread. A negative code of base/error.h. */
int text_announce(struct text *text, const char *room, uint8_t kind, const char *name,
                  const char *sentence, size_t length);

/* --- A thread's desk: by that thread alone --- */

/* `set` and `scratch` are borrowed until desk_close. */
int desk_open(struct desk *desk, wo_set *set, struct channel_scratch *scratch);
/* Closes every member at once. Those the keeper still has messages of are freed with text_free. */
void desk_close(struct desk *desk);

/* Takes the channel (the caller's is no more) of a client that was welcomed; its event is in the
 * desk's set with another owner, or in none. What it received already is read. `name` as it comes
 * from outside: "" stands for a guest's, and who has an invalid one is told so and closed. `token`
 * is what desk_review asks about, 0 for who came in without one. On failure the channel is closed. */
int desk_adopt(struct desk *desk, struct channel *channel, const char *name,
               const uint8_t client[KEEP_CLIENT_BYTES], uint32_t token);
/* Takes an accepted socket and an event, whatever comes of it, for plain lines. */
int desk_adopt_lines(struct desk *desk, int fd, wo_event *event,
                     const struct endpoint *peer);

/* The wait has returned: it is `now_ns`, and what is ready is about to be done. */
void desk_begin(struct desk *desk, int64_t now_ns);
/* Returns when it wants to be called at the latest, INT64_MAX for no such time. */
int64_t desk_turn(struct desk *desk);
void desk_drain(struct desk *desk);
/* Ends the members whose tokens are good no more; who has none stays. Whether there are any with a
 * token: whether it need be called again. */
bool desk_review(struct desk *desk, bool (*stays)(void *owner, uint32_t token),
                 void *owner);
/* Nobody is there any more, and nothing is on its way. */
bool desk_is_empty(const struct desk *desk);

#endif
