#include <stdio.h>
#include <string.h>

#include "tongue.h"

static void listen_here(int fd, unsigned number)
{
    (void)number;
    static const char subscribe[] = "SUBSCRIBE bench\r\n";
    say(fd, subscribe, strlen(subscribe));
    hear_until(fd, ":1\r\n", "-ERR");
}

static void speak(int fd, unsigned number)
{
    (void)fd, (void)number;
}

static size_t message(uint8_t *ret_bytes, uint64_t number)
{
    (void)number;
    return (size_t)sprintf((char *)ret_bytes,
                           "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$%d\r\n%s\r\n",
                           PAYLOAD_BYTES, payload());
}

/* A list is the cheapest thing Redis can append to. */
static size_t kept(uint8_t *ret_bytes, uint64_t number)
{
    (void)number;
    return (size_t)sprintf((char *)ret_bytes,
                           "*3\r\n$5\r\nRPUSH\r\n$4\r\nkept\r\n$%d\r\n%s\r\n",
                           PAYLOAD_BYTES, payload());
}

static size_t count(const uint8_t *bytes, size_t length, size_t *state)
{
    size_t lines = 0;
    (void)state;
    for (const uint8_t *at = bytes;
         (at = memchr(at, '\n', (size_t)(bytes + length - at))); at++)
        lines++;
    return lines;
}

const struct tongue tongue_redis = {"redis", listen_here, speak, speak,
                                    message, kept,        count, 0};
