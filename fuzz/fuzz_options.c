/* Any bytes, as the options of a SYN or of another segment. What must hold: they are read
 * as a second reading of them here says, which knows none of the first one's short cuts. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define require(holds) ((holds) ? (void)0 : stop(#holds))

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

enum { IP_HEADER = 20, TCP_HEADER = 20, OPTIONS_MAX = 40 };

static uint32_t number(const uint8_t *bytes, size_t length)
{
    uint32_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* One option whose length is right for what it says. */
static void read_one(const uint8_t *option, size_t length, struct segment *expected)
{
    bool old_fast_open =
        option[0] == 254 && length >= 4 && number(option + 2, 2) == 0xf989;
    if (option[0] == 2 && length == 4)
        expected->mss = (uint16_t)number(option + 2, 2);
    if (option[0] == 3 && length == 3)
        expected->window_shift = option[2] > 14 ? 14 : (int8_t)option[2];
    if (option[0] == 4 && length == 2)
        expected->sack_permitted = true;
    if (option[0] == 5 && length >= 10)
        expected->sack = true;
    if (option[0] == 34 || old_fast_open)
        expected->fast_open = true;
    if (option[0] == 8 && length == 10) {
        expected->timestamps = true;
        expected->tsval = number(option + 2, 4);
        expected->tsecr = number(option + 6, 4);
    }
}

static void read_all(const uint8_t *options, size_t length, struct segment *expected)
{
    for (size_t at = 0; at < length && options[at] != 0;) {
        if (options[at] == 1) {
            at++;
            continue;
        }
        if (length - at < 2 || options[at + 1] < 2 || options[at + 1] > length - at)
            return;
        read_one(options + at, options[at + 1], expected);
        at += options[at + 1];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct segment expected = {.window_shift = -1}, segment;
    if (length == 0)
        return 0;
    uint8_t flags = bytes[0];
    size_t options = length - 1 < OPTIONS_MAX ? length - 1 : OPTIONS_MAX;
    size_t padded = (options + 3) & ~(size_t)3, total = IP_HEADER + TCP_HEADER + padded;

    uint8_t *packet = calloc(1, total);
    require(packet);
    packet[0] = 0x45;
    packet[3] = (uint8_t)total;
    packet[9] = 6;
    packet[IP_HEADER + 12] = (uint8_t)((TCP_HEADER + padded) / 4 << 4);
    packet[IP_HEADER + 13] = flags;
    memcpy(packet + IP_HEADER + TCP_HEADER, bytes + 1, options);
    read_all(packet + IP_HEADER + TCP_HEADER, padded, &expected);
    require(decode_ip(packet, total, &segment) == DECODE_TCP);
    require(segment.flags == flags && segment.payload_bytes == 0);
    require(segment.mss == expected.mss);
    require(segment.window_shift == expected.window_shift);
    require(segment.sack_permitted == expected.sack_permitted);
    require(segment.sack == expected.sack && segment.fast_open == expected.fast_open);
    require(segment.timestamps == expected.timestamps);
    require(segment.tsval == expected.tsval && segment.tsecr == expected.tsecr);
    free(packet);
    return 0;
}
