#include <string.h>
#include <time.h>

#include "tongue.h"

/* Written by hand as doc/protocol.md has it: a client of another's making. */
static uint32_t room;

static uint8_t *put(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
    return at + bytes;
}

static uint8_t *put_header(uint8_t *at, uint32_t length, unsigned type, unsigned flags,
                           uint64_t id)
{
    return put(put(put(put(at, length, 4), type, 2), flags, 2), id, 8);
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* The body of the next frame of that type; others are passed over. */
static void hear_frame(int fd, unsigned type, uint8_t *ret_body)
{
    uint8_t header[16];
    do {
        hear_bytes(fd, header, sizeof header);
        hear_bytes(fd, ret_body, get(header, 4));
    } while (get(header + 4, 2) != type);
}

static uint64_t start_ns(void)
{
    static uint64_t start;
    struct timespec now;
    if (!start && clock_gettime(CLOCK_REALTIME, &now) == 0)
        start = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return start;
}

static void join(int fd, unsigned number, unsigned options)
{
    uint8_t bytes[256], body[65536];
    uint8_t *at = put_header(bytes, 4 + 2 + 2 + 1 + 1 + 4 + 16 + 2 + 2, 0x0001, 0, 0);
    at = put(put(put(at, 0x5753484F, 4), 1, 2), 1, 2);
    at = put(put(put(at, 1, 1), 0, 1), 0, 4);
    at = put(put(at, start_ns(), 8), number, 8); /* the client's id, of this run alone */
    at = put(put(at, 0, 2), 0, 2);
    say(fd, bytes, (size_t)(at - bytes));
    hear_frame(fd, 0x0002, body);
    at = put_header(bytes, 1 + 2 + 5, 0x0101, 0, 1);
    at = put(put(at, options, 1), 5, 2);
    memcpy(at, "bench", 5);
    say(fd, bytes, (size_t)(at + 5 - bytes));
    hear_frame(fd, 0x0102, body);
    room = (uint32_t)get(body, 4);
}

static void listen_here(int fd, unsigned number)
{
    join(fd, number, 0);
}

static void speak(int fd, unsigned number)
{
    join(fd, number, 1);
}

static size_t put_message(uint8_t *bytes, unsigned flags, uint64_t number)
{
    uint8_t *at = put_header(bytes, 4 + 1 + 2 + PAYLOAD_BYTES, 0x0105, flags, number);
    at = put(put(put(at, room, 4), 0, 1), PAYLOAD_BYTES, 2);
    memcpy(at, payload(), PAYLOAD_BYTES);
    return (size_t)(at + PAYLOAD_BYTES - bytes);
}

static size_t message(uint8_t *ret_bytes, uint64_t number)
{
    return put_message(ret_bytes, 1, number);
}

static size_t kept(uint8_t *ret_bytes, uint64_t number)
{
    return put_message(ret_bytes, 0, number);
}

/* SAID is a header and 20 bytes, and nothing else comes to a speaker. */
static size_t count(const uint8_t *bytes, size_t length, size_t *state)
{
    enum { SAID_BYTES = 16 + 4 + 8 + 8 };
    (void)bytes;
    size_t all = *state + length;
    *state = all % SAID_BYTES;
    return all / SAID_BYTES;
}

const struct tongue tongue_woshou = {"woshou", listen_here, speak, speak,
                                     message,  kept,        count, 0};
