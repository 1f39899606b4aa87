/* Settings of a network interface, by name, in the calling thread's network namespace. */
#ifndef WOSHOU_WIRE_INTERFACE_H
#define WOSHOU_WIRE_INTERFACE_H

#include <stdint.h>

struct error;

int interface_up(const char *name, struct error *err);
/* Gives it an IPv4 address with the given prefix length, without address resolution, and
 * brings it up: whatever is on that prefix is reached straight through it. */
int interface_set_address(const char *name, const uint8_t address[4], int prefix,
                          struct error *err);
/* Its hardware address. */
int interface_hardware_address(const char *name, uint8_t ret_address[6],
                               struct error *err);
/* Switches off what would hand over packets unfinished: checksums left to a device,
 * segments cut later. */
int interface_offloads_off(const char *name, struct error *err);
/* Makes the pair `near`, here, and `far`, in the namespace `far_namespace` (a
 * descriptor). */
int interface_make_veth(const char *near, const char *far, int far_namespace,
                        struct error *err);

#endif
