/* The recorder: moments in, stories out. Programs and the wire note what they see as it
 * happens, from their own threads and not quite in the order of time; `record_flush`,
 * called when all is quiet, sorts what came in and grows the stories with it. Pure but
 * for its lock: no clock, no socket.
 *
 * A story begins with a connection's first packet, or its first finished connect or
 * accept where no packets are seen. A call belongs to a story by its socket's inode:
 * inet_diag names the inode of the connection it is asked for, and accept and connect
 * name both ends on return. Calls whose story is not known yet wait for it. */
#ifndef WOSHOU_WIRE_RECORD_H
#define WOSHOU_WIRE_RECORD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "capture/decode.h"
#include "tcp/story.h"

struct diag_answer;
struct moment;
struct record_story;
struct record_binding;

struct record {
    pthread_mutex_t lock; /* over what came in; the stories belong to whoever flushes */
    struct moment *moments;
    size_t moment_count, moment_capacity;
    struct moment *waiting; /* calls whose story is not known yet */
    size_t waiting_count, waiting_capacity;
    struct record_story *stories;
    size_t story_count, story_capacity;
    struct record_binding *bindings;
    size_t binding_count, binding_capacity;
    struct record_packet *packets; /* by id: which story and number it became */
    size_t packet_count, packet_capacity;
    uint64_t order; /* of the next moment: ties in time keep it */
    uint64_t packet_ids;
    uint64_t numbers; /* packets numbered so far */
    uint32_t calls;
    int failed; /* sticky: ERROR_MEMORY */
};

/* One half of a call, as noted. */
struct record_call {
    const char *name; /* static */
    uint32_t call;    /* from record_next_call */
    bool returns;
    uint64_t inode; /* of the socket it is made on */
    int64_t result;
    bool has_ends; /* connect and accept, returned: the two endpoints */
    struct endpoint local, peer;
    uint64_t new_inode; /* accept, returned: the new socket's */
};

int record_init(struct record *record);
void record_done(struct record *record);

/* From any thread. A number for a call, and for a packet. */
uint32_t record_next_call(struct record *record);
uint64_t record_next_packet(struct record *record);

/* From any thread. The segment's payload is copied, as much as a story's preview
 * needs. */
void record_call(struct record *record, int64_t t_ns, enum place place,
                 const struct record_call *call);
void record_packet_sent(struct record *record, int64_t t_ns, enum place from,
                        uint64_t packet, const struct segment *segment);
/* `fate` FATE_DELIVERED or FATE_DELAYED: the packet noted as sent. FATE_DUPLICATED or
 * FATE_INJECTED: one more, which no host sent; `segment` says what it is (else null). */
void record_packet_received(struct record *record, int64_t t_ns, enum place from,
                            uint64_t packet, enum fate fate,
                            const struct segment *segment);
void record_packet_lost(struct record *record, int64_t t_ns, uint64_t packet);
/* What a host's kernel answered about the connection between two endpoints. */
void record_state(struct record *record, int64_t t_ns, enum place place,
                  const struct endpoint *client, const struct endpoint *server,
                  const struct diag_answer *answer);

/* Grows the stories by all that came in, and says whether anything had. By one thread at
 * a time. 0, or ERROR_MEMORY. */
int record_flush(struct record *record, bool *ret_grown);

/* The stories in the order they began; for the flushing thread, or after all have
 * ended. */
size_t record_story_count(const struct record *record);
struct story *record_story(const struct record *record, size_t index);

#endif
