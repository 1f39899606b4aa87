/* Writing capture files: pcap, or pcapng with several interfaces and comments on packets.
 *
 *     writer_open
 *     writer_add_interface    pcap has one
 *     writer_packet           again and again
 *     writer_commit           only now there is a file at the path, and it is whole
 *     writer_close
 *
 * Failure is sticky: packets are passed over from then on, and the commit tells. */
#ifndef WOSHOU_CAPTURE_WRITER_H
#define WOSHOU_CAPTURE_WRITER_H

#include <stdint.h>

struct error;
struct packet;
struct writer;

enum writer_format { WRITER_PCAP, WRITER_PCAPNG };
enum writer_unit { WRITER_MICROSECONDS, WRITER_NANOSECONDS };

struct writer_interface {
    uint16_t link_type;    /* LINKTYPE_... */
    uint8_t fcs_bytes;     /* of a check sequence at the end of every packet; 0: none */
    uint32_t snap_length;  /* 0: no packet is cut */
    enum writer_unit unit; /* of the times written */
    const char *name;      /* or null; pcapng alone keeps it */
};

/* On failure nothing is left at the path, or what was there before. */
int writer_open(const char *path, enum writer_format format, struct writer **ret_writer,
                struct error *err);
/* Interfaces count from 0 in the order in which they are added. */
int writer_add_interface(struct writer *writer, const struct writer_interface *interface,
                         struct error *err);

/* A packet of an interface that was added; its bytes, lengths, time and direction are
 * written, and `comment` where it is not null: pcapng alone keeps the last two. A time
 * before 1970, and none, is written as 1970; one that pcap cannot hold as its last, in
 * 2106. A comment of more than 65,535 bytes is cut. 0, or the sticky code. */
int writer_packet(struct writer *writer, const struct packet *packet,
                  const char *comment);

/* Whether everything could be written so far: 0, or the code, and the sentence in `err`. */
int writer_failure(const struct writer *writer, struct error *err);
int writer_commit(struct writer *writer, struct error *err);
/* Closes it and leaves null; accepts null. */
void writer_close(struct writer **writer);

#endif
