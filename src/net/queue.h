/* A queue of bytes: they are added at one end and done with at the other. It owns memory
 * only while something is in it. */
#ifndef WOSHOU_NET_QUEUE_H
#define WOSHOU_NET_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct byte_queue {
    struct buffer buffer;
    size_t begin; /* bytes in front of it are done with */
};

void byte_queue_init(struct byte_queue *queue);
/* Accepts one that is done already. */
void byte_queue_done(struct byte_queue *queue);
/* -ENOMEM. The bytes that were there may move. */
int byte_queue_append(struct byte_queue *queue, const void *bytes, size_t length);
/* Done with the first `length` bytes, which stay where they are until the next append or
 * tidying. */
static inline void byte_queue_take(struct byte_queue *queue, size_t length)
{
    queue->begin += length;
}
/* Gives the memory back where nothing is left. */
void byte_queue_tidy(struct byte_queue *queue);

static inline size_t byte_queue_length(const struct byte_queue *queue)
{
    return queue->buffer.length - queue->begin;
}

static inline uint8_t *byte_queue_bytes(const struct byte_queue *queue)
{
    return (uint8_t *)queue->buffer.bytes + queue->begin;
}

#endif
