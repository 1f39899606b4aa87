#include "wire/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/hosts.h"

const uint8_t link_addresses[2][4] = {{10, 9, 0, 1}, {10, 9, 0, 2}};

int link_open(struct link *link, const struct link_operations *operations,
              const struct hosts *hosts, struct error *err)
{
    *link = (struct link){.operations = operations, .fd = {-1, -1}, .tap = {-1, -1}};
    int status = operations->open(link, hosts, err);
    int back = hosts_enter(hosts, PLACE_WIRE, status ? NULL : err);
    if (status || back)
        link_close(link);
    return status ? status : back;
}

void link_close(struct link *link)
{
    for (int i = 0; i < 2; i++) {
        if (link->fd[i] >= 0)
            close(link->fd[i]);
        if (link->tap[i] >= 0)
            close(link->tap[i]);
        link->fd[i] = link->tap[i] = -1;
    }
}

int link_open_stamped(const char *interface, struct error *err)
{
    int one = 1;
    int fd =
        socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    if (fd < 0)
        return error_set_system(err, errno, "a packet socket on %s", interface);
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int status = error_set_system(err, errno, "a packet socket on %s", interface);
        close(fd);
        return status;
    }
    return fd;
}

int link_receive_stamped(int fd, uint8_t *bytes, size_t size, int64_t *ret_ns,
                         unsigned char *ret_type)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct sockaddr_ll from = {0};
    struct iovec vector = {bytes, size};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t length = recvmsg(fd, &message, MSG_TRUNC | MSG_DONTWAIT);
    if (length < 0)
        return errno == EAGAIN ? 0 : error_code_from_errno(errno);
    *ret_type = from.sll_pkttype;
    *ret_ns = clock_monotonic_ns();
    struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
    if (stamp && stamp->cmsg_level == SOL_SOCKET && stamp->cmsg_type == SO_TIMESTAMPNS) {
        struct timespec time;
        memcpy(&time, CMSG_DATA(stamp), sizeof time);
        *ret_ns = clock_monotonic_from_realtime_ns(time.tv_sec * NS_PER_S + time.tv_nsec);
    }
    return (int)length;
}
