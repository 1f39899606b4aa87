/* What the hardening flags would zero for nothing. */
#ifndef WOSHOU_BASE_FILLED_H
#define WOSHOU_BASE_FILLED_H

/* Of a local that a call fills before anything is read of it: kilobytes on every wait, a
 * hundred bytes for each of millions of packets. */
#define FILLED_BY_CALL __attribute__((uninitialized))

#endif
