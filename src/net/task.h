/* What a thread's wait set holds: events whose owner is a task, and knows what to do when
 * the event is set. */
#ifndef WOSHOU_NET_TASK_H
#define WOSHOU_NET_TASK_H

struct task {
    /* Called by the thread that waits, for each time its event is ready. The task may
     * take itself out of the set and be freed. */
    void (*ready)(struct task *task);
};

#endif
