/* pcapng's numbers and blocks, as pcapng.c reads, writer.c writes and annotate.c copies
 * them. The draft of the format is draft-ietf-opsawg-pcapng. */
#ifndef WOSHOU_CAPTURE_PCAPNG_H
#define WOSHOU_CAPTURE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>

struct capture;

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_OBSOLETE_PACKET = 2,
    BLOCK_SIMPLE_PACKET = 3,
    BLOCK_ENHANCED_PACKET = 6,
    BLOCK_SECTION = 0x0a0d0d0a /* the same in both byte orders */
};

enum {
    BLOCK_HEADER = 8, /* type, length */
    BLOCK_MIN = 12,   /* and length again */
    /* From a block's beginning to its options, or to its packet's bytes: */
    SECTION_FIXED = 24,
    INTERFACE_FIXED = 16,
    PACKET_FIXED = 28,
    SIMPLE_FIXED = 12
};

#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)

enum {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_SECTION_APPLICATION = 4,
    OPTION_INTERFACE_NAME = 2,
    OPTION_INTERFACE_RESOLUTION = 9,
    OPTION_INTERFACE_FCS = 13,
    OPTION_INTERFACE_OFFSET = 14,
    OPTION_PACKET_FLAGS = 2,
    OPTION_PACKET_DROPS = 4
};

/* Of OPTION_PACKET_FLAGS: */
enum {
    FLAGS_DIRECTION = 3,
    FLAGS_INBOUND = 1,
    FLAGS_OUTBOUND = 2,
    FLAGS_FCS_SHIFT = 5, /* its length in bytes; 0: not told */
    FLAGS_FCS = 15
};

/* A whole block, borrowed until the next is read; its two lengths agree. */
struct pcapng_block {
    const uint8_t *bytes;
    uint32_t type, length;
};

/* Bytes in options; those after the last option, too. */
struct pcapng_options {
    const uint8_t *bytes;
    uint32_t length;
};

struct pcapng_option {
    const uint8_t *value; /* `length` bytes are there */
    uint16_t code, length;
};

/* Steps over the next option. False at their end or where they are damaged; `options` are
 * then the bytes from there on. */
bool pcapng_next_option(const struct capture *capture, struct pcapng_options *options,
                        struct pcapng_option *ret_option);

/* The options of an enhanced or obsolete packet block with so many bytes captured. */
struct pcapng_options pcapng_packet_options(const struct pcapng_block *block,
                                            uint32_t captured);

/* Takes in the description of an interface. 0, or negative. */
int pcapng_add_interface(struct capture *capture, const struct pcapng_block *block);

#endif
