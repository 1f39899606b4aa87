#include "cli/lab_capture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "capture/packet.h"
#include "capture/writer.h"
#include "cli/folder.h"

enum { LINK_TYPE_IPV4 = 228 };

struct passing {
    int64_t t_ns;
    size_t order;
    uint32_t length;
    uint8_t direction;
    const uint8_t *bytes;
};

/* What stage_on_packet has put there: a header without padding, then the packet. */
static size_t take(const uint8_t *at, struct passing *ret)
{
    uint8_t leaves;
    memcpy(&ret->t_ns, at, sizeof ret->t_ns);
    at += sizeof ret->t_ns;
    memcpy(&ret->length, at, sizeof ret->length);
    at += sizeof ret->length;
    memcpy(&leaves, at, sizeof leaves);
    ret->direction = leaves ? DIRECTION_OUT : DIRECTION_IN;
    ret->bytes = at + sizeof leaves;
    return sizeof ret->t_ns + sizeof ret->length + sizeof leaves + ret->length;
}

static int by_time(const void *left, const void *right)
{
    const struct passing *a = left, *b = right;
    if (a->t_ns != b->t_ns)
        return a->t_ns < b->t_ns ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static struct passing *gather(const struct lab_capture *capture, size_t *ret_count)
{
    const uint8_t *bytes = (const uint8_t *)capture->bytes.bytes;
    struct passing one, *all;
    size_t count = 0;
    for (size_t at = 0; at < capture->bytes.length; count++)
        at += take(bytes + at, &one);
    all = calloc(count + 1, sizeof *all);
    if (!all)
        return NULL;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at += take(bytes + at, &all[i]);
        all[i].order = i;
    }
    qsort(all, count, sizeof *all, by_time);
    *ret_count = count;
    return all;
}

static int write_capture(const char *path, const struct lab_capture *capture,
                         enum place host, struct error *err)
{
    struct writer *writer;
    size_t count = 0;
    struct passing *all = gather(capture, &count);
    if (!all)
        return error_set(err, ERROR_MEMORY, "no memory for a capture");
    int status = writer_open(path, WRITER_PCAPNG, &writer, err);
    if (status) {
        free(all);
        return status;
    }
    status = writer_add_interface(writer,
                                  &(struct writer_interface){.link_type = LINK_TYPE_IPV4,
                                                             .unit = WRITER_NANOSECONDS,
                                                             .name = place_word(host)},
                                  err);
    /* The capture's clock is the wall's. */
    int64_t epoch_ns = clock_monotonic_from_realtime_ns(0);
    for (size_t i = 0; i < count && status == 0; i++)
        writer_packet(writer,
                      &(struct packet){.number = i + 1,
                                       .t_ns = all[i].t_ns - epoch_ns,
                                       .bytes = all[i].bytes,
                                       .captured = all[i].length,
                                       .length = all[i].length,
                                       .link_type = LINK_TYPE_IPV4,
                                       .direction = all[i].direction},
                      NULL);
    if (status == 0)
        status = writer_commit(writer, err);
    writer_close(&writer);
    free(all);
    return status;
}

int lab_capture(const char *directory, const struct lab_result *result, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < result->part_count; i++) {
        const struct lab_part_result *part = &result->parts[i];
        for (enum place host = PLACE_CLIENT; host <= PLACE_SERVER && !status; host++) {
            char name[160], path[PATH_MAX];
            snprintf(name, sizeof name, "%s%s%s-%s.pcapng", result->experiment->name,
                     part->part->name[0] ? "-" : "", part->part->name, place_word(host));
            status = folder_join(directory, name, path, sizeof path, err);
            if (status == 0)
                status = write_capture(path, &part->capture[host], host, err);
        }
    }
    return status;
}
