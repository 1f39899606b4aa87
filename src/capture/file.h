/* Capture files: pcap and pcapng, of every kind that is about, packet by packet.
 *
 *     capture_open
 *     capture_next        until it returns 0, or an error
 *     capture_close
 *
 * A file of several sections, interfaces, link types and time resolutions is one stream
 * of packets. Nothing in it is believed: every length is checked, and a record or block
 * larger than any real one is a fault. What was read before a fault is good. */
#ifndef WOSHOU_CAPTURE_FILE_H
#define WOSHOU_CAPTURE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/packet.h"

struct capture;
struct error;
struct source;

/* `path` is "-" for standard input. 0, or a negative code; the sentence begins with the
 * path. */
int capture_open(const char *path, struct capture **ret_capture, struct error *err);
/* Of a source, which it takes over in any case; `name` is borrowed, for sentences. */
int capture_open_source(struct source *source, const char *name,
                        struct capture **ret_capture, struct error *err);
/* Closes it and leaves null; accepts null. */
void capture_close(struct capture **capture);

/* As source_on_wait. */
void capture_on_wait(struct capture *capture, int (*wait)(void *owner, int fd),
                     void *owner);

/* 1: the next packet, whose bytes are borrowed until the next call; 0: the end; negative:
 * the file goes on in no way that can be read, and every later call says the same. */
int capture_next(struct capture *capture, struct packet *ret_packet, struct error *err);

/* As many packets as stand in memory together, at most `max` (1 or more): for who works on
 * them faster in company. 1: `ret_count` of them, at least one, whose bytes are borrowed
 * until the next call; else as capture_next. */
int capture_batch(struct capture *capture, struct packet *packets, size_t max,
                  size_t *ret_count, struct error *err);

/* How far it has read: bytes of the stored file, and its size (0: not known). */
uint64_t capture_position(const struct capture *capture);
uint64_t capture_size(const struct capture *capture);
/* "pcap", "pcapng"; and what it was compressed with, or "". Static. */
const char *capture_format(const struct capture *capture);
const char *capture_compression(const struct capture *capture);

#endif
