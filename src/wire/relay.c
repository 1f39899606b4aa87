/* The relay: packets out of one host and, when their time has come, into the other.
 *
 * What holds: a packet is delivered with the turn taken and every program at rest; both
 * kernels are asked just before and just after, and the moment of delivery is the moment
 * of whatever changed between. A packet's sender is asked as soon as the packet is read,
 * with the turn taken; what changed there since it was last asked happened when the packet
 * was sent, since nothing else has happened to that host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "wire/inside.h"

struct delivery {
    struct list_link link;
    int64_t due_ns;
    enum place from;
    enum fate fate;
    uint64_t packet;
    bool tcp;
    bool waits;                   /* a rule delays it */
    uint32_t hold;                /* of one that is held */
    struct segment segment;       /* of `bytes` */
    const struct wire_pair *pair; /* whose segment it is; null until find_pair */
    size_t length;
    uint8_t bytes[];
};

struct relay {
    struct wire *wire;
    struct list deliveries; /* by due_ns; ties in the order they were scheduled */
    uint32_t nth[2][256][2];
};

static struct delivery *new_delivery(enum place from, const uint8_t *bytes, size_t length)
{
    struct delivery *delivery = calloc(1, sizeof *delivery + length);
    if (!delivery)
        return NULL;
    delivery->from = from;
    delivery->length = length;
    memcpy(delivery->bytes, bytes, length);
    delivery->tcp = decode_ip(delivery->bytes, length, &delivery->segment) == DECODE_TCP;
    return delivery;
}

/* With the turn held. A packet that is no TCP segment has none, nor has one for which
 * memory ran out. */
static void find_pair(struct wire *wire, struct delivery *delivery)
{
    if (delivery->tcp)
        delivery->pair = wire_remember_segment(wire, delivery->from, &delivery->segment);
}

static void schedule(struct relay *relay, struct delivery *delivery)
{
    struct list_link *place = &relay->deliveries.head;
    while (place->previous != &relay->deliveries.head &&
           list_member(place->previous, struct delivery, link)->due_ns > delivery->due_ns)
        place = place->previous;
    list_insert_before(place, &delivery->link);
}

/* --- Out of a host --- */

/* To whoever captures at a host. */
static void note_passing(struct wire *wire, enum place host, bool leaves, int64_t t_ns,
                         const struct delivery *delivery)
{
    if (wire->options.on_packet)
        wire->options.on_packet(wire->options.owner, host, leaves, t_ns, delivery->bytes,
                                delivery->length);
}

static struct wire_decision decide(struct relay *relay, const struct delivery *delivery)
{
    const struct wire_rule *rule = &relay->wire->options.rule;
    const struct segment *segment = &delivery->segment;
    uint32_t *nth =
        &relay->nth[delivery->from][segment->flags][segment->payload_bytes > 0];

    ++*nth;
    if (!rule->decide)
        return (struct wire_decision){.act = WIRE_PASS, .delay_ns = 0};
    return rule->decide(rule->owner, &(struct wire_packet){.from = delivery->from,
                                                           .segment = segment,
                                                           .nth = *nth,
                                                           .bytes = delivery->bytes,
                                                           .length = delivery->length});
}

static void send_copy(struct relay *relay, const struct delivery *original,
                      int64_t delay_ns)
{
    struct delivery *copy =
        new_delivery(original->from, original->bytes, original->length);
    if (!copy) {
        relay->wire->failed = ERROR_MEMORY;
        return;
    }
    copy->pair = original->pair;
    copy->packet = original->packet;
    copy->fate = FATE_DUPLICATED;
    copy->due_ns = original->due_ns + delay_ns;
    copy->waits = delay_ns > 0;
    wire_note_moved(relay->wire, +1);
    schedule(relay, copy);
}

