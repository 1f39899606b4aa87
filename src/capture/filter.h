/* Capture filters in the field's own language, compiled and run by libpcap, on packets of
 * any source. A filter sees a packet's outermost headers. */
#ifndef WOSHOU_CAPTURE_FILTER_H
#define WOSHOU_CAPTURE_FILTER_H

#include "capture/packet.h"

struct error;
struct filter;

/* Compiles the expression once, to see that it is one. 0, ERROR_ARGUMENT with libpcap's
 * own words, or ERROR_MEMORY. */
int filter_new(const char *expression, struct filter **ret_filter, struct error *err);
/* Frees it and leaves null; accepts null. */
void filter_free(struct filter **filter);

/* 1: it matches; 0: it does not, or means nothing on this packet's link type. */
int filter_matches(struct filter *filter, const struct packet *packet);

#endif
