/* Noting what is seen, from any thread: nothing is decided here. */
#include "wire/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "wire/moment.h"

int record_init(struct record *record)
{
    *record = (struct record){0};
    return pthread_mutex_init(&record->lock, NULL) ? ERROR_MEMORY : 0;
}

void record_done(struct record *record)
{
    for (size_t i = 0; i < record->story_count; i++)
        story_free(&record->stories[i].story);
    free(record->moments);
    free(record->waiting);
    free(record->stories);
    free(record->bindings);
    free(record->packets);
    pthread_mutex_destroy(&record->lock);
    *record = (struct record){0};
}

int record_grow(struct record *record, void **array, size_t count, size_t *capacity,
                size_t size)
{
    if (count < *capacity)
        return 0;
    size_t larger = *capacity ? 2 * *capacity : 64;
    void *moved = realloc(*array, larger * size);
    if (!moved)
        return record->failed = ERROR_MEMORY;
    *array = moved;
    *capacity = larger;
    return 0;
}

uint32_t record_next_call(struct record *record)
{
    pthread_mutex_lock(&record->lock);
    uint32_t call = ++record->calls;
    pthread_mutex_unlock(&record->lock);
    return call;
}

uint64_t record_next_packet(struct record *record)
{
    pthread_mutex_lock(&record->lock);
    uint64_t id = record->packet_ids++;
    pthread_mutex_unlock(&record->lock);
    return id;
}

static void add(struct record *record, const struct moment *moment)
{
    pthread_mutex_lock(&record->lock);
    if (GROW(record, moments, moment) == 0) {
        struct moment *added = &record->moments[record->moment_count++];
        *added = *moment;
        added->order = record->order++;
    }
    pthread_mutex_unlock(&record->lock);
}

void record_call(struct record *record, int64_t t_ns, enum place place,
                 const struct record_call *call)
{
    add(record, &(struct moment){
                    .t_ns = t_ns, .kind = MOMENT_CALL, .place = place, .call = *call});
}

static void add_packet(struct record *record, struct moment *moment,
                       const struct segment *segment)
{
    if (segment) {
        size_t kept = segment->payload_captured;
        if (kept > PAYLOAD_KEPT)
            kept = PAYLOAD_KEPT;
        moment->packet.has_segment = true;
        moment->packet.segment = *segment;
        moment->packet.segment.payload_captured = (uint32_t)kept;
        if (kept)
            memcpy(moment->packet.payload, segment->payload, kept);
    }
    add(record, moment);
}

void record_packet_sent(struct record *record, int64_t t_ns, enum place from,
                        uint64_t packet, const struct segment *segment)
{
    struct moment moment = {.t_ns = t_ns, .kind = MOMENT_SENT, .place = from};
    moment.packet.id = packet;
    add_packet(record, &moment, segment);
}

void record_packet_received(struct record *record, int64_t t_ns, enum place from,
                            uint64_t packet, enum fate fate,
                            const struct segment *segment)
{
    struct moment moment = {.t_ns = t_ns, .kind = MOMENT_RECEIVED, .place = from};
    moment.packet.id = packet;
    moment.packet.fate = fate;
    add_packet(record, &moment, segment);
}

void record_packet_lost(struct record *record, int64_t t_ns, uint64_t packet)
{
    struct moment moment = {.t_ns = t_ns, .kind = MOMENT_LOST, .place = PLACE_WIRE};
    moment.packet.id = packet;
    add_packet(record, &moment, NULL);
}

void record_state(struct record *record, int64_t t_ns, enum place place,
                  const struct endpoint *client, const struct endpoint *server,
                  const struct diag_answer *answer)
{
    struct moment moment = {.t_ns = t_ns, .kind = MOMENT_STATE, .place = place};
    moment.state.client = *client;
    moment.state.server = *server;
    moment.state.answer = *answer;
    add(record, &moment);
}
