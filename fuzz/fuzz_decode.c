/* Any bytes, as IP packets one behind the other, each with its length in two bytes; what is
 * TCP in them becomes one connection's story, is inferred and judged. What must hold: a
 * segment's payload lies within the bytes, and what fuzz/story_checks.h says of a story. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"
#include "story_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* A copy of its own, so that a read past its end is one past an allocation's. */
static void decode(struct story **story, uint64_t number, const uint8_t *bytes,
                   size_t length)
{
    struct segment segment;
    uint8_t *packet = malloc(length + 1);
    require(packet);
    memcpy(packet + 1, bytes, length);
    if (decode_ip(packet + 1, length, &segment) == DECODE_TCP) {
        require(segment.payload_captured <= segment.payload_bytes);
        require(segment.payload >= packet + 1);
        require(segment.payload + segment.payload_captured <= packet + 1 + length);
        if (!*story)
            require(story_new(1, &segment.source, &segment.destination, story) == 0);
        enum place from = endpoint_equal(&segment.source, &(*story)->client)
                              ? PLACE_CLIENT
                              : PLACE_SERVER;
        require(story_add_packet(*story, (int64_t)number, from, number, &segment));
    }
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct story *story = NULL;
    uint64_t number = 0;

    while (length >= 2) {
        size_t packet = (size_t)bytes[0] << 8 | bytes[1];
        bytes += 2;
        length -= 2;
        if (packet > length)
            packet = length;
        decode(&story, ++number, bytes, packet);
        bytes += packet;
        length -= packet;
    }
    if (story)
        check_story(story);
    story_free(&story);
    return 0;
}
