/* make_capture: a capture file of what this machine's kernel sends, on the loopback of a
 * network namespace of its own, which root may have and most users may too.
 *
 *     make_capture many CONNECTIONS FILE        traffic_many, whole packets
 *     make_capture few CONNECTIONS MIB FILE     traffic_few, the first FEW_SNAP bytes of each
 *
 * Prints `packets N`. Nothing is lost, on a slow machine either: a child makes the traffic
 * in batches, and the next begins when all of the last is in the file. Should the kernel
 * have dropped a packet all the same, the program ends with status 1. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEASURE_NAME "make_capture"
#include "measure.h"
#include "traffic.h"

enum {
    MTU = 1500,
    FEW_SNAP = 128,
    WHOLE_SNAP = 262144,
    RING_BYTES = 128 << 20,
    RETIRE_MS = 5,   /* so long at most the kernel keeps a part of its ring to itself */
    SILENCE_MS = 25, /* after so long without a packet there is none */
    LIMIT_S = 280    /* SIGALRM ends what hangs */
};

struct order {
    bool many;
    size_t connections, bytes;
    const char *file;
};

/* --- the place --- */

static void adjust_loopback(int fd)
{
    struct ifreq request = {.ifr_name = "lo"};
    struct ethtool_value off = {.cmd = ETHTOOL_STSO};

    request.ifr_mtu = MTU;
    if (ioctl(fd, SIOCSIFMTU, &request))
        fail("setting the loopback's MTU", strerror(errno));
    /* With it, the loopback has packets of 64 KiB. */
    request.ifr_data = (char *)&off;
    if (ioctl(fd, SIOCETHTOOL, &request))
        fail("turning segmentation offload off", strerror(errno));
    request.ifr_data = NULL;
    request.ifr_flags = IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request))
        fail("bringing the loopback up", strerror(errno));
}

/* A user namespace around it gives the right to make it, and to capture in it. */
static void enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
        fail("making a network namespace", strerror(errno));
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("making a socket", strerror(errno));
    adjust_loopback(fd);
    close(fd);
}

/* --- the child --- */

static pid_t start_traffic(const struct order *order, int *ret_orders)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        fail("starting", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        fail("starting", strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        if (order->many)
            traffic_many(ends[1], order->connections);
        else
            traffic_few(ends[1], order->connections, order->bytes);
        exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    *ret_orders = ends[0];
    return pid;
}

/* --- the capture --- */

struct recording {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    uint64_t packets;
};

static pcap_t *open_loopback(int snap_length)
{
    char message[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = pcap_create("lo", message);
    if (!pcap)
        fail("capturing", message);
    pcap_set_snaplen(pcap, snap_length);
    pcap_set_buffer_size(pcap, RING_BYTES);
    pcap_set_timeout(pcap, RETIRE_MS);
    if (pcap_activate(pcap) < 0 || pcap_setnonblock(pcap, 1, message))
        fail("capturing", pcap_geterr(pcap));
    return pcap;
}

static void take(u_char *recording_bytes, const struct pcap_pkthdr *header,
                 const u_char *bytes)
{
    struct recording *recording = (struct recording *)recording_bytes;
    recording->packets++;
    pcap_dump((u_char *)recording->dumper, header, bytes);
}

/* Whether there were any. */
static bool take_all(struct recording *recording)
{
    uint64_t before = recording->packets;
    while (pcap_dispatch(recording->pcap, -1, take, (u_char *)recording) > 0)
        ;
    return recording->packets > before;
}

/* Records one batch, and what is left of it once it is done. */
static void record_batch(struct recording *recording, int orders)
{
    struct pollfd polled[2] = {
        {.fd = orders, .events = POLLIN},
        {.fd = pcap_get_selectable_fd(recording->pcap), .events = POLLIN}};
    bool silent = false;

    while (!silent) {
        int ready = poll(polled, 2, SILENCE_MS);
        if (ready < 0)
            fail("waiting for packets", strerror(errno));
        bool packets = take_all(recording);
        silent = ready == 0 && !packets && polled[0].fd == -1;
        if (polled[0].revents)
            polled[0].fd = -1; /* it is done, or has failed: poll looks at it no more */
        polled[0].revents = 0;
    }
}

static void record(struct recording *recording, int orders)
{
    char byte = 'g';
    while (send(orders, &byte, 1, MSG_NOSIGNAL) == 1) {
        record_batch(recording, orders);
        if (recv(orders, &byte, 1, 0) != 1)
            return;
    }
}

static void check(const struct recording *recording, pid_t traffic)
{
    struct pcap_stat counts;
    int status;
    if (waitpid(traffic, &status, 0) != traffic || status)
        fail("making traffic", "it ended early");
    if (pcap_stats(recording->pcap, &counts) || counts.ps_drop > 0)
        fail("capturing", "the kernel dropped packets");
    if (pcap_dump_flush(recording->dumper) || ferror(pcap_dump_file(recording->dumper)))
        fail("writing the file", strerror(errno));
}

static void make(const struct order *order)
{
    int orders;
    pid_t traffic = start_traffic(order, &orders); /* first: it shall share no FILE */
    struct recording recording = {.pcap =
                                      open_loopback(order->many ? WHOLE_SNAP : FEW_SNAP)};
    recording.dumper = pcap_dump_open(recording.pcap, order->file);
    if (!recording.dumper)
        fail("writing the file", pcap_geterr(recording.pcap));
    record(&recording, orders);
    check(&recording, traffic);
    pcap_dump_close(recording.dumper);
    pcap_close(recording.pcap);
    close(orders);
    printf("packets %llu\n", (unsigned long long)recording.packets);
}

int main(int argc, char **argv)
{
    bool many = argc == 4 && strcmp(argv[1], "many") == 0;
    if (!many && !(argc == 5 && strcmp(argv[1], "few") == 0))
        fail("usage", "many CONNECTIONS FILE | few CONNECTIONS MIB FILE");
    struct order order = {.many = many,
                          .connections = number(argv[2]),
                          .bytes = many ? 0 : number(argv[3]) << 20,
                          .file = argv[argc - 1]};
    alarm(LIMIT_S);
    raise_descriptor_limit();
    enter_namespace();
    make(&order);
    return EXIT_SUCCESS;
}
