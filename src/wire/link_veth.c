/* veth pairs: the far ends are the hosts' devices, the near ends are ours, read and
 * written with packet sockets. Offloads must be off, or packets come without checksums
 * and too long. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "wire/hosts.h"
#include "wire/interface.h"
#include "wire/link.h"

static int open_host(struct link *link, const struct hosts *hosts, enum place host,
                     struct error *err)
{
    static const char *const near[] = {"wire-client", "wire-server"};
    static const char *const far[] = {"client0", "server0"};
    int ignore_own = 1;

    int status = interface_make_veth(near[host], far[host], hosts->host[host], err);
    if (status == 0)
        status = interface_up(near[host], err);
    if (status == 0)
        status = hosts_enter(hosts, host, err);
    if (status == 0)
        status = interface_offloads_off(far[host], err);
    if (status == 0)
        status = interface_set_address(far[host], link_addresses[host], 24, err);
    if (status == 0)
        status = interface_hardware_address(far[host], link->hardware_address[host], err);
    int back = hosts_enter(hosts, PLACE_WIRE, status ? NULL : err);
    if (status || back)
        return status ? status : back;

    link->ifindex[host] = (int)if_nametoindex(near[host]);
    link->fd[host] = link_open_stamped(near[host], err);
    if (link->fd[host] < 0)
        return link->fd[host];
    if (setsockopt(link->fd[host], SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignore_own,
                   sizeof ignore_own) < 0)
        return error_set_system(err, errno, "a packet socket on %s", near[host]);
    return 0;
}

static int veth_open(struct link *link, const struct hosts *hosts, struct error *err)
{
    int status = open_host(link, hosts, PLACE_CLIENT, err);
    return status ? status : open_host(link, hosts, PLACE_SERVER, err);
}

static int veth_read(struct link *link, enum place host, uint8_t bytes[LINK_PACKET_MAX],
                     int64_t *ret_sent_ns)
{
    unsigned char type;
    return link_receive_stamped(link->fd[host], bytes, LINK_PACKET_MAX, ret_sent_ns,
                                &type);
}

static int veth_write(struct link *link, enum place host, const uint8_t *bytes,
                      size_t length)
{
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(bytes[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP),
        .sll_ifindex = link->ifindex[host],
        .sll_halen = 6};
    memcpy(to.sll_addr, link->hardware_address[host], 6);
    ssize_t sent =
        sendto(link->fd[host], bytes, length, 0, (struct sockaddr *)&to, sizeof to);
    return sent < 0 ? error_code_from_errno(errno) : 0;
}

const struct link_operations link_veth = {"veth", veth_open, veth_read, veth_write};
