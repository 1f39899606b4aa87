/* A transfer: its links, and the engine that sends or receives over them. What a server's loop and a
 * client's do alike. */
#ifndef WOSHOU_FILE_TRANSFER_H
#define WOSHOU_FILE_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "file/link.h"
#include "file/protocol.h"
#include "file/receiving.h"
#include "file/sending.h"
#include "net/greeting.h"

struct transfer {
    struct list_link place; /* among those of a loop */
    uint8_t id[FILE_ID_BYTES];
    uint8_t client_id[GREETING_CLIENT_ID_BYTES]; /* at a server: whose links may join */
    struct list links;
    unsigned link_count;
    struct sending *sending; /* one of the two is null */
    struct receiving *receiving;
    bool stirred; /* there is work that links which have nothing to do do not know of */
};

/* Takes one of the two engines. */
void transfer_init(struct transfer *transfer, const uint8_t id[FILE_ID_BYTES],
                   struct sending *sending, struct receiving *receiving);
/* Its links were detached. */
void transfer_done(struct transfer *transfer);
/* The first link is the control connection's. */
void transfer_attach(struct transfer *transfer, struct link *link);
void transfer_detach(struct transfer *transfer, struct link *link);

/* Receives and sends on a link for a while: 1, come back without an event; 0, the link's event will tell;
 * or why the link is over: -EBADMSG, it spoke nonsense, and what channel_next and greeting_take say. Then
 * detach it. */
int transfer_serve(struct transfer *transfer, struct link *link,
                   struct channel_scratch *scratch, int64_t now_ns);
bool transfer_is_over(const struct transfer *transfer);
struct tally transfer_tally(const struct transfer *transfer);

#endif
