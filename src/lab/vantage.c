#include "lab/vantage.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "capture/packet.h"

enum { LINK_HEADER_MAX = 20, PACKET_MAX = 65535, INTERFACES = 2 };

/* The beginning of 2026. A capture that is kept in the project needs some time, and none
 * that tells where or when it was made. */
static const int64_t beginning_ns = INT64_C(1767225600) * NS_PER_S;
/* From one interface to the next, as a bridge takes. */
static const int64_t apart_ns = 20 * NS_PER_US;

struct vantage {
    struct vantage_options options;
    struct writer *writer;
    pthread_mutex_t lock;
    int64_t first_ns;
    unsigned seen;
    uint64_t number;
    size_t held_length; /* the first packet, where the second comes before it */
    uint8_t held[PACKET_MAX];
};

static uint16_t link_type(enum vantage_link link)
{
    return link == VANTAGE_RAW ? 101 : link == VANTAGE_ETHERNET ? 1 : 276;
}

int vantage_open(const char *path, const struct vantage_options *options,
                 struct vantage **ret_vantage, struct error *err)
{
    struct vantage *vantage = calloc(1, sizeof *vantage);
    if (!vantage)
        return error_set(err, ERROR_MEMORY, "no memory for a vantage point");
    vantage->options = *options;
    struct writer_interface interface = {.link_type = link_type(options->link),
                                         .snap_length = options->snap_length,
                                         .unit = options->unit,
                                         .name = "wire"};
    int code = writer_open(path, options->format, &vantage->writer, err);
    if (!code)
        code = writer_add_interface(vantage->writer, &interface, err);
    if (!code && pthread_mutex_init(&vantage->lock, NULL))
        code = error_set(err, ERROR_MEMORY, "no lock for a vantage point");
    if (code) {
        writer_close(&vantage->writer);
        free(vantage);
        return code;
    }
    *ret_vantage = vantage;
    return 0;
}

/* The header before an IP packet, seen at the interface of that index. */
static size_t link_header(enum vantage_link link, uint8_t index,
                          uint8_t header[LINK_HEADER_MAX])
{
    static const uint8_t vlan[] = {2, 0, 0, 0,    0,    2, 2, 0, 0,
                                   0, 0, 1, 0x81, 0x00, 0, 7, 8, 0};
    static const uint8_t any[] = {8, 0, 0, 0, 0, 0, 0, 0, 0, 1,
                                  0, 6, 2, 0, 0, 0, 0, 1, 0, 0};
    switch (link) {
    case VANTAGE_ETHERNET: memcpy(header, vlan, sizeof vlan); return sizeof vlan;
    case VANTAGE_ANY:
        memcpy(header, any, sizeof any);
        header[7] = (uint8_t)(index + 1);
        return sizeof any;
    default: return 0;
    }
}

static void write_at(struct vantage *vantage, int64_t t_ns, uint8_t index,
                     const uint8_t *bytes, size_t length)
{
    uint8_t frame[LINK_HEADER_MAX + PACKET_MAX];
    size_t header = link_header(vantage->options.link, index, frame);
    uint32_t snap = vantage->options.snap_length;
    memcpy(frame + header, bytes, length);
    struct packet packet = {.number = ++vantage->number,
                            .t_ns = t_ns + index * apart_ns,
                            .bytes = frame,
                            .captured = (uint32_t)(header + length),
                            .length = (uint32_t)(header + length),
                            .link_type = link_type(vantage->options.link)};
    if (snap && packet.captured > snap)
        packet.captured = snap;
    writer_packet(vantage->writer, &packet, NULL);
}

static void write_packet(struct vantage *vantage, int64_t t_ns, const uint8_t *bytes,
                         size_t length)
{
    int interfaces = vantage->options.link == VANTAGE_ANY ? INTERFACES : 1;
    for (int index = 0; index < interfaces; index++)
        write_at(vantage, t_ns, (uint8_t)index, bytes, length);
}

static void take(struct vantage *vantage, int64_t t_ns, const uint8_t *bytes,
                 size_t length)
{
    unsigned nth = ++vantage->seen;
    if (nth <= vantage->options.skip)
        return;
    if (vantage->first_ns == 0)
        vantage->first_ns = t_ns;
    t_ns = t_ns - vantage->first_ns + beginning_ns;
    if (vantage->options.first_two_swapped && nth == 1) {
        memcpy(vantage->held, bytes, length);
        vantage->held_length = length;
        return;
    }
    write_packet(vantage, t_ns, bytes, length);
    if (vantage->held_length > 0)
        write_packet(vantage, t_ns + apart_ns, vantage->held, vantage->held_length);
    vantage->held_length = 0;
}

void vantage_see(struct vantage *vantage, int64_t t_ns, const uint8_t *bytes,
                 size_t length)
{
    if (length > PACKET_MAX)
        return;
    pthread_mutex_lock(&vantage->lock);
    take(vantage, t_ns, bytes, length);
    pthread_mutex_unlock(&vantage->lock);
}

int vantage_close(struct vantage **vantage, struct error *err)
{
    int code = writer_commit((*vantage)->writer, err);
    writer_close(&(*vantage)->writer);
    pthread_mutex_destroy(&(*vantage)->lock);
    free(*vantage);
    *vantage = NULL;
    return code;
}
