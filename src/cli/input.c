#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

enum { READ_BYTES = 16 << 10, HELD_MOST = 256 << 10 };

/* Waits until the descriptor has something, or the thread is to end: false. */
static bool wait_readable(const struct input *input)
{
    struct pollfd polled[2] = {{.fd = input->fd, .events = POLLIN},
                               {.fd = input->wake[0], .events = POLLIN}};
    while (poll(polled, 2, -1) < 0)
        if (errno != EINTR)
            return true; /* reading says what is wrong */
    return polled[1].revents == 0;
}

/* The lock is held. False: to end. */
static bool wait_taken(struct input *input)
{
    while (input->bytes.length >= HELD_MOST && !input->stop)
        pthread_cond_wait(&input->taken, &input->lock);
    return !input->stop;
}

static bool read_once(struct input *input)
{
    char bytes[READ_BYTES];
    if (!wait_readable(input))
        return false;
    ssize_t length = read(input->fd, bytes, sizeof bytes);
    if (length < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    pthread_mutex_lock(&input->lock);
    if (length < 0)
        input->failed = errno;
    else if (length > 0 && buffer_append(&input->bytes, bytes, (size_t)length))
        input->failed = ENOMEM;
    input->ended = length <= 0 || input->failed;
    wo_event_set(input->event);
    bool more = !input->ended && wait_taken(input);
    pthread_mutex_unlock(&input->lock);
    return more;
}

static void *run(void *argument)
{
    struct input *input = argument;
    while (read_once(input))
        ;
    return NULL;
}

int input_open(struct input *input, int fd, struct error *err)
{
    memset(input, 0, sizeof *input);
    input->fd = fd;
    buffer_init(&input->bytes, 0);
    if (pipe2(input->wake, O_CLOEXEC) < 0)
        return error_set_system(err, errno, "reading standard input");
    pthread_mutex_init(&input->lock, NULL);
    pthread_cond_init(&input->taken, NULL);
    int code = wo_event_new(WO_MANUAL_RESET, &input->event);
    if (!code)
        code = -pthread_create(&input->thread, NULL, run, input);
    if (!code)
        return 0;
    wo_event_free(&input->event);
    close(input->wake[0]);
    close(input->wake[1]);
    return error_set_system(err, -code, "reading standard input");
}

void input_close(struct input *input)
{
    pthread_mutex_lock(&input->lock);
    input->stop = true;
    pthread_cond_signal(&input->taken);
    pthread_mutex_unlock(&input->lock);
    close(input->wake[1]); /* the other end is readable then */
    pthread_join(input->thread, NULL);
    close(input->wake[0]);
    buffer_done(&input->bytes);
    wo_event_free(&input->event);
}

bool input_take(struct input *input, struct buffer *ret_bytes)
{
    pthread_mutex_lock(&input->lock);
    buffer_append(ret_bytes, input->bytes.bytes, input->bytes.length);
    buffer_clear(&input->bytes);
    bool more = !input->ended;
    wo_event_reset(input->event);
    pthread_cond_signal(&input->taken);
    pthread_mutex_unlock(&input->lock);
    return more;
}
