/* A recorder's inside: moments as they are noted (record.c), and what is known of the
 * stories they are woven into (weave.c). For these two files alone. */
#ifndef WOSHOU_WIRE_MOMENT_H
#define WOSHOU_WIRE_MOMENT_H

#include "wire/diag.h"
#include "wire/record.h"

enum { PAYLOAD_KEPT = 64 };

enum moment_kind { MOMENT_CALL, MOMENT_SENT, MOMENT_RECEIVED, MOMENT_LOST, MOMENT_STATE };

struct moment {
    int64_t t_ns;
    uint64_t order;
    enum moment_kind kind;
    enum place place; /* of a packet: from where */
    union {
        struct record_call call;
        struct {
            uint64_t id;
            enum fate fate;
            bool has_segment;
            struct segment segment;
            uint8_t payload[PAYLOAD_KEPT];
        } packet;
        struct {
            struct endpoint client, server;
            struct diag_answer answer;
        } state;
    };
};

struct record_story {
    struct story *story;
    enum tcp_state last[2];
    bool ending; /* a FIN or RST was sent: a new SYN of the same four-tuple is a new
                    connection */
};

struct record_binding {
    uint64_t inode;
    size_t story;
};

struct record_packet {
    size_t story;
    uint64_t number;
};

/* Room for one more member of `size` bytes in a growing array; a failure is the record's. */
int record_grow(struct record *record, void **array, size_t count, size_t *capacity,
                size_t size);

#define GROW(record, array, noun)                                                        \
    record_grow(record, (void **)&(record)->array, (record)->noun##_count,               \
                &(record)->noun##_capacity, sizeof *(record)->array)

#endif
