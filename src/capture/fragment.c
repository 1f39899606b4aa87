#include "capture/fragment.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { DATAGRAMS = 64, PIECES = 64, DATAGRAM_BYTES = 65535 };

/* How long a first fragment waits for the others (RFC 1122, 3.3.2 and RFC 8200, 4.5). */
static const int64_t patience_ns = 60 * NS_PER_S;

struct piece {
    uint32_t from, to;
};

struct datagram {
    bool used;
    uint8_t family, protocol, ttl;
    uint8_t source[16], destination[16];
    uint32_t id;
    int64_t began_ns;
    uint64_t order; /* of its beginning */
    uint32_t total; /* 0: not known yet */
    uint32_t have;
    size_t piece_count;
    struct piece pieces[PIECES];
    uint8_t *bytes; /* DATAGRAM_BYTES, kept for the next datagram */
};

struct fragments {
    struct datagram datagrams[DATAGRAMS];
    uint64_t orders;
};

struct fragments *fragments_new(void)
{
    return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments **fragments)
{
    if (!*fragments)
        return;
    for (size_t i = 0; i < DATAGRAMS; i++)
        free((*fragments)->datagrams[i].bytes);
    free(*fragments);
    *fragments = NULL;
}

static bool is_of(const struct datagram *datagram, const struct ip_packet *ip)
{
    size_t length = ip->family == 4 ? 4 : 16;
    return datagram->used && datagram->family == ip->family && datagram->id == ip->id &&
           (ip->family == 6 || datagram->protocol == ip->protocol) &&
           memcmp(datagram->source, ip->source, length) == 0 &&
           memcmp(datagram->destination, ip->destination, length) == 0;
}

/* The datagram it belongs to; else a free place, or the oldest one's. */
static struct datagram *find(struct fragments *fragments, int64_t t_ns,
                             const struct ip_packet *ip)
{
    struct datagram *place = &fragments->datagrams[0];
    for (size_t i = 0; i < DATAGRAMS; i++) {
        struct datagram *datagram = &fragments->datagrams[i];
        bool late = t_ns / 2 - datagram->began_ns / 2 > patience_ns / 2;
        if (is_of(datagram, ip) && !late)
            return datagram;
        if (place->used && (!datagram->used || datagram->order < place->order))
            place = datagram;
    }
    return place;
}

static bool begin(struct fragments *fragments, struct datagram *datagram, int64_t t_ns,
                  const struct ip_packet *ip)
{
    uint8_t *bytes = datagram->bytes ? datagram->bytes : malloc(DATAGRAM_BYTES);
    size_t length = ip->family == 4 ? 4 : 16;
    *datagram = (struct datagram){.bytes = bytes};
    if (!bytes)
        return false;
    datagram->used = true;
    datagram->family = ip->family;
    datagram->protocol = ip->protocol;
    datagram->ttl = ip->ttl;
    datagram->id = ip->id;
    datagram->began_ns = t_ns;
    datagram->order = ++fragments->orders;
    memcpy(datagram->source, ip->source, length);
    memcpy(datagram->destination, ip->destination, length);
    return true;
}

/* 1: it is new; 0: a copy of one that is there; -1: they contradict each other. */
static int place_piece(struct datagram *datagram, struct piece piece)
{
    for (size_t i = 0; i < datagram->piece_count; i++) {
        struct piece there = datagram->pieces[i];
        if (there.from == piece.from && there.to == piece.to)
            return 0;
        if (there.from < piece.to && piece.from < there.to)
            return -1;
    }
    if (datagram->piece_count == PIECES)
        return -1;
    datagram->pieces[datagram->piece_count++] = piece;
    datagram->have += piece.to - piece.from;
    return 1;
}

static bool add_piece(struct datagram *datagram, const struct ip_packet *ip)
{
    size_t length = ip->payload_bytes;
    uint64_t end = ip->fragment_at + (uint64_t)length;
    struct piece piece = {ip->fragment_at, (uint32_t)end};
    bool last = !ip->more_fragments;

    if (length == 0 || end > DATAGRAM_BYTES || (!last && length % 8) ||
        (datagram->total && end > datagram->total) ||
        (last && datagram->total && end != datagram->total))
        return false;
    int placed = place_piece(datagram, piece);
    if (placed <= 0)
        return placed == 0;
    if (last)
        datagram->total = piece.to;
    memcpy(datagram->bytes + piece.from, ip->payload.bytes, length);
    if (ip->fragment_at == 0) {
        datagram->protocol = ip->protocol;
        datagram->ttl = ip->ttl;
    }
    return true;
}

bool fragments_add(struct fragments *fragments, int64_t t_ns, struct ip_packet *ip)
{
    if (ip->payload_bytes == IP_UNSAID || ip->payload.length < ip->payload_bytes)
        return false;
    struct datagram *datagram = find(fragments, t_ns, ip);
    if (!is_of(datagram, ip) && !begin(fragments, datagram, t_ns, ip))
        return false;
    if (!add_piece(datagram, ip)) {
        datagram->used = false;
        return false;
    }
    if (!datagram->total || datagram->have < datagram->total)
        return false;
    datagram->used = false;
    ip->fragment = ip->more_fragments = false;
    ip->fragment_at = 0;
    ip->protocol = datagram->protocol;
    ip->ttl = datagram->ttl;
    ip->payload = (struct span){datagram->bytes, datagram->total};
    ip->payload_bytes = datagram->total;
    return true;
}
