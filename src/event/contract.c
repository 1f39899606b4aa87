#include "event/contract.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

wo_event *new_event(enum wo_reset reset)
{
    wo_event *event = NULL;

    assert_int_equal(wo_event_new(reset, &event), 0);
    return event;
}

bool is_set(wo_event *event)
{
    return wo_wait(&event, 1, WO_ANY, 0, NULL) == 0;
}

void await(wo_event *event)
{
    assert_int_equal(wo_wait(&event, 1, WO_ANY, LONG_NS, NULL), 0);
}

struct listener listen_somewhere(void)
{
    struct listener listener = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    socklen_t length = sizeof(listener.address);

    listener.address.sin_family = AF_INET;
    listener.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener.fd, (struct sockaddr *)&listener.address, length), 0);
    assert_int_equal(listen(listener.fd, 4096), 0);
    assert_int_equal(
        getsockname(listener.fd, (struct sockaddr *)&listener.address, &length), 0);
    return listener;
}

int connect_plainly(const struct listener *listener)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&listener->address,
                             sizeof(listener->address)),
                     0);
    return fd;
}

/* A port that is bound and does not listen refuses, and nobody else can take it; the
 * socket stays open until the process ends, as the story needs. */
struct sockaddr_in nobodys_address(void)
{
    static int holder = -1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    if (holder < 0) {
        holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(holder, (struct sockaddr *)&address, length), 0);
    }
    assert_int_equal(getsockname(holder, (struct sockaddr *)&address, &length), 0);
    return address;
}

struct pair connect_pair(void)
{
    struct listener listener = listen_somewhere();
    struct pair pair = {.far = connect_plainly(&listener)};

    pair.near = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(pair.near >= 0);
    close(listener.fd);
    return pair;
}

void close_pair(struct pair *pair)
{
    if (pair->near >= 0)
        wo_close(pair->near);
    if (pair->far >= 0)
        wo_close(pair->far);
    pair->near = pair->far = -1;
}

void send_plainly(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

void reset_plainly(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}

wo_network_events expect(int fd, wo_event *event, unsigned events)
{
    wo_network_events network = {0};

    await(event);
    assert_int_equal(wo_enumerate(fd, event, &network), 0);
    assert_int_equal(network.events, events);
    return network;
}

unsigned recorded(int fd, wo_event *event)
{
    wo_network_events network = {0};

    assert_int_equal(wo_enumerate(fd, event, &network), 0);
    return network.events;
}

static void *wait_once(void *argument)
{
    struct waiting *waiting = argument;
    int64_t timeout_ns = waiting->timeout_ns ? waiting->timeout_ns : LONG_NS;

    waiting->id = gettid();
    pthread_barrier_wait(&waiting->running);
    if (waiting->set)
        waiting->result = wo_set_wait(waiting->set, waiting->ready, 4, timeout_ns);
    else
        waiting->result = wo_wait(waiting->events, waiting->count, waiting->mode,
                                  timeout_ns, &waiting->index);
    return NULL;
}

/* Whether the kernel says that the thread sleeps. */
static bool sleeps(int id)
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

void start_waiting(struct waiting *waiting)
{
    waiting->result = -1;
    pthread_barrier_init(&waiting->running, NULL, 2);
    assert_int_equal(pthread_create(&waiting->thread, NULL, wait_once, waiting), 0);
    pthread_barrier_wait(&waiting->running);
    while (!sleeps(waiting->id))
        sched_yield();
}

void finish_waiting(struct waiting *waiting)
{
    pthread_join(waiting->thread, NULL);
    pthread_barrier_destroy(&waiting->running);
}
