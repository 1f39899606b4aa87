/* Inside a capture being read: what file.c, the formats' readers and the annotating copy
 * share. For them alone. */
#ifndef WOSHOU_CAPTURE_READING_H
#define WOSHOU_CAPTURE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "capture/packet.h"
#include "capture/pcapng.h"
#include "capture/source.h"

enum {
    RECORD_BYTES_MAX = 262144, /* of one packet, as libpcap has it */
    INTERFACES_MAX = 4096      /* of one section */
};

/* An interface, and how the times of its packets are to be read (pcapng_time.h). */
struct capture_interface {
    uint32_t snap_length; /* 0: none */
    uint16_t link_type;
    uint8_t fcs_bytes;
    uint8_t resolution; /* if_tsresol: 10^-n s, or with the high bit 2^-n */
    int64_t offset_s;
    /* Up to `quick_units` a time is units * quick_ns + offset_ns and nothing else: */
    uint64_t quick_units, quick_ns;
    int64_t offset_ns;
};

struct capture {
    const struct capture_format *format;
    struct source *source;
    const char *name;
    char *own_name;  /* or null: `name` is borrowed */
    uint64_t number; /* of the packet read last */
    bool big_endian;
    /* pcap: */
    bool nanoseconds, lengths_swapped, lengths_maybe_swapped;
    uint8_t record_header;
    /* The interfaces of this section, and how many there were in those before; pcap has
     * one. */
    struct capture_interface *interfaces;
    uint32_t interface_count, interfaces_before;
    /* pcapng: the block the last packet was in; and what is shown, where it is not null,
     * every block that holds none, once it is understood. */
    struct pcapng_block block;
    void (*pass)(void *owner, const struct pcapng_block *block);
    void *pass_owner;
    /* Sticky: */
    bool ended;
    struct error failure;
};

struct capture_format {
    const char *name;
    /* As capture_next, but for stickiness; packet and number are the capture's to count. */
    int (*next)(struct capture *capture, struct packet *ret_packet);
    /* As many packets as come next and stand in memory whole; returns how many. What fails
     * ends the capture, and is said by the next call. */
    size_t (*take)(struct capture *capture, struct packet *packets, size_t max);
};

extern const struct capture_format pcap_format, pcapng_format;

/* Reads the file's beginning, which `bytes` shows: 1, 0 where it is not this format, or a
 * negative code with capture->failure set. */
int pcap_begin(struct capture *capture, const uint8_t *bytes, size_t length);
int pcapng_begin(struct capture *capture, const uint8_t *bytes, size_t length);

/* Sets the sentence and returns the code. */
int capture_fail(struct capture *capture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int capture_no_memory(struct capture *capture);
/* The bytes ended inside the next packet, or inside something else behind the last one:
 * because the file did, or because reading it failed. */
int capture_cut_packet(struct capture *capture);
int capture_cut_other(struct capture *capture);
/* Whether they ended where the file did, and `there` is 0. */
bool capture_at_end(const struct capture *capture, size_t there);

static inline uint16_t read16(const struct capture *capture, const uint8_t *bytes)
{
    return capture->big_endian ? (uint16_t)(bytes[0] << 8 | bytes[1])
                               : (uint16_t)(bytes[1] << 8 | bytes[0]);
}

static inline uint32_t read32(const struct capture *capture, const uint8_t *bytes)
{
    uint32_t little = (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 |
                      (uint32_t)bytes[1] << 8 | bytes[0];
    return capture->big_endian ? __builtin_bswap32(little) : little;
}

#endif
