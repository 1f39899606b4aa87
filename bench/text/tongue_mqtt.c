#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tongue.h"

static void greet(int fd, unsigned number)
{
    uint8_t packet[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 0},
            answer[4];
    int name = sprintf((char *)packet + 14, "load%08u", number);
    packet[1] = (uint8_t)(12 + name);
    packet[13] = (uint8_t)name;
    say(fd, packet, (size_t)(14 + name));
    hear_bytes(fd, answer, sizeof answer);
    if (answer[0] != 0x20 || answer[3] != 0) {
        fprintf(stderr, "load_text: the broker refuses a connection (%d)\n", answer[3]);
        exit(EXIT_FAILURE);
    }
}

static void listen_here(int fd, unsigned number)
{
    static const uint8_t subscribe[] = {0x82, 10, 0, 1, 0, 5, 'b', 'e', 'n', 'c', 'h', 0};
    uint8_t answer[5];
    greet(fd, number);
    say(fd, subscribe, sizeof subscribe);
    hear_bytes(fd, answer, sizeof answer);
}

/* QoS 0: neither kept nor acknowledged. */
static size_t message(uint8_t *ret_bytes, uint64_t number)
{
    enum { REST = 2 + 5 + PAYLOAD_BYTES };
    static const uint8_t head[] = {
        0x30, REST % 128 | 128, REST / 128, 0, 5, 'b', 'e', 'n', 'c', 'h'};
    (void)number;
    memcpy(ret_bytes, head, sizeof head);
    memcpy(ret_bytes + sizeof head, payload(), PAYLOAD_BYTES);
    return sizeof head + PAYLOAD_BYTES;
}

const struct tongue tongue_mqtt = {"mqtt",  listen_here, greet, NULL,
                                   message, NULL,        NULL,  0};
