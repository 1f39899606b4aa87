#include "net/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static bool all_digits(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static int parse_port(const char *text, struct address_words *words, struct error *err)
{
    unsigned long port = 0;
    for (const char *at = text; all_digits(text) && *at && port <= UINT16_MAX; at++)
        port = port * 10 + (unsigned long)(*at - '0');
    if (!all_digits(text) || port > UINT16_MAX)
        return error_set(err, ERROR_ARGUMENT, "'%s' is not a port (0 to 65535)", text);
    words->port = (uint16_t)port;
    words->has_port = true;
    return 0;
}

static int parse_host(const char *text, size_t length, struct address_words *words,
                      struct error *err)
{
    if (length >= sizeof words->host)
        return error_set(err, ERROR_ARGUMENT, "the host name is too long");
    memcpy(words->host, text, length);
    words->host[length] = '\0';
    return 0;
}

/* "[v6]" or "[v6]:PORT". */
static int parse_bracketed(const char *text, struct address_words *words,
                           struct error *err)
{
    const char *end = strchr(text, ']');
    if (!end || end == text + 1 || (end[1] != '\0' && end[1] != ':'))
        return error_set(err, ERROR_ARGUMENT, "'%s' is not an address ([IPv6]:PORT)",
                         text);
    int code = parse_host(text + 1, (size_t)(end - text - 1), words, err);
    if (!code && end[1] == ':')
        code = parse_port(end + 2, words, err);
    return code;
}

static int parse_words(const char *text, struct address_words *words, struct error *err)
{
    if (!*text)
        return error_set(err, ERROR_ARGUMENT, "an address is missing");
    if (text[0] == '[')
        return parse_bracketed(text, words, err);
    if (all_digits(text))
        return parse_port(text, words, err);
    const char *colon = strchr(text, ':');
    if (!colon ||
        strchr(colon + 1, ':')) /* a name, or an IPv6 address without brackets */
        return parse_host(text, strlen(text), words, err);
    int code = parse_host(text, (size_t)(colon - text), words, err);
    return code ? code : parse_port(colon + 1, words, err);
}

int address_parse(const char *text, struct address_words *ret_words, struct error *err)
{
    struct address_words words = {0};
    int code = parse_words(text, &words, err);
    if (!code)
        *ret_words = words;
    return code;
}

static int tell_lookup(const char *host, int lookup, struct error *err)
{
    switch (lookup) {
    case EAI_SYSTEM: return error_set_system(err, errno, "looking up host '%s'", host);
    case EAI_MEMORY: return error_set_system(err, ENOMEM, "looking up host '%s'", host);
    case EAI_AGAIN:
        return error_set(err, ERROR_ABSENT, "unknown host '%s': no name server answers",
                         host);
    default: return error_set(err, ERROR_ABSENT, "unknown host '%s'", host);
    }
}

/* /etc/hosts may name an address twice. */
static bool listed(const struct address_list *list, const struct addrinfo *found)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->addresses[i].length == found->ai_addrlen &&
            memcmp(&list->addresses[i].storage, found->ai_addr, found->ai_addrlen) == 0)
            return true;
    return false;
}

int address_find(const char *host, uint16_t port, struct address_list *ret_list,
                 struct error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_protocol = IPPROTO_TCP};
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo *found = NULL;
    int lookup = getaddrinfo(host, service, &hints, &found);
    if (lookup)
        return tell_lookup(host, lookup, err);
    struct address_list list = {0};
    for (const struct addrinfo *each = found; each && list.count < ADDRESS_LIMIT;
         each = each->ai_next) {
        bool ip = each->ai_family == AF_INET || each->ai_family == AF_INET6;
        if (!ip || listed(&list, each))
            continue;
        struct address *address = &list.addresses[list.count++];
        memcpy(&address->storage, each->ai_addr, each->ai_addrlen);
        address->length = each->ai_addrlen;
    }
    freeaddrinfo(found);
    if (list.count == 0)
        return tell_lookup(host, EAI_NONAME, err);
    *ret_list = list;
    return 0;
}

int address_read(const char *text, const char *default_host, uint16_t default_port,
                 struct address_list *ret_list, struct error *err)
{
    struct address_words words;
    int code = address_parse(text, &words, err);
    if (code)
        return code;
    return address_find(words.host[0] ? words.host : default_host,
                        words.has_port ? words.port : default_port, ret_list, err);
}

struct address address_from_endpoint(const struct endpoint *endpoint)
{
    struct address address = {.storage = {.ss_family = AF_UNSPEC}};
    if (endpoint->family == 4) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET,
                                   .sin_port = htons(endpoint->port)};
        memcpy(&ipv4.sin_addr, endpoint->address, 4);
        memcpy(&address.storage, &ipv4, sizeof ipv4);
        address.length = sizeof ipv4;
    } else if (endpoint->family == 6) {
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6,
                                    .sin6_port = htons(endpoint->port)};
        memcpy(&ipv6.sin6_addr, endpoint->address, 16);
        memcpy(&address.storage, &ipv6, sizeof ipv6);
        address.length = sizeof ipv6;
    }
    return address;
}
