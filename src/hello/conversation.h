/* One conversation of the server: its phases, and what each does with what may happen.
 * Private to hello/. The server keeps the conversations, their deadlines and the wait. */
#ifndef WOSHOU_HELLO_CONVERSATION_H
#define WOSHOU_HELLO_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "hello/message.h"
#include "hello/server.h"
#include "net/stream.h"

/*   phase      bytes come       the peer finished  the peer is gone  time is over
 *   WAITING    HEARING or done  OVER               told, OVER        told, OVER
 *   HEARING    HEARING or done  done               handed on, told,  done
 *                                                  OVER
 *   DRAINING   left out         OVER               OVER              OVER
 *
 * Done: the string is complete. It is handed on; the conversation is OVER, or DRAINING
 * where the peer sends more than it should: closing with bytes unread would send a reset,
 * which can destroy what the peer has not read yet. */
enum conversation_phase {
    CONVERSATION_WAITING,  /* greeted; nothing came yet */
    CONVERSATION_HEARING,  /* a string has begun */
    CONVERSATION_DRAINING, /* shut for writing; what comes is left out until the peer
                              finishes */
    CONVERSATION_OVER      /* to be closed and freed by the server */
};
enum { CONVERSATION_TIMED_PHASES = 3 };

struct conversation {
    struct stream stream;
    struct message_reader reader;
    const struct hello_server_options *options;
    enum conversation_phase phase;
    bool told_more;   /* of what is left out, once */
    size_t drained;   /* bytes left out while DRAINING */
    int64_t since_ns; /* when the phase began; when the last bytes came, while HEARING */
    struct list_link link; /* in the server's queue of that phase */
};

/* A conversation without a connection, its event made beforehand so that accepting cannot
 * fail for it. A negated errno where there is no memory or descriptor. */
int conversation_new(const struct hello_server_options *options,
                     struct conversation **ret_conversation);
/* Closes it, whatever its phase. Accepts null, leaves null. */
void conversation_free(struct conversation **conversation);

/* Takes the accepted descriptor and sends the greeting. Afterwards WAITING, or OVER. */
void conversation_start(struct conversation *conversation, int fd,
                        const struct endpoint *peer, const struct buffer *greeting);

/* Its event is set: does what is to be done. True where the phase begins anew and must be
 * dated: another phase, or more bytes while HEARING. */
bool conversation_on_network(struct conversation *conversation);
/* Its phase has lasted as long as it may: over then, but where bytes wait to be read that
 * may be its string's. To be dated anew in any case. */
void conversation_on_time(struct conversation *conversation);

#endif
