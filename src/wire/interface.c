#include "wire/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

static struct ifreq request_for(const char *name)
{
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    return request;
}

/* One ioctl on any socket of this namespace. */
static int control(unsigned long what, struct ifreq *request, struct error *err)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_system(err, errno, "a socket for interface %s",
                                request->ifr_name);
    int system = ioctl(fd, what, request) < 0 ? errno : 0;
    close(fd);
    return system ? error_set_system(err, system, "interface %s", request->ifr_name) : 0;
}

static int add_flags(const char *name, short flags, struct error *err)
{
    struct ifreq request = request_for(name);
    int status = control(SIOCGIFFLAGS, &request, err);
    if (status)
        return status;
    request.ifr_flags = (short)(request.ifr_flags | flags);
    return control(SIOCSIFFLAGS, &request, err);
}

int interface_up(const char *name, struct error *err)
{
    return add_flags(name, IFF_UP, err);
}

static void put_address(struct ifreq *request, uint32_t network_order)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = network_order};
    memcpy(&request->ifr_addr, &address, sizeof address);
}

int interface_set_address(const char *name, const uint8_t address[4], int prefix,
                          struct error *err)
{
    uint32_t network_order;
    memcpy(&network_order, address, sizeof network_order);
    struct ifreq request = request_for(name);
    put_address(&request, network_order);
    int status = control(SIOCSIFADDR, &request, err);
    if (status)
        return status;
    put_address(&request, htonl(~UINT32_C(0) << (32 - prefix)));
    status = control(SIOCSIFNETMASK, &request, err);
    return status ? status : add_flags(name, IFF_UP | IFF_NOARP, err);
}

int interface_hardware_address(const char *name, uint8_t ret_address[6],
                               struct error *err)
{
    struct ifreq request = request_for(name);
    int status = control(SIOCGIFHWADDR, &request, err);
    if (status == 0)
        memcpy(ret_address, request.ifr_hwaddr.sa_data, 6);
    return status;
}

int interface_offloads_off(const char *name, struct error *err)
{
    static const uint32_t commands[] = {ETHTOOL_STXCSUM, ETHTOOL_SGSO, ETHTOOL_STSO,
                                        ETHTOOL_SGRO};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct ethtool_value value = {.cmd = commands[i], .data = 0};
        struct ifreq request = request_for(name);
        request.ifr_data = (char *)&value;
        int status = control(SIOCETHTOOL, &request, err);
        if (status)
            return status;
    }
    return 0;
}

/* --- rtnetlink: one request, nested attributes, one answer --- */

struct request {
    struct nlmsghdr header;
    struct ifinfomsg link;
    char attributes[512];
};

static void *tail(struct request *request)
{
    return (char *)request + NLMSG_ALIGN(request->header.nlmsg_len);
}

static struct rtattr *put(struct request *request, unsigned short type, const void *data,
                          size_t length)
{
    struct rtattr *attribute = tail(request);
    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(length);
    if (length)
        memcpy(RTA_DATA(attribute), data, length);
    request->header.nlmsg_len =
        NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
    return attribute;
}

static void end_nested(struct request *request, struct rtattr *attribute)
{
    attribute->rta_len = (unsigned short)((char *)tail(request) - (char *)attribute);
}

static int answer(int fd)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[512];
    } reply;
    ssize_t length = recv(fd, &reply, sizeof reply, 0);
    if (length < 0)
        return errno;
    if ((size_t)length < sizeof reply.header + sizeof reply.error.error ||
        reply.header.nlmsg_type != NLMSG_ERROR)
        return EBADMSG;
    return -reply.error.error;
}

int interface_make_veth(const char *near, const char *far, int far_namespace,
                        struct error *err)
{
    struct request request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
                   .nlmsg_type = RTM_NEWLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
    };
    put(&request, IFLA_IFNAME, near, strlen(near) + 1);
    struct rtattr *info = put(&request, IFLA_LINKINFO, NULL, 0);
    put(&request, IFLA_INFO_KIND, "veth", sizeof "veth");
    struct rtattr *data = put(&request, IFLA_INFO_DATA, NULL, 0);
    struct ifinfomsg peer_link = {0};
    struct rtattr *peer = put(&request, VETH_INFO_PEER, &peer_link, sizeof peer_link);
    put(&request, IFLA_IFNAME, far, strlen(far) + 1);
    put(&request, IFLA_NET_NS_FD, &far_namespace, sizeof far_namespace);
    end_nested(&request, peer);
    end_nested(&request, data);
    end_nested(&request, info);

    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return error_set_system(err, errno, "a netlink socket");
    int system = send(fd, &request, request.header.nlmsg_len, 0) < 0 ? errno : answer(fd);
    close(fd);
    return system
               ? error_set_system(err, system, "making the veth pair %s, %s", near, far)
               : 0;
}
