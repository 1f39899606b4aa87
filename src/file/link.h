/* A link: one connection of a transfer, with what flows over it at the moment in either direction.
 *
 * What is being sent in pieces must not be cut by another frame: link_send keeps those back until the
 * piece is out. */
#ifndef WOSHOU_FILE_LINK_H
#define WOSHOU_FILE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/list.h"
#include "file/check.h"
#include "net/channel.h"

struct source;
struct unit;

/* The sender's side. */
struct outflow {
    struct list outstanding; /* units that were sent and not answered, in their order */
    uint64_t next_id;
    struct unit *current;  /* the chunk whose pieces are being sent; null: none */
    struct source *source; /* its file */
    uint64_t offset, end;  /* of what is still to be read of it */
    struct check_state *state;
    struct buffer piece; /* what is being sent; the first `sent` bytes are out */
    size_t sent;
};

/* The receiver's side: the chunk that is coming. */
struct inflow {
    bool begun;      /* some of it came */
    bool unwanted;   /* another link has it, its root failed, or it is there */
    uint32_t number; /* of the entry */
    uint32_t chunk;
    uint64_t begin, end; /* of the chunk in the file */
    uint64_t at;         /* where the next piece belongs */
    struct check_state *state;
};

struct link {
    struct list_link place; /* among its transfer's */
    struct channel channel;
    struct outflow out;
    struct inflow in;
    struct buffer later; /* frames that wait for the piece's end */
    int64_t heard_ns;    /* when something came last, */
    int64_t moved_ns;    /* and when something was sent or answered */
    int64_t
        pinged_ns; /* when it was asked whether it is alive; 0: not since it was heard */
};

/* Takes the channel over. ERROR_MEMORY: the channel is the caller's still. */
int link_init(struct link *link, struct channel *channel, int64_t now_ns);
/* Closes the channel. The outstanding units were taken back by the sender before. */
void link_done(struct link *link);

/* Sends whole frames, behind the piece that is going out. A negated errno, -ENOBUFS where too much waits. */
int link_send(struct link *link, const struct buffer *frames);
/* Sends on: 0 once nothing of the piece is left, -EAGAIN, or a negated errno. */
int link_push(struct link *link, int64_t now_ns);
/* What the session says (PING and its kin): 1 it was taken; 0 it is no such frame; or a negated errno:
 * it is over. */
int link_take(struct link *link, const struct frame *frame);
int link_ping(struct link *link, int64_t now_ns);

#endif
