/* An endpoint: an IP address and a port, as a value. Written "10.9.0.1:40001",
 * "[2001:db8::1]:80". */
#ifndef WOSHOU_BASE_ENDPOINT_H
#define WOSHOU_BASE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

/* Bytes that any endpoint's text fits, the final 0 included. */
enum { ENDPOINT_TEXT = 64 };

struct endpoint {
    uint8_t family;      /* 4, 6, or 0 for none */
    uint8_t address[16]; /* network byte order; of family 4 the first four, the rest 0 */
    uint16_t port;       /* host byte order */
};

struct endpoint endpoint_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
/* Of a socket's address. An IPv4 address inside an IPv6 one (::ffff:10.9.0.1) comes out as
 * IPv4, which it is on the wire; another family's comes out as none. */
struct endpoint endpoint_from_address(const struct sockaddr *address);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* Whether the address is this machine's own and of no network: 127.0.0.0/8, ::1. */
bool endpoint_is_loopback(const struct endpoint *endpoint);
/* Writes its text into `text` (ENDPOINT_TEXT bytes) and returns `text`; "?" for family 0.
 * IPv6 as RFC 5952 spells it. */
char *endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT]);
/* The same for the address alone: "10.9.0.1", "2001:db8::1". */
char *endpoint_format_address(const struct endpoint *endpoint, char text[ENDPOINT_TEXT]);

#endif
