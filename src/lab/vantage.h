/* A vantage point on the wire: a capture of what passes there, written to a file. It stands
 * at one end, where what the wire loses behind it was seen, and what it lost before was
 * not.
 *
 * Packets may come from any thread. Failure is sticky; vantage_close tells. */
#ifndef WOSHOU_LAB_VANTAGE_H
#define WOSHOU_LAB_VANTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/writer.h"

struct error;
struct vantage;

enum vantage_link {
    VANTAGE_RAW,      /* IP and nothing before it */
    VANTAGE_ETHERNET, /* in a VLAN */
    VANTAGE_ANY       /* as on Linux' `any`: each packet twice, on two interfaces */
};

struct vantage_options {
    enum vantage_link link;
    enum writer_format format;
    enum writer_unit unit;
    uint32_t snap_length; /* 0: packets are whole */
    unsigned skip;        /* packets that passed before the capture began */
    bool first_two_swapped;
};

int vantage_open(const char *path, const struct vantage_options *options,
                 struct vantage **ret_vantage, struct error *err);
/* An IP packet passes. Times of the capture are counted from the first one's. */
void vantage_see(struct vantage *vantage, int64_t t_ns, const uint8_t *bytes,
                 size_t length);
/* Writes the file, frees and leaves null; 0 or the first failure. */
int vantage_close(struct vantage **vantage, struct error *err);

#endif
