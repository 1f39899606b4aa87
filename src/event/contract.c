#include "event/contract.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

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

/* --- Sockets --- */

int new_socket(void)
{
    int fd = (int)socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    return fd;
}

static struct sockaddr_in address_of(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return address;
}

static void bind_somewhere(int fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

int bound_socket(struct sockaddr_in *ret_address)
{
    int fd = new_socket();

    bind_somewhere(fd);
    *ret_address = address_of(fd);
    return fd;
}

struct listener listen_somewhere(void)
{
    struct listener listener;

    listener.fd = bound_socket(&listener.address);
    assert_int_equal(listen(listener.fd, 4096), 0);
    return listener;
}

int connect_plainly(const struct listener *listener)
{
    int fd = new_socket();

    assert_int_equal(connect(fd, (const struct sockaddr *)&listener->address,
                             sizeof(listener->address)),
                     0);
    return fd;
}

int accept_plainly(const struct listener *listener)
{
    int fd = (int)accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* A port that is bound and does not listen refuses, and nobody else can take it; the
 * socket stays open until the process ends, as the story needs. */
struct sockaddr_in nobodys_address(void)
{
    static int holder = -1;
    struct sockaddr_in address;

    if (holder < 0)
        holder = bound_socket(&address);
    return address_of(holder);
}

struct pair connect_pair(void)
{
    struct listener listener = listen_somewhere();
    struct pair pair = {.far = connect_plainly(&listener)};

    pair.near = accept_plainly(&listener);
    close_plainly(listener.fd);
    return pair;
}

struct pair connect_datagrams(void)
{
    struct pair pair = {.near = (int)socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
                        .far = (int)socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in address;

    bind_somewhere(pair.near);
    address = address_of(pair.near);
    assert_int_equal(connect(pair.far, (struct sockaddr *)&address, sizeof(address)), 0);
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

void send_urgently(int fd, char byte)
{
    assert_int_equal(send(fd, &byte, 1, MSG_OOB), 1);
}

void receive_urgent_data_inline(int fd)
{
    int on = 1;

    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, (const void *)&on, sizeof(on)), 0);
}

void end_plainly(int fd)
{
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

void reset_plainly(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_LINGER, (const void *)&at_once, sizeof(at_once)),
        0);
    close_plainly(fd);
}

/* --- The record --- */

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

/* --- Threads --- */

static void *wait_once(void *argument)
{
    struct waiting *waiting = argument;
    int64_t timeout_ns = waiting->timeout_ns ? waiting->timeout_ns : LONG_NS;

    waiting->id = thread_number();
    pthread_barrier_wait(&waiting->running);
    waiting->result = wait_for(waiting, timeout_ns);
    return NULL;
}

void start_waiting(struct waiting *waiting)
{
    waiting->result = -1;
    pthread_barrier_init(&waiting->running, NULL, 2);
    assert_int_equal(pthread_create(&waiting->thread, NULL, wait_once, waiting), 0);
    pthread_barrier_wait(&waiting->running);
    while (!thread_sleeps(waiting->id))
        sched_yield();
}

void finish_waiting(struct waiting *waiting)
{
    pthread_join(waiting->thread, NULL);
    pthread_barrier_destroy(&waiting->running);
}
