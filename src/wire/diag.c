#include "wire/diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

/* The kernel's numbers (include/net/tcp_states.h), which no user header names. */
static const enum tcp_state states[] = {
    [1] = STATE_ESTABLISHED, [2] = STATE_SYN_SENT,   [3] = STATE_SYN_RECEIVED,
    [4] = STATE_FIN_WAIT_1,  [5] = STATE_FIN_WAIT_2, [6] = STATE_TIME_WAIT,
    [7] = STATE_CLOSED,      [8] = STATE_CLOSE_WAIT, [9] = STATE_LAST_ACK,
    [10] = STATE_LISTEN,     [11] = STATE_CLOSING,   [12] = STATE_SYN_RECEIVED,
};

int diag_open(struct diag *diag, struct error *err)
{
    struct timeval patience = {.tv_sec = 1};
    diag->sequence = 0;
    diag->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (diag->fd < 0)
        return error_set_system(err, errno, "inet_diag");
    /* An answer comes at once or not at all; a bound keeps a strange kernel from holding
     * us. */
    if (setsockopt(diag->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) {
        int status = error_set_system(err, errno, "inet_diag");
        diag_close(diag);
        return status;
    }
    return 0;
}

void diag_close(struct diag *diag)
{
    if (diag->fd >= 0)
        close(diag->fd);
    diag->fd = -1;
}

static void put_address(__be32 where[4], const struct endpoint *endpoint)
{
    memcpy(where, endpoint->address, endpoint->family == 6 ? 16 : 4);
}

/* The kernel's numbers are the enumeration's; one it may add later is none we know. */
static enum diag_timer timer_of(uint8_t number)
{
    return number <= TIMER_WINDOW_PROBE ? (enum diag_timer)number : TIMER_NONE;
}

int diag_ask(struct diag *diag, const struct endpoint *local,
             const struct endpoint *remote, struct diag_answer *ret_answer)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 ask;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST,
                   .nlmsg_seq = ++diag->sequence},
        .ask = {.sdiag_family = local->family == 6 ? AF_INET6 : AF_INET,
                .sdiag_protocol = IPPROTO_TCP,
                .idiag_states = ~0u,
                .id = {.idiag_sport = htons(local->port),
                       .idiag_dport = htons(remote->port),
                       .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    union {
        struct nlmsghdr header;
        char bytes[1024];
    } reply;

    put_address(request.ask.id.idiag_src, local);
    put_address(request.ask.id.idiag_dst, remote);
    if (send(diag->fd, &request, sizeof request, 0) < 0)
        return error_code_from_errno(errno);
    do {
        ssize_t length = recv(diag->fd, &reply, sizeof reply, 0);
        if (length < 0)
            return error_code_from_errno(errno);
        if (!NLMSG_OK(&reply.header, (size_t)length))
            return ERROR_CORRUPT;
    } while (reply.header.nlmsg_seq != diag->sequence);
    if (reply.header.nlmsg_type == NLMSG_ERROR) {
        int system = -((struct nlmsgerr *)NLMSG_DATA(&reply.header))->error;
        if (system != ENOENT)
            return error_code_from_errno(system);
        *ret_answer = (struct diag_answer){.state = STATE_CLOSED};
        return 0;
    }
    if (reply.header.nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return ERROR_CORRUPT;
    const struct inet_diag_msg *message = NLMSG_DATA(&reply.header);
    if (message->idiag_state >= sizeof states / sizeof states[0])
        return ERROR_CORRUPT;
    *ret_answer = (struct diag_answer){.state = states[message->idiag_state],
                                       .inode = message->idiag_inode,
                                       .timer = timer_of(message->idiag_timer),
                                       .expires_ms = message->idiag_expires};
    return 0;
}
