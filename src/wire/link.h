/* The two hosts' network devices, as the wire sees them: whole IP packets out of one host
 * and into the other. TUN devices, or, where /dev/net/tun is out of reach, veth pairs
 * read and written with packet sockets: one operations table, the relay does not know
 * which.
 *
 * The client is 10.9.0.1, the server 10.9.0.2. */
#ifndef WOSHOU_WIRE_LINK_H
#define WOSHOU_WIRE_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "tcp/story.h"

struct error;
struct hosts;

enum { LINK_PACKET_MAX = 65536 };

extern const uint8_t link_addresses[2][4]; /* by PLACE_CLIENT, PLACE_SERVER */

struct link {
    const struct link_operations *operations;
    int fd[2];      /* by host: readable when that host has sent something */
    int tap[2];     /* TUN: a packet socket that knows when the kernel sent; else -1 */
    int ifindex[2]; /* veth: the near ends */
    uint8_t hardware_address[2][6]; /* veth: the far ends' */
};

struct link_operations {
    const char *name;
    int (*open)(struct link *link, const struct hosts *hosts, struct error *err);
    /* The next packet that host has sent and when (its kernel's own stamp where there is
     * one); the number of bytes, 0 when there is none just now, or a negative code. */
    int (*read)(struct link *link, enum place host, uint8_t bytes[LINK_PACKET_MAX],
                int64_t *ret_sent_ns);
    /* Gives a packet to the host's stack, which has dealt with it when this returns. */
    int (*write)(struct link *link, enum place host, const uint8_t *bytes, size_t length);
};

extern const struct link_operations link_tun, link_veth;

/* Opens the devices; the calling thread must be in the yard and is there again
 * afterwards. */
int link_open(struct link *link, const struct link_operations *operations,
              const struct hosts *hosts, struct error *err);
void link_close(struct link *link);

/* A packet socket's next packet with the kernel's stamp (monotonic; now where it gave
 * none), and its packet type (PACKET_OUTGOING, ...). Bytes of the whole packet, of which
 * at most `size` were put into `bytes`; 0 when there is none; or a negative code. */
int link_receive_stamped(int fd, uint8_t *bytes, size_t size, int64_t *ret_ns,
                         unsigned char *ret_type);
/* A packet socket for whole IP packets of one interface, stamped; in the calling thread's
 * namespace. The descriptor, or a negative code. */
int link_open_stamped(const char *interface, struct error *err);

#endif
