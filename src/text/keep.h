/* What text asks of whoever keeps its messages; history/ is one.
 *
 * A message is handed over, and comes back once it is committed, with the number its room gave
 * it: that may be said to its sender then, and only then. A message is known by its client and
 * the client's number for it, and kept once, however often it comes. */
#ifndef WOSHOU_TEXT_KEEP_H
#define WOSHOU_TEXT_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEEP_CLIENT_BYTES = 16,
    /* Numbers of one client's messages that are told apart: of those further behind its highest
     * nobody knows any more whether they were kept. */
    KEEP_WINDOW = 1024
};

enum keep_result {
    KEEP_STORED, /* it is committed */
    KEEP_REPEATED, /* it was committed before; seq and time are its own, or 0 where it is too
                      long ago to be found */
    KEEP_TOO_OLD, /* its number is KEEP_WINDOW or more behind the client's highest */
    KEEP_FULL,    /* the disk is full: it is not kept; a later one may be */
    KEEP_FAILED   /* it could not be kept */
};

/* A room as the keeper knows it: its name and its last number. Lives as long as the keeper. */
struct keep_room;

/* One message. Whoever makes it keeps it, and what it points to, until it comes back. */
struct keep_message {
    struct keep_message *next; /* the keeper's, from keep->store until it comes back */
    struct keep_room *room;
    uint8_t client[KEEP_CLIENT_BYTES];
    uint64_t number; /* the client's for it, from 1 */
    uint8_t kind;
    uint16_t name_length;
    uint32_t text_length;
    const char *name, *text; /* UTF-8 without a zero */
    /* The keeper's answer: */
    enum keep_result result;
    uint64_t seq;    /* in its room, from 1, without gaps */
    int64_t time_ns; /* since 1970; within a room it never falls */
};

/* One message out of the past; borrowed for the call. */
struct keep_row {
    uint64_t seq;
    int64_t time_ns;
    uint8_t kind;
    uint16_t name_length;
    uint32_t text_length;
    const char *name, *text;
};

/* A question about a room's past. Whoever makes it keeps it until `done` was called. */
struct keep_query {
    struct keep_query *next; /* the keeper's */
    struct keep_room *room;
    uint64_t since;     /* the lowest number wanted; 0 and 1: from the beginning */
    uint64_t until;     /* the highest; 0: to the end */
    int64_t since_ns;   /* none older; 0: whatever age */
    uint32_t limit;     /* most rows, at least 1 */
    const char *search; /* words that all must be in it; null: all messages */
    /* Called by a thread of the keeper's: for each row by rising number, false to take no more;
     * then once `done`, with 0 or a negative code of base/error.h. `next` is the number to ask
     * on from, 0 where there is no more. */
    bool (*row)(struct keep_query *query, const struct keep_row *row);
    void (*done)(struct keep_query *query, int code, uint64_t next);
};

struct keep {
    /* The room of that name, which is made where there is none; `ret_last` its last number.
     * From any thread, at once. ERROR_MEMORY, ERROR_LIMIT. */
    int (*open_room)(void *owner, const char *name, size_t length,
                     struct keep_room **ret_room, uint64_t *ret_last);
    /* Takes messages, linked by `next`. From any thread, at once. They come back, in any number
     * at a time and in the order they were taken, through `kept`, called by a thread of the keeper's:
     * those of one room by rising number. */
    void (*store)(void *owner, struct keep_message *first, struct keep_message *last);
    /* Takes a question. From any thread, at once. */
    void (*ask)(void *owner, struct keep_query *query);
    /* To whom messages come back; set once, before the first is stored. */
    void (*listen)(void *owner, void (*kept)(void *listener, struct keep_message *first),
                   void *listener);
    void *owner;
    uint64_t epoch; /* random, of this history: numbers of another's mean nothing */
};

#endif
