/* A member: one connection in the text service. Its desk's thread's alone, but for what says
 * otherwise. Private to text/.
 *
 *   state       frames come          the peer finishes   its time is over   all is sent
 *   OPEN        done                 GONE                see desk.h         -
 *   FINISHING   left out             GONE                GONE               DRAINING
 *   DRAINING    left out             GONE                GONE               -
 *   GONE        closed; freed once nothing that was asked on its behalf is still on its way
 *
 * What it sends: its own frames, and the reels of its rooms. Frames are never mixed: where the
 * network takes a part of a reel's bytes, that reel is `held` until they are all sent. */
#ifndef WOSHOU_TEXT_MEMBER_H
#define WOSHOU_TEXT_MEMBER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "net/channel.h"
#include "net/task.h"
#include "text/keep.h"
#include "text/room.h"

struct asked;
struct desk;
struct letter;
struct lines;
struct member;
struct said;

enum member_state { MEMBER_OPEN, MEMBER_FINISHING, MEMBER_DRAINING, MEMBER_GONE };

/* What differs between who speaks frames and who speaks lines. */
struct member_kind {
    /* Receives and does what is asked, for some while: 1: there may be more; 0: the event will
     * tell; negative: the connection is over. */
    int (*receive)(struct member *member);
    /* Sends what its rooms say: 1: all of it, or enough for once (`flush_again` is set then); 0:
     * the network takes no more; negative: over. */
    int (*show)(struct member *member);
    /* Appends to its own bytes: what became of a message, */
    void (*answer)(struct member *member, const struct said *said);
    /* of a question, */
    void (*past)(struct member *member, const struct asked *asked);
    /* what somebody said to it alone, */
    void (*direct)(struct member *member, const struct letter *letter);
    /* that it missed something, and a farewell. */
    void (*gap)(struct member *member, const struct room *room, uint64_t next);
    void (*farewell)(struct member *member, unsigned code, const char *sentence);
    bool silent; /* is never pinged */
};

struct member {
    struct task task;
    const struct member_kind *kind;
    struct desk *desk;
    struct channel channel;
    struct buffer own; /* frames of its own, from own_begin on */
    size_t own_begin;
    struct lines *lines; /* of who speaks lines; null of others */
    struct place *places;
    struct place *held;
    uint64_t held_until; /* of its reel */
    struct member *next_person;
    struct list_link in_desk, again, flushing, clock_link;
    int64_t clock_ns; /* since when it is on that clock */
    uint32_t sender;
    _Atomic uint32_t
        pins;       /* messages, questions, letters on their way; from any thread */
    uint32_t token; /* by which it came in; 0: without one */
    uint32_t outstanding_bytes;
    uint16_t outstanding; /* messages the keeper has */
    uint8_t asking;       /* questions the keeper has */
    uint8_t state;        /* enum member_state */
    uint8_t clock;        /* enum desk_clock; DESK_CLOCKS: none */
    bool blocked;         /* the network takes no more until WO_WRITE */
    bool paused;          /* is not read from until its messages are back */
    bool flush_again;
    bool heard; /* whole frames came since the turn began */
    uint8_t client[KEEP_CLIENT_BYTES];
    uint8_t name_length;
    char name[]; /* terminated */
};

enum {
    MEMBER_OWN_PAUSE = 256 << 10, /* own bytes unsent above which nothing more is read */
    MEMBER_OWN_MOST = 4 << 20,    /* and above which it is closed */
    MEMBER_OUTSTANDING_BYTES = 4 << 20,
    MEMBER_ASKING_MOST = 4,
    MEMBER_FLUSH_BYTES =
        1 << 20 /* sent to one at once, before the others have their turn */
};

/* Takes the open channel, whatever comes of it. -ENOMEM and others. */
int member_new(struct desk *desk, const struct member_kind *kind, struct channel *channel,
               const char *name, size_t name_length,
               const uint8_t client[KEEP_CLIENT_BYTES], struct member **ret_member);
/* Another valid name, for who speaks lines. */
void member_rename(struct member *member, const char *name, size_t length);
/* Of its own, not sent yet. */
size_t member_own_bytes(const struct member *member);

/* Its own bytes, to append to; they are sent in this turn. */
struct buffer *member_reply(struct member *member);
/* The connection is finished in good order, once everything it waits for is answered. */
void member_finish(struct member *member);
/* The same with a farewell. */
void member_end(struct member *member, unsigned code, const char *sentence);
/* Closes now; frees it, where nothing is on its way. It is not to be touched afterwards, unless
 * the caller holds a pin. */
void member_drop(struct member *member);
/* One thing less is on its way; may free it. */
void member_unpin(struct member *member);

/* The place it has in the room of that number; null. */
struct place *member_place(const struct member *member, uint32_t room);
/* -EEXIST where it is in already, -ENOSPC, -ENOMEM. A speaker gets nothing from it. */
int member_enter(struct member *member, struct room *room, bool speaker,
                 struct place **ret_place);
void member_leave(struct member *member, struct place *place);
/* The same where a part of a frame may have been sent of it, which is sent whole then. -ENOMEM. */
int member_release(struct member *member, struct place *place);

/* Sends; may drop it. */
void member_flush(struct member *member);
/* Sends its rooms' reels as they are: a kind's `show`. */
int member_show_reels(struct member *member);
/* Its event is set. May drop it. */
void member_ready(struct task *task);
/* Reads on; may drop it. */
void member_receive(struct member *member);
/* Whether more may be taken from it now; else it is `paused`. */
bool member_may_read(struct member *member);
/* The place is too far behind: its cursor goes to the end, and the member is told of the gap. */
void member_skip(struct member *member, struct place *place);
/* Puts it on a clock, from now on; DESK_CLOCKS: on none. */
void member_clock(struct member *member, unsigned clock);

/* --- Kinds --- */

extern const struct member_kind member_frames, member_lines;
/* What lines keep besides. */
int lines_start(struct member *member);
void lines_free(struct lines **lines);

/* --- What members say and ask, by frames or lines (saying.c) --- */

/* To be kept: 0, or -ENOMEM. */
int member_say(struct member *member, struct room *room, uint64_t number, uint8_t kind,
               const char *text, size_t length);
/* Not to be kept: 0, or -ENOMEM. */
int member_say_unkept(struct member *member, struct room *room, uint8_t kind,
                      const char *text, size_t length);
/* To one person alone: to how many connections of that name; `ret_time_ns` (may be null) when. */
unsigned member_tell(struct member *member, const char *name, size_t name_length,
                     const char *text, size_t length, int64_t *ret_time_ns);
/* `wanted` has what is asked, but room and search. -ENOMEM. */
int member_ask(struct member *member, struct room *room, uint64_t request,
               const struct keep_query *wanted, const char *search, size_t search_length);

#endif
