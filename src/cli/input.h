/* Standard input, read by a thread of its own, so that it can be waited for together with
 * connections: a file or a terminal is no socket. */
#ifndef WOSHOU_CLI_INPUT_H
#define WOSHOU_CLI_INPUT_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "woshou/event.h"

struct error;

struct input {
    wo_event *event; /* set where something is there, or the end */
    pthread_t thread;
    int fd, wake[2];
    pthread_mutex_t lock;
    pthread_cond_t taken;
    struct buffer bytes; /* read and not taken */
    bool ended, stop;
    int failed; /* errno of reading */
};

/* Begins to read `fd`, borrowed until input_close. */
int input_open(struct input *input, int fd, struct error *err);
/* Ends the thread at once, whatever it waits for. */
void input_close(struct input *input);
/* Moves what was read behind what `ret_bytes` has, and resets the event; true while more may
 * come, false once the end was reached and everything is taken. */
bool input_take(struct input *input, struct buffer *ret_bytes);

#endif
