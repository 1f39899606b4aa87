/* Pins: the servers a client knows, and by which fingerprint. A text file, a line each:
 *
 *     example.org:30000 AB:CD:...
 *
 * that people may read, edit and copy. A server that is not in it is put into it at the
 * first meeting; one that is must show the same certificate. */
#ifndef WOSHOU_NET_PINS_H
#define WOSHOU_NET_PINS_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/* Meets a server that shows `fingerprint`: 0, and `ret_first` says whether it is new and
 * was noted. The file and its directory are made (0600, 0700) where they are not there.
 * ERROR_PERMISSION where the server is known by another fingerprint: the sentence says
 * what to do. Several processes may do so at once. */
int pins_meet(const char *path, const char *host, uint16_t port, const char *fingerprint,
              bool *ret_first, struct error *err);

#endif
