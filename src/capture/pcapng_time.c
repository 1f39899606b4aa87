#include "capture/pcapng_time.h"

#include <stddef.h>

#include "base/clock.h"

__extension__ typedef __int128 wide;

enum { NS_EXPONENT = 9, POWER_OF_TWO = 0x80 };

static const uint64_t ten_to_the[] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* INT64_MIN is PACKET_TIMELESS. */
static int64_t narrow(wide ns)
{
    if (ns > INT64_MAX)
        return INT64_MAX;
    return ns < -INT64_MAX ? -INT64_MAX : (int64_t)ns;
}

/* Of 10^-exponent s: no product here has more than 94 bits. */
static wide decimal_ns(uint64_t units, size_t exponent)
{
    if (exponent <= NS_EXPONENT)
        return (wide)units * (wide)ten_to_the[NS_EXPONENT - exponent];
    exponent -= NS_EXPONENT;
    return exponent < sizeof ten_to_the / sizeof ten_to_the[0]
               ? (wide)(units / ten_to_the[exponent])
               : 0;
}

int64_t pcapng_time_slowly(const struct capture_interface *interface, uint64_t units)
{
    unsigned exponent = interface->resolution & ~(unsigned)POWER_OF_TWO;
    wide ns = interface->resolution & POWER_OF_TWO ? (wide)units * NS_PER_S >> exponent
                                                   : decimal_ns(units, exponent);
    return narrow(ns + (wide)interface->offset_s * NS_PER_S);
}

void pcapng_time_prepare(struct capture_interface *interface)
{
    wide offset_ns = (wide)interface->offset_s * NS_PER_S;

    /* With no quick times but that of 0 units. */
    interface->quick_units = 0;
    interface->quick_ns = 0;
    interface->offset_ns = narrow(offset_ns);
    if (interface->resolution > NS_EXPONENT || interface->offset_ns != offset_ns)
        return;
    interface->quick_ns = ten_to_the[NS_EXPONENT - interface->resolution];
    interface->quick_units =
        (uint64_t)(INT64_MAX - (offset_ns > 0 ? interface->offset_ns : 0)) /
        interface->quick_ns;
}
