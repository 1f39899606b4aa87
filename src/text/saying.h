/* What is on its way to the keeper and back, and to other desks. Private to text/. */
#ifndef WOSHOU_TEXT_SAYING_H
#define WOSHOU_TEXT_SAYING_H

#include "base/buffer.h"
#include "text/keep.h"
#include "text/member.h"

/* A message at the keeper's. */
struct said {
    struct keep_message message; /* first: the keeper's pointer is ours */
    struct said *next;           /* at the desk, once it is back */
    struct member *member;       /* null: the server's own */
    struct room *room;
    uint32_t sender;
    char bytes[]; /* name and text */
};

/* A question at the keeper's. */
struct asked {
    struct keep_query query; /* first */
    struct asked *next;
    struct member *member;
    struct room *room;
    uint64_t request;
    struct buffer answer; /* PAST frames */
    int code;
    uint64_t next_seq;
    char search[]; /* terminated */
};

/* A frame for one member. */
struct letter {
    struct letter *next;
    struct member *member;
    size_t length;
    uint8_t frame[];
};

/* The desk's messages of this turn go to the keeper. */
void saying_hand_over(struct desk *desk);
/* The keeper's `kept`; the listener is the text service. */
void saying_kept(void *listener, struct keep_message *first);
/* At the desk: answers and frees. */
void saying_answer(struct said *said);
void saying_tell_past(struct asked *asked);
void saying_deliver(struct letter *letter);

#endif
