/* Any bytes, as what happens to one connection: eight of them a segment, whose numbers are
 * near those that its sender would send, so that states are reached which arbitrary
 * numbers never reach. What must hold stands in fuzz/story_checks.h. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/decode.h"
#include "story_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

enum { STEP = 8 };

/* What both ends would send next. */
struct ends {
    uint32_t next[2];
    int64_t now_ns;
    uint64_t number;
};

/* Mostly nothing, sometimes a little off, sometimes far. */
static uint32_t shift(uint8_t byte)
{
    if (byte < 0xa0)
        return 0;
    return byte < 0xf0 ? (uint32_t)byte - 0xc8 : (uint32_t)byte << 24;
}

static void set_fate(struct event *event, uint8_t byte)
{
    require(event);
    if (byte & 1)
        event->packet.fate = FATE_LOST;
    else if (byte & 2)
        event->packet.received_ns = event->packet.sent_ns + (byte >> 2);
}

static void send_one(struct story *story, struct ends *ends, const uint8_t step[STEP])
{
    enum place from = step[0] & 1 ? PLACE_SERVER : PLACE_CLIENT;
    uint8_t payload[64];
    struct segment segment = {
        .flags = step[1],
        .seq = ends->next[from] + shift(step[2]),
        .ack = ends->next[!from] + shift(step[3]),
        .window = (uint16_t)(step[4] * 257),
        .payload = payload,
        .payload_bytes = step[5],
        .payload_captured = step[5] < sizeof payload ? step[5] : sizeof payload,
    };
    memset(payload, step[6], sizeof payload);
    ends->now_ns += (int8_t)step[7];
    if (step[0] & 2) {
        require(story_add_unsent(story, ends->now_ns, from, ends->number, &segment,
                                 step[0] & 4 ? FATE_DUPLICATED : FATE_INJECTED));
        return;
    }
    set_fate(story_add_packet(story, ends->now_ns, from, ++ends->number, &segment),
             step[0] >> 3);
    ends->next[from] = segment.seq + segment.payload_bytes + !!(segment.flags & TCP_SYN) +
                       !!(segment.flags & TCP_FIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const struct endpoint client = {.family = 4, .port = 40001};
    static const struct endpoint server = {.family = 4, .port = 30001};
    struct ends ends = {.next = {0xfffffff0, 0x7ffffff0}};
    struct story *story;

    require(story_new(1, &client, &server, &story) == 0);
    for (; length >= STEP; bytes += STEP, length -= STEP)
        send_one(story, &ends, bytes);
    check_story(story);
    story_free(&story);
    return 0;
}