/* Records the sending of a TCP segment and decides about it; takes the delivery. */
static void send_segment(struct relay *relay, struct delivery *delivery, int64_t sent_ns)
{
    struct wire *wire = relay->wire;

    delivery->packet = record_next_packet(&wire->record);
    wire->segments++;
    record_packet_sent(&wire->record, sent_ns, delivery->from, delivery->packet,
                       &delivery->segment);
    note_passing(wire, delivery->from, true, sent_ns, delivery);
    struct wire_decision decision = decide(relay, delivery);
    if (decision.act == WIRE_DROP) {
        record_packet_lost(&wire->record, sent_ns, delivery->packet);
        wire_note_moved(wire, 0);
        free(delivery);
        return;
    }
    if (decision.act == WIRE_HOLD) {
        delivery->fate = FATE_DELAYED;
        delivery->hold = decision.hold;
        list_append(&wire->held, &delivery->link);
        wire_note_moved(wire, 0);
        return;
    }
    if (decision.act == WIRE_DELAY) {
        delivery->due_ns += decision.delay_ns;
        delivery->fate = FATE_DELAYED;
        delivery->waits = true;
    }
    wire_note_moved(wire, +1);
    schedule(relay, delivery);
    if (decision.act == WIRE_DUPLICATE)
        send_copy(relay, delivery, decision.delay_ns);
}

/* Reads all that a host has sent into `batch`, its due_ns being the time of sending. */
static void read_batch(struct relay *relay, enum place host, struct list *batch)
{
    struct wire *wire = relay->wire;
    uint8_t bytes[LINK_PACKET_MAX];
    int64_t sent_ns;

    for (;;) {
        int length = wire->link.operations->read(&wire->link, host, bytes, &sent_ns);
        if (length < 0)
            wire->failed = length;
        if (length <= 0)
            return;
        struct delivery *delivery = new_delivery(host, bytes, (size_t)length);
        if (!delivery) {
            wire->failed = ERROR_MEMORY;
            return;
        }
        delivery->due_ns = sent_ns;
        find_pair(wire, delivery);
        list_append(batch, &delivery->link);
    }
}

/* Whether a later packet of the batch is of the same pair. */
static bool has_later(const struct list *batch, const struct delivery *delivery)
{
    for (const struct list_link *link = delivery->link.next; link != &batch->head;
         link = link->next)
        if (list_member(link, const struct delivery, link)->pair == delivery->pair)
            return true;
    return false;
}

/* Asks both ends of what a host has just sent, once a pair, for the last packet of the batch: the
 * turn is ours, so what the sender is in now it has been in since. */
static void look_at_ends(struct relay *relay, const struct list *batch)
{
    struct wire *wire = relay->wire;
    list_for_each (link, batch) {
        const struct delivery *delivery = list_member(link, struct delivery, link);
        if (!delivery->pair || has_later(batch, delivery))
            continue;
        wire_look(wire, delivery->from, delivery->pair, delivery->due_ns);
        wire_look(wire, place_other(delivery->from), delivery->pair,
                  clock_now_ns(wire->gate.clock));
    }
}

/* Takes up all that a host has sent; whether there was any. */
static bool drain(struct relay *relay, enum place host)
{
    struct wire *wire = relay->wire;
    struct list batch;
    list_init(&batch);

    gate_take_turn(&wire->gate);
    read_batch(relay, host, &batch);
    bool any = !list_empty(&batch);
    look_at_ends(relay, &batch);
    list_for_each_safe (link, &batch) {
        struct delivery *delivery = list_member(link, struct delivery, link);
        int64_t sent_ns = delivery->due_ns;
        list_remove(link);
        delivery->due_ns = sent_ns + wire->options.delay_ns;
        if (delivery->tcp) {
            send_segment(relay, delivery, sent_ns);
        } else {
            wire_note_moved(wire, +1);
            schedule(relay, delivery);
        }
    }
    gate_give_turn(&wire->gate);
    return any;
}

/* --- Into a host --- */

