/* Times of pcapng: units since 1970, whose length and beginning the interface tells. */
#ifndef WOSHOU_CAPTURE_PCAPNG_TIME_H
#define WOSHOU_CAPTURE_PCAPNG_TIME_H

#include <stdint.h>

#include "capture/reading.h"

/* Once `resolution` and `offset_s` are set: works out what makes most times quick. */
void pcapng_time_prepare(struct capture_interface *interface);

/* What is not quick. */
int64_t pcapng_time_slowly(const struct capture_interface *interface, uint64_t units);

/* Nanoseconds since 1970. A time that 64 bits do not hold (before 1677, after 2262) stands
 * still at their end; it is never PACKET_TIMELESS. */
static inline int64_t pcapng_time(const struct capture_interface *interface,
                                  uint64_t units)
{
    if (__builtin_expect(units > interface->quick_units, 0))
        return pcapng_time_slowly(interface, units);
    return (int64_t)(units * interface->quick_ns) + interface->offset_ns;
}

#endif
