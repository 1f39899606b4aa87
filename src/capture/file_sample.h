/* Capture files made up for tests, byte by byte, and what the reader says of them. */
#ifndef WOSHOU_CAPTURE_FILE_SAMPLE_H
#define WOSHOU_CAPTURE_FILE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed, it is empty and little-endian. */
struct file_sample {
    uint8_t bytes[32768];
    size_t length;
    bool big_endian;
    size_t block; /* where the block begun last begins */
    /* Where the file may be cut between two records, and how many packets are then
     * before. */
    struct {
        size_t at, packets;
    } seams[64];
    size_t seam_count;
};

void sample_add(struct file_sample *sample, const void *bytes, size_t length);
void sample_add8(struct file_sample *sample, uint8_t value);
void sample_add16(struct file_sample *sample, uint16_t value);
void sample_add32(struct file_sample *sample, uint32_t value);

/* pcap: the file's header, then records; a packet's bytes are its text. `link` is the whole
 * word. */
void sample_pcap(struct file_sample *sample, uint32_t magic, uint16_t minor,
                 uint32_t link);
void sample_record(struct file_sample *sample, uint32_t seconds, uint32_t fraction,
                   const char *text);
/* With the longer header of "modified" files, and that type of Linux's. */
void sample_modified(struct file_sample *sample, uint32_t seconds, uint8_t type,
                     const char *text);

/* pcapng: a block is begun, filled and ended; a section goes on until the next. */
void sample_begin(struct file_sample *sample, uint32_t type);
void sample_option(struct file_sample *sample, uint16_t code, const void *value,
                   uint16_t length);
void sample_end(struct file_sample *sample);
void sample_section(struct file_sample *sample);
void sample_interface(struct file_sample *sample, uint16_t link, uint32_t snap);
/* An enhanced packet block without its end: options may follow. */
void sample_begin_packet(struct file_sample *sample, uint32_t interface, uint64_t units,
                         const char *text);
void sample_packet(struct file_sample *sample, uint32_t interface, uint64_t units,
                   const char *text);

/* What capture_next gives of a file of these bytes, called "sample": a line each packet,
 * and at the end "end", or the sentence. It stands until the next call.
 *
 *     #1 0.000000001 link 1 interface 0: 3 of 5 bytes abc
 *     #2 timeless link 1 interface 0: 3 of 3 bytes abc in fcs 4
 *     sample: the file ends inside packet 3; 2 before it were read
 *
 * capture_batch must give the same. The bytes are read at the end of a page: a read past
 * them ends the test. */
const char *sample_told_bytes(const void *bytes, size_t length);
const char *sample_told(const struct file_sample *sample);
/* The same of the file at the path, which is its name. */
const char *sample_told_file(const char *path);

/* Fails unless the file, cut anywhere, gives the packets before and then one sentence, or
 * none where it is cut between records. */
void sample_try_every_cut(const struct file_sample *sample);

/* Writes the bytes to a new file, whose path is in `ret_path`, "/tmp/woshou-test.XXXXXX". */
enum { SAMPLE_PATH = 32 };
void sample_write(const void *bytes, size_t length, char ret_path[SAMPLE_PATH]);

#endif
