/* A capture file once more, as pcapng and with comments on some of its packets. What was
 * pcapng is copied byte for byte but for the packets that are commented; what was pcap
 * gets one interface with its link type and unit of time. It is not compressed.
 *
 *     annotate_open
 *     annotate_next           until it returns 0, or an error
 *     annotate_comment        or not, on the packet that annotate_next gave
 *     annotate_commit         only now there is a file at the path, and it is whole
 *     annotate_close
 *
 * Where annotate_next fails because the capture is damaged, the packets before are good,
 * and may be committed. */
#ifndef WOSHOU_CAPTURE_ANNOTATE_H
#define WOSHOU_CAPTURE_ANNOTATE_H

#include <stdint.h>

struct annotate;
struct error;
struct packet;

/* The capture must be a file that can be read a second time, and not the one that is
 * written. */
int annotate_open(const char *path_in, const char *path_out,
                  struct annotate **ret_annotate, struct error *err);

/* As capture_next, with the same numbers; fails too where writing does. */
int annotate_next(struct annotate *annotate, struct packet *ret_packet,
                  struct error *err);
/* Once a packet, after the comments it has; cut after 65,535 bytes. 0; or 1 where it has no
 * place: pcapng's simple packet blocks cannot hold any, nor can a block that would become
 * larger than readers take. */
int annotate_comment(struct annotate *annotate, const char *comment);

int annotate_commit(struct annotate *annotate, struct error *err);
/* Closes it and leaves null; accepts null. */
void annotate_close(struct annotate **annotate);

/* As capture_position and capture_size. */
uint64_t annotate_position(const struct annotate *annotate);
uint64_t annotate_size(const struct annotate *annotate);

#endif
