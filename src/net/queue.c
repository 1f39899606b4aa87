#include "net/queue.h"

#include <errno.h>

void byte_queue_init(struct byte_queue *queue)
{
    buffer_init(&queue->buffer, 0);
    queue->begin = 0;
}

void byte_queue_done(struct byte_queue *queue)
{
    buffer_done(&queue->buffer);
    queue->begin = 0;
}

/* What is done with makes room first, once there is more of it than of what is left: so a
 * byte is moved a bounded number of times. */
int byte_queue_append(struct byte_queue *queue, const void *bytes, size_t length)
{
    if (queue->begin > byte_queue_length(queue)) {
        buffer_consume(&queue->buffer, queue->begin);
        queue->begin = 0;
    }
    return buffer_append(&queue->buffer, bytes, length) ? -ENOMEM : 0;
}

void byte_queue_tidy(struct byte_queue *queue)
{
    if (byte_queue_length(queue) == 0)
        byte_queue_done(queue);
}
