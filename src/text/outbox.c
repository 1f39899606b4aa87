#include "text/outbox.h"

#include <stdlib.h>
#include <string.h>

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){0};
    list_init(&outbox->messages);
    outbox->unsent = &outbox->messages.head;
}

void outbox_done(struct outbox *outbox)
{
    list_for_each_safe (link, &outbox->messages)
        free(list_member(link, struct outgoing, link));
    outbox_init(outbox);
}

struct outgoing *outbox_add(struct outbox *outbox, const char *name, size_t name_length,
                            const char *text, size_t length)
{
    struct outgoing *message = calloc(1, sizeof *message + name_length + length + 1);
    if (!message)
        return NULL;
    message->number = ++outbox->last_number;
    message->name_length = name_length;
    message->length = length;
    memcpy(message->bytes, name, name_length);
    memcpy(message->bytes + name_length, text, length);
    list_append(&outbox->messages, &message->link);
    if (outbox->unsent == &outbox->messages.head)
        outbox->unsent = &message->link;
    outbox->count++;
    return message;
}

bool outbox_remove(struct outbox *outbox, uint64_t number)
{
    /* Answers come nearly in the order of the numbers. */
    list_for_each (link, &outbox->messages) {
        struct outgoing *message = list_member(link, struct outgoing, link);
        if (message->number != number)
            continue;
        if (outbox->unsent == link)
            outbox->unsent = link->next;
        list_remove(link);
        outbox->count--;
        free(message);
        return true;
    }
    return false;
}

struct outgoing *outbox_next(const struct outbox *outbox)
{
    if (outbox->unsent == &outbox->messages.head)
        return NULL;
    return list_member(outbox->unsent, struct outgoing, link);
}

void outbox_note_sent(struct outbox *outbox)
{
    outbox->unsent = outbox->unsent->next;
}

void outbox_forget_sent(struct outbox *outbox)
{
    outbox->unsent = outbox->messages.head.next;
}
