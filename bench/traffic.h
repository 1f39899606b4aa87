/* Traffic for captures: TCP connections over a loopback of one's own, both ends of each in
 * one thread, so that what is sent is the same every time as far as a program can say.
 *
 * It comes in batches. Whoever captures sends a byte through `orders` for each; it is sent
 * back once the batch is done, and no packet is under way then. What goes wrong ends the
 * process with status 1. */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stddef.h>

/* Short connections to a web server, a thousand of them open at every moment and each a few
 * requests and answers; they end in every way: either end first, half closed, reset by
 * either end, refused. */
void traffic_many(int orders, size_t connections);
/* Connections open at the same time, each with so many bytes from its server. */
void traffic_few(int orders, size_t connections, size_t bytes);

#endif
