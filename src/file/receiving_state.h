/* The receiver's state, and what its files say to each other. Private to receiving*.c.
 *
 * What holds always: an arrival belongs to one root; while a job of the disk's has it, it is touched by
 * nobody else. */
#ifndef WOSHOU_FILE_RECEIVING_STATE_H
#define WOSHOU_FILE_RECEIVING_STATE_H

#include "base/buffer.h"
#include "file/protocol.h"
#include "file/receiving.h"

struct error;

/* The index of an entry that its root does not have; too large for an enumerator. */
#define RECEIVING_NOTHING (UINT32_MAX - 1)

enum root_state {
    ROOT_COMES,
    ROOT_COMMITS, /* whole: it waits for the disk, or the disk has it */
    ROOT_ENDED
};

struct root {
    struct arrival *arrival; /* null: it has ended */
    char name[256];
    uint32_t number; /* of its entry */
    enum root_state state;
    bool folder;
    bool checkpointed; /* a job is about it */
};

/* Where an entry of the transfer is. */
struct where {
    uint32_t root, index;
};

struct receiving {
    struct receiving_options options;
    struct link *control; /* null once it is gone */
    struct link *links[FILE_CONNECTIONS_MOST];
    size_t link_count;
    struct root *roots;
    uint32_t root_count, root_capacity, ended;
    uint32_t *ready; /* roots that are whole and wait for the disk; has root_capacity */
    uint32_t ready_count;
    struct where *where;
    uint32_t count, capacity;
    bool told_all;
    bool closed;
    bool committing;
    unsigned jobs;
    struct tally tally;
};

/* --- receiving.c: all return what a link fails with, or 0 --- */

/* Sends the frames on the control connection, if it is there, and frees the buffer. */
int receiving_say(struct receiving *receiving, struct buffer *frames);
/* The root will not be whole: the sender is told, and who asks for reports. */
int receiving_fail(struct receiving *receiving, struct root *root,
                   const struct error *err);
/* The same where the sender knows. */
void receiving_give_up(struct receiving *receiving, struct root *root, unsigned code,
                       const char *sentence);
/* It is in its place. */
int receiving_finish(struct receiving *receiving, struct root *root,
                     const struct transfer_result *result);
/* Frees it; nothing of it is under way any more. */
void receiving_free(struct receiving *receiving);

/* --- receiving_disk.c --- */

/* Has the root put in its place if it is whole. */
int receiving_look(struct receiving *receiving, uint32_t root);
/* Has what was written of it synced, if that is much. */
void receiving_checkpoint(struct receiving *receiving, uint32_t root);

/* --- receiving_manifest.c --- */

int receiving_take_entries(struct receiving *receiving, const struct frame *frame);
int receiving_take_end(struct receiving *receiving, const struct frame *frame);
int receiving_take_failed(struct receiving *receiving, const struct frame *frame);

/* --- receiving_data.c --- */

int receiving_take_pack(struct receiving *receiving, struct link *link,
                        const struct frame *frame);
int receiving_take_data(struct receiving *receiving, struct link *link,
                        const struct frame *frame);
int receiving_take_check(struct receiving *receiving, struct link *link,
                         const struct frame *frame);

#endif
