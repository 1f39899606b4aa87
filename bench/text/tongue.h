/* What differs between the servers that load_text talks to: how one greets, listens and speaks. Everything is
 * the raw protocol, so that no client library's cost is taken for a server's. */
#ifndef BENCH_TEXT_TONGUE_H
#define BENCH_TEXT_TONGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAYLOAD_BYTES = 128, MESSAGE_MOST = 512 };

struct tongue {
    const char *name;
    /* All three on a blocking socket; they end the program where the server answers otherwise than
     * it should. A listener gets what is published; a speaker publishes; a keeper has every message
     * stored and acknowledged. */
    void (*listen)(int fd, unsigned number);
    void (*speak)(int fd, unsigned number);
    void (*keep)(int fd, unsigned number); /* null: it keeps nothing */
    /* One message as its sender writes it: how long it is. `number` counts from 1. */
    size_t (*message)(uint8_t *ret_bytes, uint64_t number);
    size_t (*kept)(uint8_t *ret_bytes, uint64_t number);
    /* How many acknowledgements end in these bytes; `state` is the connection's own, 0 at first. */
    size_t (*count)(const uint8_t *bytes, size_t length, size_t *state);
    int settle_ms; /* what the server says of itself comes so long after the connection was made */
};

extern const struct tongue tongue_woshou, tongue_nats, tongue_mqtt, tongue_redis;

/* For tongues. */
void say(int fd, const void *bytes, size_t length);
/* Reads until the bytes end with `end`; fails where `refusal` (may be null) is in them. */
void hear_until(int fd, const char *end, const char *refusal);
void hear_bytes(int fd, void *ret_bytes, size_t length);
const char *payload(void);

#endif
