#include "base/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/decimal.h"

struct endpoint endpoint_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
    return (struct endpoint){.family = 4, .address = {a, b, c, d}, .port = port};
}

struct endpoint endpoint_from_address(const struct sockaddr *address)
{
    struct endpoint endpoint = {0};
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        endpoint.family = 4;
        endpoint.port = ntohs(ipv4.sin_port);
        memcpy(endpoint.address, &ipv4.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        bool mapped = IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr);
        endpoint.family = mapped ? 4 : 6;
        endpoint.port = ntohs(ipv6.sin6_port);
        memcpy(endpoint.address, ipv6.sin6_addr.s6_addr + (mapped ? 12 : 0),
               mapped ? 4 : 16);
    }
    return endpoint;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
    static const uint8_t one[16] = {[15] = 1};
    if (endpoint->family == 4)
        return endpoint->address[0] == 127;
    return endpoint->family == 6 && memcmp(endpoint->address, one, sizeof one) == 0;
}

static size_t put_ipv4(char *text, const uint8_t address[4])
{
    size_t length = 0;
    for (int i = 0; i < 4; i++) {
        length += decimal_put(text + length, address[i]);
        text[length++] = '.';
    }
    return length - 1;
}

static size_t put_address(char *text, const struct endpoint *endpoint)
{
    if (endpoint->family == 4)
        return put_ipv4(text, endpoint->address);
    inet_ntop(AF_INET6, endpoint->address, text, INET6_ADDRSTRLEN);
    return strlen(text);
}

char *endpoint_format_address(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    if (endpoint->family)
        text[put_address(text, endpoint)] = '\0';
    else
        memcpy(text, "?", 2);
    return text;
}

char *endpoint_format(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    char *at = text;
    if (!endpoint->family)
        return memcpy(text, "?", 2);
    if (endpoint->family == 6)
        *at++ = '[';
    at += put_address(at, endpoint);
    if (endpoint->family == 6)
        *at++ = ']';
    *at++ = ':';
    at[decimal_put(at, endpoint->port)] = '\0';
    return text;
}
