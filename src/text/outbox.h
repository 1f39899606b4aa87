/* What a client said and the server has not acknowledged, by rising number. Pure; private to
 * text/. */
#ifndef WOSHOU_TEXT_OUTBOX_H
#define WOSHOU_TEXT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct outgoing {
    struct list_link link;
    uint64_t number;
    size_t name_length; /* of whom it is for; 0: the room */
    size_t length;
    char bytes[]; /* name and text */
};

struct outbox {
    struct list messages;
    struct list_link
        *unsent; /* the first that was not sent over this connection; or the head */
    size_t count;
    uint64_t last_number;
};

void outbox_init(struct outbox *outbox);
void outbox_done(struct outbox *outbox);
/* Copies; null where there is no memory. */
struct outgoing *outbox_add(struct outbox *outbox, const char *name, size_t name_length,
                            const char *text, size_t length);
/* It was answered: away with it. False where there is no such message. */
bool outbox_remove(struct outbox *outbox, uint64_t number);
/* The first that was not sent over this connection, or null; then it was. */
struct outgoing *outbox_next(const struct outbox *outbox);
void outbox_note_sent(struct outbox *outbox);
/* The connection is another: nothing is sent. */
void outbox_forget_sent(struct outbox *outbox);

#endif
