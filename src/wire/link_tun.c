/* TUN: writing a packet runs the receiving host's stack inside the write. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/hosts.h"
#include "wire/interface.h"
#include "wire/link.h"

/* Of a packet's head: addresses, ports, numbers tell packets apart. */
enum { TAP_BYTES = 60 };

static int open_device(const char *name, struct error *err)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return error_set_system(err, errno, "/dev/net/tun");
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        int status = error_set_system(err, errno, "the TUN device %s", name);
        close(fd);
        return status;
    }
    return fd;
}

static int tun_open(struct link *link, const struct hosts *hosts, struct error *err)
{
    static const char *const names[] = {"client0", "server0"};
    for (int host = 0; host < 2; host++) {
        int status = hosts_enter(hosts, (enum place)host, err);
        if (status)
            return status;
        link->fd[host] = open_device(names[host], err);
        if (link->fd[host] < 0)
            return link->fd[host];
        status = interface_set_address(names[host], link_addresses[host], 24, err);
        if (status)
            return status;
        /* Without the tap a packet's time is that of our reading it, some 20 µs late. */
        int tap = link_open_stamped(names[host], NULL);
        link->tap[host] = tap < 0 ? -1 : tap;
    }
    return 0;
}

/* When the kernel sent the packet just read: the tap has seen every packet the device
 * took, in the same order, so the first that looks the same is it. */
static int64_t stamp_of(int tap, const uint8_t *bytes, size_t length)
{
    uint8_t head[TAP_BYTES];
    unsigned char type;
    int64_t t_ns;
    int seen;

    while (tap >= 0 &&
           (seen = link_receive_stamped(tap, head, sizeof head, &t_ns, &type)) > 0) {
        size_t compare = length < sizeof head ? length : sizeof head;
        if (type == PACKET_OUTGOING && (size_t)seen == length &&
            memcmp(head, bytes, compare) == 0)
            return t_ns;
    }
    return clock_monotonic_ns();
}

static int tun_read(struct link *link, enum place host, uint8_t bytes[LINK_PACKET_MAX],
                    int64_t *ret_sent_ns)
{
    ssize_t length = read(link->fd[host], bytes, LINK_PACKET_MAX);
    if (length < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : error_code_from_errno(errno);
    *ret_sent_ns = stamp_of(link->tap[host], bytes, (size_t)length);
    return (int)length;
}

static int tun_write(struct link *link, enum place host, const uint8_t *bytes,
                     size_t length)
{
    return write(link->fd[host], bytes, length) < 0 ? error_code_from_errno(errno) : 0;
}

const struct link_operations link_tun = {"TUN", tun_open, tun_read, tun_write};
