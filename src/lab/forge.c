#include "lab/forge.h"

#include <string.h>

#include "capture/decode.h"

enum { IP_HEADER = 20, TCP_HEADER = 20, MSS_OPTION = 4, TTL = 64, PROTOCOL_TCP = 6 };

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value & 0xFFFF);
}

/* RFC 1071, on top of a sum so far. */
static uint32_t add_up(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i + 1 < length; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    if (length & 1)
        sum += (uint32_t)bytes[length - 1] << 8;
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}

size_t forge_packet(const struct forged *forged, uint8_t ret_bytes[FORGE_MAX])
{
    size_t options = forged->flags & TCP_SYN ? MSS_OPTION : 0;
    size_t head = IP_HEADER + TCP_HEADER + options;
    size_t payload = forged->payload ? forged->length : 0;
    if (payload > FORGE_MAX - head)
        payload = FORGE_MAX - head;
    size_t length = head + payload;
    uint8_t *ip = ret_bytes, *tcp = ret_bytes + IP_HEADER;

    memset(ret_bytes, 0, head);
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)length);
    put16(ip + 6, 0x4000); /* don't fragment */
    ip[8] = TTL;
    ip[9] = PROTOCOL_TCP;
    memcpy(ip + 12, forged->source.address, 4);
    memcpy(ip + 16, forged->destination.address, 4);
    put16(ip + 10, fold(add_up(ip, IP_HEADER, 0)));

    put16(tcp, forged->source.port);
    put16(tcp + 2, forged->destination.port);
    put32(tcp + 4, forged->seq);
    put32(tcp + 8, forged->flags & TCP_ACK ? forged->ack : 0);
    tcp[12] = (uint8_t)((TCP_HEADER + options) / 4 << 4);
    tcp[13] = forged->flags;
    put16(tcp + 14, forged->window);
    if (options) {
        tcp[20] = 2;
        tcp[21] = MSS_OPTION;
        put16(tcp + 22, 1460);
    }
    if (payload)
        memcpy(ret_bytes + head, forged->payload, payload);
    /* The pseudo header: both addresses, the protocol, the length. */
    uint32_t sum = add_up(ip + 12, 8, 0);
    sum += PROTOCOL_TCP + (uint32_t)(length - IP_HEADER);
    put16(tcp + 16, fold(add_up(tcp, length - IP_HEADER, sum)));
    return length;
}
