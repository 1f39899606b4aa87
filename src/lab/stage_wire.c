/* The wire's part. Everything here runs in the wire's thread. */
#include <stdlib.h>
#include <string.h>

#include "lab/craft.h"
#include "lab/stage.h"
#include "wire/link.h"

/* --- Packets that pass --- */

static bool is_of(const struct stage *stage, const struct lab_packet *packet,
                  enum place from, const struct segment *segment)
{
    if (!sight_is_segment(packet, from, segment))
        return false;
    if (!packet->connection)
        return true;
    struct story ends = {
        .client = from == PLACE_CLIENT ? segment->source : segment->destination,
        .server = from == PLACE_CLIENT ? segment->destination : segment->source};
    return stage_is_connection(stage, packet->from, packet->connection, &ends);
}

static void keep_packet(struct stage *stage, const struct wire_packet *packet)
{
    struct stage_packet *kept = &stage->packets[stage->packet_count % STAGE_PACKETS_MAX];
    uint8_t *bytes = malloc(packet->length);
    if (!bytes)
        return;
    memcpy(bytes, packet->bytes, packet->length);
    free(kept->bytes);
    *kept = (struct stage_packet){packet->from, packet->length, bytes};
    stage->packet_count++;
}

void stage_forget_packets(struct stage *stage)
{
    for (size_t i = 0; i < STAGE_PACKETS_MAX; i++)
        free(stage->packets[i].bytes);
}

static struct wire_decision carry_out(const struct stage *stage,
                                      const struct stage_rule *rule)
{
    const struct lab_act *act = rule->act;
    switch (act->what) {
    case LAB_DROP: return (struct wire_decision){.act = WIRE_DROP};
    case LAB_HOLD:
        return (struct wire_decision){.act = WIRE_HOLD,
                                      .hold = (uint32_t)(rule - stage->rules)};
    case LAB_DELAY:
        return (struct wire_decision){.act = WIRE_DELAY, .delay_ns = act->delay_ns};
    case LAB_DUPLICATE:
        return (struct wire_decision){.act = WIRE_DUPLICATE, .delay_ns = act->delay_ns};
    default: return (struct wire_decision){.act = WIRE_PASS};
    }
}

struct wire_decision stage_decide(void *owner, const struct wire_packet *packet)
{
    struct stage *stage = owner;
    keep_packet(stage, packet);
    if (stage->cut)
        return (struct wire_decision){.act = WIRE_DROP};
    for (size_t i = 0; i < stage->rule_count; i++) {
        struct stage_rule *rule = &stage->rules[i];
        if (rule->over ||
            !is_of(stage, &rule->act->packet, packet->from, packet->segment))
            continue;
        if (rule->left != LAB_ALWAYS && --rule->left == 0)
            rule->over = true;
        return carry_out(stage, rule);
    }
    return (struct wire_decision){.act = WIRE_PASS};
}

void stage_on_packet(void *owner, enum place host, bool leaves, int64_t t_ns,
                     const uint8_t *bytes, size_t length)
{
    struct stage *stage = owner;
    struct buffer *capture = &stage->result->capture[host].bytes;
    uint32_t size = (uint32_t)length;
    uint8_t out = leaves;
    buffer_append(capture, &t_ns, sizeof t_ns);
    buffer_append(capture, &size, sizeof size);
    buffer_append(capture, &out, sizeof out);
    buffer_append(capture, bytes, length);
}

/* --- Steps --- */

static int add_rule(struct stage *stage, const struct lab_act *act)
{
    if (stage->rule_count == STAGE_RULES_MAX)
        return error_set(stage->err, ERROR_LIMIT, "more than %d rules for the wire",
                         STAGE_RULES_MAX);
    stage->rules[stage->rule_count++] =
        (struct stage_rule){.act = act, .left = act->times};
    return 0;
}

static bool same_packets(const struct lab_packet *a, const struct lab_packet *b)
{
    bool named = a->connection && b->connection;
    return a->from == b->from && a->has == b->has && a->lacks == b->lacks &&
           a->empty == b->empty && a->filled == b->filled &&
           (named ? strcmp(a->connection, b->connection) == 0
                  : a->connection == b->connection);
}