static void deliver(struct relay *relay, struct delivery *delivery)
{
    struct wire *wire = relay->wire;
    enum place to = place_other(delivery->from);
    if (!delivery->pair)
        find_pair(wire, delivery); /* injected, and never read from a host */
    const struct wire_pair *pair = delivery->pair;
    /* A copy and an injected packet have been sent by nobody: they appear as they
     * arrive. */
    bool unsent = delivery->fate == FATE_DUPLICATED || delivery->fate == FATE_INJECTED;
    int64_t now_ns = clock_now_ns(wire->gate.clock);

    if (pair) {
        wire_look(wire, delivery->from, pair, now_ns);
        wire_look(wire, to, pair, now_ns);
        now_ns = clock_now_ns(wire->gate.clock);
        record_packet_received(&wire->record, now_ns, delivery->from, delivery->packet,
                               delivery->fate, unsent ? &delivery->segment : NULL);
        note_passing(wire, to, false, now_ns, delivery);
        wire->segments++;
    }
    /* A packet that the host's device refuses (it is down, its queue is full) is lost
     * like any. */
    if (wire->link.operations->write(&wire->link, to, delivery->bytes,
                                     delivery->length) &&
        pair && !unsent)
        record_packet_lost(&wire->record, now_ns, delivery->packet);
    if (pair) {
        wire_look(wire, to, pair, now_ns);
        wire_look(wire, delivery->from, pair, now_ns);
    }
    wire_note_moved(wire, -1);
}

/* Delivers the first packet that is due, if one is. */
static bool deliver_next(struct relay *relay)
{
    struct wire *wire = relay->wire;
    struct list_link *first = list_first(&relay->deliveries);
    if (!first)
        return false;
    struct delivery *delivery = list_member(first, struct delivery, link);
    if (delivery->due_ns > clock_now_ns(wire->gate.clock))
        return false;
    gate_settle(&wire->gate, wire->options.settle_ns);
    gate_take_turn(&wire->gate);
    list_remove(&delivery->link);
    deliver(relay, delivery);
    gate_give_turn(&wire->gate);
    free(delivery);
    return true;
}

static bool take_injections(struct relay *relay)
{
    struct wire *wire = relay->wire;
    bool any = false;

    pthread_mutex_lock(&wire->lock);
    list_for_each_safe (link, &wire->injections) {
        list_remove(link);
        struct delivery *delivery = list_member(link, struct delivery, link);
        delivery->due_ns = clock_now_ns(wire->gate.clock);
        schedule(relay, delivery);
        any = true;
    }
    pthread_mutex_unlock(&wire->lock);
    return any;
}

int wire_inject(struct wire *wire, enum place from, const uint8_t *bytes, size_t length)
{
    uint64_t one = 1;
    if (wire->kind != WIRE_TUN && wire->kind != WIRE_VETH)
        return ERROR_UNSUPPORTED;
    if (length == 0)
        return ERROR_ARGUMENT;
    if (length > LINK_PACKET_MAX)
        return ERROR_LIMIT;
    struct delivery *delivery = new_delivery(from, bytes, length);
    if (!delivery)
        return ERROR_MEMORY;
    delivery->fate = FATE_INJECTED;
    delivery->packet = record_next_packet(&wire->record);
    wire_note_moved(wire, +1);
    /* Once the wire's thread has emptied the list for the last time nobody would free
     * it. */
    pthread_mutex_lock(&wire->lock);
    bool ended = atomic_load(&wire->stop) || wire->failed;
    if (!ended)
        list_append(&wire->injections, &delivery->link);
    pthread_mutex_unlock(&wire->lock);
    if (ended) {
        wire_note_moved(wire, -1);
        free(delivery);
        return ERROR_ABORTED;
    }
    return write(wire->wake, &one, sizeof one) < 0 ? error_code_from_errno(errno) : 0;
}

