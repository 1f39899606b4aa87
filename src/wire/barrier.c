#include "wire/barrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/hosts.h"
#include "wire/link.h"

enum { PORT = 9 };

static const int64_t patience_ns = 500 * NS_PER_MS;

void barrier_init(struct barrier *barrier)
{
    *barrier = (struct barrier){.fd = {-1, -1}};
}

static struct sockaddr_in address_of(enum place host)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    memcpy(&address.sin_addr, link_addresses[host], 4);
    return address;
}

/* Connected to each other: nothing else comes in. */
static int open_at(enum place host, struct error *err)
{
    struct sockaddr_in here = address_of(host), there = address_of(place_other(host));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_system(err, errno, "a datagram socket");
    if (bind(fd, (struct sockaddr *)&here, sizeof here) < 0 ||
        connect(fd, (struct sockaddr *)&there, sizeof there) < 0) {
        int status = error_set_system(err, errno, "a datagram socket");
        close(fd);
        return status;
    }
    return fd;
}

int barrier_open(struct barrier *barrier, const struct hosts *hosts, struct error *err)
{
    int status = 0;
    for (enum place host = PLACE_CLIENT; host <= PLACE_SERVER && !status; host++) {
        status = hosts_enter(hosts, host, err);
        if (status == 0)
            barrier->fd[host] = open_at(host, err);
        if (status == 0 && barrier->fd[host] < 0)
            status = barrier->fd[host];
    }
    int back = hosts_enter(hosts, PLACE_WIRE, status ? NULL : err);
    return status ? status : back;
}

void barrier_close(struct barrier *barrier)
{
    for (int i = 0; i < 2; i++)
        if (barrier->fd[i] >= 0)
            close(barrier->fd[i]);
    barrier_init(barrier);
}

static void begin(struct barrier *barrier, uint64_t segments, int64_t now_ns)
{
    barrier->round++;
    barrier->begun_ns = now_ns;
    barrier->begun = true;
    barrier->segments = segments;
    for (int i = 0; i < 2; i++)
        barrier->awaited += send(barrier->fd[i], &barrier->round, 1, MSG_NOSIGNAL) == 1;
}

static void take_arrivals(struct barrier *barrier)
{
    uint8_t round;
    for (int i = 0; i < 2; i++)
        while (barrier->awaited && recv(barrier->fd[i], &round, 1, 0) == 1)
            barrier->awaited -= round == barrier->round;
}

bool barrier_passed(struct barrier *barrier, uint64_t segments, int64_t now_ns)
{
    if (barrier->fd[0] < 0)
        return true;
    if (barrier->begun)
        take_arrivals(barrier);
    bool over = barrier->awaited == 0;
    if (barrier->begun && !over && now_ns - barrier->begun_ns < patience_ns)
        return false;
    bool passed = barrier->begun && over && barrier->segments == segments;
    barrier->begun = false;
    barrier->awaited = 0;
    if (!passed)
        begin(barrier, segments, now_ns);
    return passed;
}