static int release(struct stage *stage, const struct lab_act *act)
{
    size_t released = 0;
    for (size_t i = 0; i < stage->rule_count; i++) {
        struct stage_rule *rule = &stage->rules[i];
        if (rule->act->what != LAB_HOLD)
            continue;
        if (!act->all && !same_packets(&rule->act->packet, &act->packet))
            continue;
        rule->over = true;
        released += wire_release(stage->wire, (uint32_t)i, SIZE_MAX);
    }
    return released ? 0
                    : error_set(stage->err, ERROR_ABSENT,
                                "the wire holds no such packet to release");
}

/* The newest connection there was, or the one a first client would make. */
static void ends_of(const struct stage *stage, const struct lab_act *act,
                    struct endpoint *ret_client, struct endpoint *ret_server,
                    const struct story **ret_story)
{
    const uint8_t *host = link_addresses[PLACE_CLIENT];
    *ret_client = endpoint_ipv4(host[0], host[1], host[2], host[3], LAB_CLIENT_PORT);
    *ret_server = wire_server(stage->wire, LAB_SERVER_PORT);
    *ret_story = NULL;
    for (size_t i = 0; i < wire_story_count(stage->wire); i++) {
        const struct story *story = wire_story(stage->wire, i);
        if (act->packet.connection &&
            !stage_is_connection(stage, act->packet.from, act->packet.connection, story))
            continue;
        *ret_story = story;
        *ret_client = story->client;
        *ret_server = story->server;
    }
}

static uint32_t resolve(const struct lab_number *number, const struct story *story)
{
    uint32_t base = 0;
    if (story && number->base)
        base = story->numbers.isn[number->base == 'j' ? PLACE_CLIENT : PLACE_SERVER];
    return base + (uint32_t)number->offset;
}

static int inject(struct stage *stage, const struct lab_act *act)
{
    static const uint8_t own[4];
    const struct lab_packet *packet = &act->packet;
    struct endpoint client, server;
    const struct story *story;
    int status = 0;

    ends_of(stage, act, &client, &server, &story);
    struct craft_tcp segment = {.flags = packet->has, .window = 64240};
    bool from_client = packet->from == PLACE_CLIENT;
    segment.source = from_client ? client : server;
    segment.destination = from_client ? server : client;
    if (act->port)
        segment.source.port = act->port;
    if (memcmp(act->address, own, sizeof own) != 0)
        memcpy(segment.source.address, act->address, sizeof act->address);
    if (packet->window >= 0)
        segment.window = (uint16_t)packet->window;
    segment.payload = packet->text;
    segment.seq = resolve(&packet->seq, story);
    segment.ack = resolve(&packet->ack, story);
    if (packet->ack.given)
        segment.flags |= TCP_ACK;
    for (uint32_t i = 0; i < act->times && status == 0; i++) {
        struct crafted crafted = craft_tcp(&segment);
        status = wire_inject(stage->wire, packet->from, crafted.bytes, crafted.length);
        segment.source.port++;
        segment.seq += 1000;
    }
    return status ? error_set(stage->err, status, "the packet cannot be slipped in") : 0;
}

static int replay(struct stage *stage, const struct lab_act *act)
{
    size_t oldest = stage->packet_count > STAGE_PACKETS_MAX
                        ? stage->packet_count - STAGE_PACKETS_MAX
                        : 0;
    for (size_t i = stage->packet_count; i > oldest; i--) {
        const struct stage_packet *kept = &stage->packets[(i - 1) % STAGE_PACKETS_MAX];
        struct segment segment;
        if (decode_ip(kept->bytes, kept->length, &segment) == DECODE_TCP &&
            is_of(stage, &act->packet, kept->from, &segment))
            return wire_inject(stage->wire, kept->from, kept->bytes, kept->length);
    }
    return error_set(stage->err, ERROR_ABSENT, "no such packet has passed");
}

void stage_wire_act(void *owner, struct wire *wire)
{
    struct stage *stage = owner;
    const struct lab_act *act = &stage->step->wire;
    (void)wire;
    switch (act->what) {
    case LAB_DROP:
    case LAB_HOLD:
    case LAB_DELAY:
    case LAB_DUPLICATE: stage->status = add_rule(stage, act); break;
    case LAB_RELEASE: stage->status = release(stage, act); break;
    case LAB_CUT: stage->cut = true; break;
    case LAB_MEND:
        stage->cut = false;
        for (size_t i = 0; i < stage->rule_count; i++)
            stage->rules[i].over = true;
        break;
    case LAB_INJECT: stage->status = inject(stage, act); break;
    case LAB_REPLAY: stage->status = replay(stage, act); break;
    }
}