size_t wire_release(struct wire *wire, uint32_t hold, size_t most)
{
    size_t released = 0;
    list_for_each_safe (link, &wire->held) {
        struct delivery *delivery = list_member(link, struct delivery, link);
        if (delivery->hold != hold || released == most)
            continue;
        list_remove(link);
        wire_note_moved(wire, +1);
        pthread_mutex_lock(&wire->lock);
        list_append(&wire->injections, link);
        pthread_mutex_unlock(&wire->lock);
        released++;
    }
    return released;
}

/* --- At rest --- */

static bool none_travels(const struct relay *relay)
{
    list_for_each (link, &relay->deliveries)
        if (!list_member(link, struct delivery, link)->waits)
            return false;
    return true;
}

static void look_at_all(struct wire *wire)
{
    gate_take_turn(&wire->gate);
    int64_t now_ns = clock_now_ns(wire->gate.clock);
    list_for_each (link, &wire->pairs) {
        const struct wire_pair *pair = list_member(link, struct wire_pair, link);
        wire_look(wire, PLACE_CLIENT, pair, now_ns);
        wire_look(wire, PLACE_SERVER, pair, now_ns);
    }
    gate_give_turn(&wire->gate);
    wire_flush(wire);
}

static bool look_wanted(struct wire *wire)
{
    pthread_mutex_lock(&wire->lock);
    bool wanted = wire->look != NULL;
    pthread_mutex_unlock(&wire->lock);
    return wanted;
}

/* Answers a request to look, where all is certainly at rest; whether it did. */
static bool look_around(struct wire *wire)
{
    if (!barrier_passed(&wire->barrier, wire->segments, clock_now_ns(wire->gate.clock)))
        return false;
    pthread_mutex_lock(&wire->lock);
    wire->looking = wire->look != NULL;
    pthread_mutex_unlock(&wire->lock);
    if (!wire->looking)
        return false;
    look_at_all(wire);
    wire->look(wire->look_owner, wire);
    pthread_mutex_lock(&wire->lock);
    wire->looking = false;
    wire->look = NULL;
    pthread_cond_broadcast(&wire->moved);
    pthread_mutex_unlock(&wire->lock);
    return true;
}

/* --- The loop --- */

static void drop_all(struct list *deliveries)
{
    list_for_each_safe (link, deliveries) {
        list_remove(link);
        free(list_member(link, struct delivery, link));
    }
}

static bool drain_both(struct relay *relay)
{
    bool client = drain(relay, PLACE_CLIENT), server = drain(relay, PLACE_SERVER);
    return client || server;
}

void relay_run(struct wire *wire)
{
    struct relay relay = {.wire = wire};
    list_init(&relay.deliveries);

    while (!atomic_load(&wire->stop) && !wire->failed) {
        bool moved = drain_both(&relay);
        moved = take_injections(&relay) || moved;
        moved = deliver_next(&relay) || moved;
        if (moved)
            continue;
        /* At rest, and nothing new came of it: whatever has happened by now is
         * recorded. */
        /* Whoever asks may have set a program going just before: rest counts from then. */
        bool wanted = look_wanted(wire);
        bool rest = gate_settle(&wire->gate, wire->options.settle_ns);
        if (drain_both(&relay))
            continue;
        wire_flush(wire);
        wire_note_idle(wire);
        if (wanted && rest && none_travels(&relay) && look_around(wire))
            continue;
        int64_t until_ns = clock_now_ns(wire->gate.clock) +
                           (wire->barrier.awaited ? NS_PER_MS : WIRE_IDLE_NS);
        struct list_link *first = list_first(&relay.deliveries);
        if (first && list_member(first, struct delivery, link)->due_ns < until_ns)
            until_ns = list_member(first, struct delivery, link)->due_ns;
        wire_sleep(wire, wire->link.fd, until_ns);
    }
    drop_all(&relay.deliveries);
    pthread_mutex_lock(&wire->lock);
    drop_all(&wire->injections);
    pthread_cond_broadcast(&wire->moved); /* whoever waits for a look waits in vain */
    pthread_mutex_unlock(&wire->lock);
    drop_all(&wire->held);
}
