/* Any bytes, as packets of any link type, one behind the other: a byte each for the link
 * type, for what the packet had that was not captured, and for the time; two for its
 * length. What must hold: a segment's payload lies within the packet, or within what was
 * put together from fragments; and an aggregate comes to its end. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "capture/decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define require(holds) ((holds) ? (void)0 : stop(#holds))

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

enum { HEADER = 5, FRAMES_MAX = 65536 };

static const uint16_t link_types[] = {0,   1,   9,   12,  50,  51,  101, 104, 105, 108,
                                      113, 127, 178, 228, 229, 239, 242, 276, 147};
enum { LINK_TYPES = sizeof link_types / sizeof link_types[0] };

/* Looks at every byte of what is said to be there. */
static uint32_t sum_of(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

static void check(enum decode_result result, const struct decoded *decoded)
{
    const struct segment *segment = &decoded->segment;
    const struct icmp_error *icmp = &decoded->icmp;
    if (result == DECODE_TCP) {
        require(segment->payload_captured <= segment->payload_bytes);
        require(segment->source.family == 4 || segment->source.family == 6);
        require(segment->source.family == segment->destination.family);
        require(segment->window_shift >= -1 && segment->window_shift <= 14);
        sum_of(segment->payload, segment->payload_captured);
    } else if (result == DECODE_ICMP) {
        require(icmp->family == 4 || icmp->family == 6);
        require(icmp->source.family == icmp->destination.family);
    }
}

static void decode(struct decoder *decoder, const struct packet *packet)
{
    struct decoded decoded;
    int frames = 0;
    check(decoder_packet(decoder, packet, &decoded), &decoded);
    while (decoded.more) {
        require(++frames < FRAMES_MAX);
        check(decoder_more(decoder, &decoded), &decoded);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct decoder *decoder = decoder_new();
    struct packet packet = {0};

    require(decoder);
    while (length >= HEADER) {
        size_t captured = (size_t)bytes[3] << 8 | bytes[4];
        if (captured > length - HEADER)
            captured = length - HEADER;
        /* A copy of its own, so that a read past its end is one past an allocation's. */
        uint8_t *copy = malloc(captured + 1);
        require(copy);
        memcpy(copy + 1, bytes + HEADER, captured);
        packet.number++;
        packet.t_ns += bytes[2] * NS_PER_S;
        packet.bytes = copy + 1;
        packet.captured = (uint32_t)captured;
        packet.length = (uint32_t)captured + (bytes[1] & 0x7f);
        packet.fcs_bytes = bytes[1] & 0x80 ? 4 : 0;
        packet.link_type = link_types[bytes[0] % LINK_TYPES];
        decode(decoder, &packet);
        free(copy);
        bytes += HEADER + captured;
        length -= HEADER + captured;
    }
    decoder_free(&decoder);
    return 0;
}
