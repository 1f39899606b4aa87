/* Addresses as people write them, as the system takes them, and as values.
 *
 *     "10.9.0.2:30001"  "example.org"  "[2001:db8::1]:30001"  "::1"    a host, perhaps a port
 *     "30001"  ":30001"                                                a port alone
 *
 * A word of digits alone is a port: nobody means 0.0.117.49 by "30001". */
#ifndef WOSHOU_NET_ADDRESS_H
#define WOSHOU_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/endpoint.h"

struct error;

enum {
    ADDRESS_HOST = 256, /* bytes of the longest host name, the final 0 included */
    ADDRESS_LIMIT = 16  /* most addresses of one name that are tried */
};

/* One address as the system takes it. */
struct address {
    struct sockaddr_storage storage;
    socklen_t length;
};

struct address_list {
    size_t count;
    struct address addresses[ADDRESS_LIMIT];
};

/* What was written, taken apart. */
struct address_words {
    char host[ADDRESS_HOST]; /* without brackets; "" where none was written */
    bool has_port;
    uint16_t port;
};

/* Takes `text` apart; looks nothing up. ERROR_ARGUMENT with a sentence where it is no
 * address. */
int address_parse(const char *text, struct address_words *ret_words, struct error *err);

/* Finds a host's addresses, in the order they should be tried; `host` is a name or a
 * numeric address. May ask name servers, and block for as long as they take. ERROR_ABSENT
 * for an unknown host. */
int address_find(const char *host, uint16_t port, struct address_list *ret_list,
                 struct error *err);

/* Both steps, with what to take where no host or no port was written. */
int address_read(const char *text, const char *default_host, uint16_t default_port,
                 struct address_list *ret_list, struct error *err);

/* The way back from endpoint_from_address. Of no family where the endpoint has none; an
 * endpoint keeps no IPv6 scope. */
struct address address_from_endpoint(const struct endpoint *endpoint);

#endif
