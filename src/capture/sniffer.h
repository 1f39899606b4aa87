/* A live interface, through libpcap: packets as they pass.
 *
 *     sniffer_open                     needs the right to capture; nothing after it does
 *     sniffer_descriptor               to wait on: readable when packets are there
 *     sniffer_next                     until it returns 0
 *     sniffer_close
 */
#ifndef WOSHOU_CAPTURE_SNIFFER_H
#define WOSHOU_CAPTURE_SNIFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/packet.h"

struct buffer;
struct error;
struct sniffer;

struct sniffer_options {
    const char *interface; /* "any" for all */
    const char *filter;    /* libpcap's language; or null */
    int snap_length;       /* bytes of each packet; 0: all */
    bool not_promiscuous;
};

/* 0, or: ERROR_PERMISSION, ERROR_ABSENT (the sentence names the interfaces there are),
 * ERROR_ARGUMENT for the filter, ERROR_SYSTEM. */
int sniffer_open(const struct sniffer_options *options, struct sniffer **ret_sniffer,
                 struct error *err);
/* Closes it and leaves null; accepts null. */
void sniffer_close(struct sniffer **sniffer);
int sniffer_descriptor(const struct sniffer *sniffer);

/* 1: a packet, whose bytes are borrowed until the next call; 0: there is none now;
 * negative: the interface is gone. */
int sniffer_next(struct sniffer *sniffer, struct packet *ret_packet, struct error *err);
/* How many packets the kernel had no room for so far. */
uint64_t sniffer_dropped(const struct sniffer *sniffer);

/* Appends the names of the interfaces that can be captured, one a line, each with what
 * libpcap says of it. 0, or a negative code. */
int sniffer_list(struct buffer *buffer, struct error *err);

#endif
