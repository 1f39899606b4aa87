/* Where no hosts of our own can be had: client and server on the loopback, the server at
 * an address of 127/8 that nobody else uses, so that its packets are told from others by
 * it.
 *
 * Captured, every packet on lo shows twice: as it leaves and as it arrives. The kernel
 * has delivered it by then, so states are asked late: short-lived ones are missed, and
 * that is said to the user. */
#include <linux/if_packet.h>
#include <string.h>

#include "wire/inside.h"

enum { HEAD_BYTES = 128, SENT_MAX = 64 };

/* Packets seen leaving and not yet seen arriving. */
struct sent {
    uint64_t packet;
    size_t length;
    uint8_t head[HEAD_BYTES];
};

struct loopback {
    struct wire *wire;
    struct sent sent[SENT_MAX];
    size_t sent_count;
};

static bool is_servers(const struct wire *wire, const struct endpoint *endpoint)
{
    struct endpoint server = wire_server(wire, endpoint->port);
    return endpoint_equal(endpoint, &server);
}

static void forget(struct loopback *loopback, size_t index)
{
    loopback->sent_count--;
    memmove(&loopback->sent[index], &loopback->sent[index + 1],
            (loopback->sent_count - index) * sizeof loopback->sent[0]);
}

static void leaves(struct loopback *loopback, enum place from, int64_t t_ns,
                   const uint8_t *head, size_t length, const struct segment *segment)
{
    uint64_t packet = record_next_packet(&loopback->wire->record);
    record_packet_sent(&loopback->wire->record, t_ns, from, packet, segment);
    if (loopback->sent_count == SENT_MAX)
        forget(loopback, 0);
    struct sent *sent = &loopback->sent[loopback->sent_count++];
    *sent = (struct sent){.packet = packet, .length = length};
    memcpy(sent->head, head, HEAD_BYTES);
}

static void arrives(struct loopback *loopback, enum place from, int64_t t_ns,
                    const uint8_t *head, size_t length)
{
    size_t compare = length < HEAD_BYTES ? length : HEAD_BYTES;
    for (size_t i = 0; i < loopback->sent_count; i++) {
        const struct sent *sent = &loopback->sent[i];
        if (sent->length != length || memcmp(sent->head, head, compare) != 0)
            continue;
        record_packet_received(&loopback->wire->record, t_ns, from, sent->packet,
                               FATE_DELIVERED, NULL);
        forget(loopback, i);
        return;
    }
}

/* Takes one captured packet, if there is one. */
static bool take(struct loopback *loopback)
{
    struct wire *wire = loopback->wire;
    uint8_t head[HEAD_BYTES] = {0};
    struct segment segment;
    unsigned char type;
    int64_t t_ns;

    int length = link_receive_stamped(wire->capture, head, sizeof head, &t_ns, &type);
    if (length < 0)
        wire->failed = length;
    if (length <= 0)
        return false;
    size_t captured = (size_t)length < sizeof head ? (size_t)length : sizeof head;
    if (decode_ip(head, captured, &segment) != DECODE_TCP)
        return true;
    bool from_server = is_servers(wire, &segment.source);
    if (!from_server && !is_servers(wire, &segment.destination))
        return true;

    enum place from = from_server ? PLACE_SERVER : PLACE_CLIENT;
    wire_note_moved(wire, 0);
    if (type == PACKET_OUTGOING)
        leaves(loopback, from, t_ns, head, (size_t)length, &segment);
    else
        arrives(loopback, from, t_ns, head, (size_t)length);
    gate_take_turn(&wire->gate);
    const struct wire_pair *pair = wire_remember_segment(wire, from, &segment);
    if (pair) {
        int64_t now_ns = clock_now_ns(wire->gate.clock);
        wire_look(wire, PLACE_CLIENT, pair, now_ns);
        wire_look(wire, PLACE_SERVER, pair, now_ns);
    }
    gate_give_turn(&wire->gate);
    return true;
}

void loopback_run(struct wire *wire)
{
    struct loopback loopback = {.wire = wire};
    const int fds[2] = {wire->capture, -1};

    while (!atomic_load(&wire->stop) && !wire->failed) {
        if (wire->capture >= 0 && take(&loopback))
            continue;
        wire_flush(wire);
        wire_note_idle(wire);
        wire_sleep(wire, fds, clock_now_ns(wire->gate.clock) + WIRE_IDLE_NS);
    }
}

static struct wire_pair *find_by_inode(struct wire *wire, enum place place,
                                       uint64_t inode)
{
    list_for_each (link, &wire->pairs) {
        struct wire_pair *pair = list_member(link, struct wire_pair, link);
        if (pair->inode[place] == inode)
            return pair;
    }
    return NULL;
}

void loopback_on_call(void *owner, enum place place, const struct record_call *call)
{
    struct wire *wire = owner;
    struct wire_pair *pair;

    if (call->has_ends && call->local.port && call->peer.port) {
        pair = place == PLACE_CLIENT ? wire_remember(wire, &call->local, &call->peer)
                                     : wire_remember(wire, &call->peer, &call->local);
        if (pair)
            pair->inode[place] = call->new_inode ? call->new_inode : call->inode;
    } else {
        pair = call->inode ? find_by_inode(wire, place, call->inode) : NULL;
    }
    if (!pair)
        return;
    int64_t now_ns = clock_now_ns(wire->gate.clock);
    wire_look(wire, PLACE_CLIENT, pair, now_ns);
    wire_look(wire, PLACE_SERVER, pair, now_ns);
    wire_note_moved(wire, 0);
}
