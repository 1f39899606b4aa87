/* pcap's numbers, as pcap.c reads and writer.c writes them. */
#ifndef WOSHOU_CAPTURE_PCAP_H
#define WOSHOU_CAPTURE_PCAP_H

#include <stdint.h>

/* libpcap accepts these three, in either byte order, and no others: times in
 * microseconds, in nanoseconds, and longer headers of records. */
#define PCAP_MAGIC_US UINT32_C(0xa1b2c3d4)
#define PCAP_MAGIC_NS UINT32_C(0xa1b23c4d)
#define PCAP_MAGIC_MODIFIED UINT32_C(0xa1b2cd34)

enum { PCAP_FILE_HEADER = 24, PCAP_RECORD_HEADER = 16, PCAP_MODIFIED_HEADER = 24 };

/* The link type's word: the type, bits that must be 0, and how long a frame check sequence
 * is, in units of two bytes. */
#define PCAP_LINK_TYPE UINT32_C(0xffff)
#define PCAP_LINK_RESERVED UINT32_C(0x03ff0000)
#define PCAP_FCS_KNOWN UINT32_C(0x04000000)
enum { PCAP_FCS_SHIFT = 28 };

#endif
