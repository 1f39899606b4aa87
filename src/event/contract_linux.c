/* The contract's helpers, as far as they are Linux' own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "event/contract.h"

void close_plainly(int fd)
{
    close(fd);
}

void drain(int fd)
{
    static char bytes[65536];

    while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
}

bool never_blocks(int fd)
{
    return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

void expect_unselected(int fd, wo_event *event)
{
    wo_network_events network;

    assert_int_equal(wo_enumerate(fd, event, &network), -EINVAL);
}

int thread_number(void)
{
    return gettid();
}

/* As the kernel says. */
bool thread_sleeps(int id)
{
    char path[64], text[256] = "";
    const char *state;
    ssize_t got;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    close(fd);
    state = got > 0 ? strrchr(text, ')') : NULL;
    return state && state[2] == 'S';
}

int wait_for(struct waiting *waiting, int64_t timeout_ns)
{
    if (waiting->set)
        return wo_set_wait(waiting->set, waiting->ready, 4, timeout_ns);
    return wo_wait(waiting->events, waiting->count, waiting->mode, timeout_ns,
                   &waiting->index);
}
