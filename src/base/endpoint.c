#include "base/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct endpoint endpoint_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct endpoint){.family = 4, .address = {a, b, c, d}, .port = port};
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

char *endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    char address[INET6_ADDRSTRLEN];
    switch (endpoint->family) {
    case 4:
        inet_ntop(AF_INET, endpoint->address, address, sizeof address);
        snprintf(text, ENDPOINT_TEXT, "%s:%u", address, endpoint->port);
        break;
    case 6:
        inet_ntop(AF_INET6, endpoint->address, address, sizeof address);
        snprintf(text, ENDPOINT_TEXT, "[%s]:%u", address, endpoint->port);
        break;
    default: snprintf(text, ENDPOINT_TEXT, "?");
    }
    return text;
}
