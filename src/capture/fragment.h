/* IP fragments put together again: a bounded number of datagrams at a time, each at most
 * 64 KiB, the oldest given up first. Fragments that overlap in any other way than as whole
 * copies are an attack or an accident: their datagram is dropped. */
#ifndef WOSHOU_CAPTURE_FRAGMENT_H
#define WOSHOU_CAPTURE_FRAGMENT_H

#include <stdint.h>

#include "capture/ip.h"

struct fragments;

/* Null without memory. */
struct fragments *fragments_new(void);
void fragments_free(struct fragments **fragments);

/* Adds a fragment. Where it was the last one missing, changes `ip` to the whole datagram,
 * whose bytes are borrowed until the next call, and returns true. A fragment that was not
 * captured whole cannot be put together with others. */
bool fragments_add(struct fragments *fragments, int64_t t_ns, struct ip_packet *ip);

#endif
