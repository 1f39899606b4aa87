#include "lab/craft.h"

#include <string.h>

enum { IP_HEADER = 20, TCP_HEADER = 20, TIMESTAMPS = 12, ICMP_HEADER = 8, QUOTED = 8 };

static void put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    put16(bytes, value >> 16);
    put16(bytes + 2, value);
}

/* RFC 1071: of 16-bit words, an odd byte at the end being the first of its word. */
static uint32_t sum(uint32_t so_far, const uint8_t *bytes, size_t length)
{
    for (size_t at = 0; at < length; at++)
        so_far += at % 2 ? bytes[at] : (uint32_t)bytes[at] << 8;
    return so_far;
}

static uint16_t fold(uint32_t words)
{
    while (words >> 16)
        words = (words & 0xffff) + (words >> 16);
    return (uint16_t)~words;
}

static void put_ip(struct crafted *crafted, uint8_t protocol, const uint8_t *source,
                   const uint8_t *destination)
{
    uint8_t *ip = crafted->bytes;
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)crafted->length);
    ip[6] = 0x40; /* do not fragment */
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, source, 4);
    memcpy(ip + 16, destination, 4);
    put16(ip + 10, fold(sum(0, ip, IP_HEADER)));
}

struct crafted craft_tcp(const struct craft_tcp *from)
{
    size_t options = from->tsval || from->tsecr ? TIMESTAMPS : 0;
    size_t payload = from->payload ? strnlen(from->payload, CRAFT_PAYLOAD) : 0;
    size_t length = TCP_HEADER + options + payload;
    struct crafted crafted = {.length = IP_HEADER + length};
    uint8_t *tcp = crafted.bytes + IP_HEADER;

    put16(tcp, from->source.port);
    put16(tcp + 2, from->destination.port);
    put32(tcp + 4, from->seq);
    put32(tcp + 8, from->ack);
    tcp[12] = (uint8_t)((TCP_HEADER + options) / 4 << 4);
    tcp[13] = from->flags;
    put16(tcp + 14, from->window);
    if (options) {
        static const uint8_t kind[4] = {1, 1, 8, 10};
        memcpy(tcp + TCP_HEADER, kind, sizeof kind);
        put32(tcp + TCP_HEADER + 4, from->tsval);
        put32(tcp + TCP_HEADER + 8, from->tsecr);
    }
    if (payload)
        memcpy(tcp + TCP_HEADER + options, from->payload, payload);
    put_ip(&crafted, 6, from->source.address, from->destination.address);
    /* The pseudo header: both addresses, the protocol, the length. */
    uint32_t pseudo = sum(6 + (uint32_t)length, crafted.bytes + 12, 8);
    put16(tcp + 16, fold(sum(pseudo, tcp, length)));
    return crafted;
}

struct crafted craft_icmp(const struct endpoint *reporter, uint8_t type, uint8_t code,
                          const uint8_t *packet, size_t length)
{
    size_t quoted = length < IP_HEADER + QUOTED ? length : IP_HEADER + QUOTED;
    struct crafted crafted = {.length = IP_HEADER + ICMP_HEADER + quoted};
    uint8_t *icmp = crafted.bytes + IP_HEADER;

    icmp[0] = type;
    icmp[1] = code;
    memcpy(icmp + ICMP_HEADER, packet, quoted);
    put16(icmp + 2, fold(sum(0, icmp, ICMP_HEADER + quoted)));
    put_ip(&crafted, 1, reporter->address, packet + 12);
    return crafted;
}
