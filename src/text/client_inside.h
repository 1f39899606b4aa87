/* The client's inside, shared by what connects and waits (client.c) and what speaks and hears
 * (client_frames.c). Private to text/. */
#ifndef WOSHOU_TEXT_CLIENT_INSIDE_H
#define WOSHOU_TEXT_CLIENT_INSIDE_H

#include "base/buffer.h"
#include "base/clock.h"
#include "text/client.h"
#include "text/connector.h"
#include "text/outbox.h"

#define CLIENT_RETRY_LEAST_NS (200 * NS_PER_MS) /* until the second try to connect */
enum {
    CLIENT_AHEAD_BYTES = 4 << 20, /* of messages that came before others they follow */
    CLIENT_SENTENCE_BYTES = 256
};

struct text_client {
    struct text_client_options options;
    struct connector connector;
    struct channel_scratch scratch;
    struct session session;
    bool connected, joined, joined_before;
    struct outbox outbox;
    uint32_t room, sender;
    uint64_t epoch;
    uint64_t seen; /* the highest number reported; see above */
    bool asking;   /* for what is between */
    bool overflow; /* of what came ahead, some was left out: it is asked for again */
    struct buffer ahead;
    int64_t lost_ns;  /* since when there is no connection */
    int64_t retry_ns; /* when it is tried again; 0: it is not to be */
    int64_t pause_ns; /* until the try after that */
    int64_t heard_ns;
    bool pinged;
    int refused; /* for good */
};

/* All return 0 or a negated errno. */

/* Sends the frames and is done with the buffer. */
int client_send(struct text_client *client, struct buffer *frames);
int client_send_join(struct text_client *client);
/* What was not sent over this connection yet, as far as it takes it. */
int client_send_outbox(struct text_client *client);
/* -ECONNABORTED: `ret_refusal` says why the server will not have it. */
int client_on_frame(struct text_client *client, const struct frame *frame,
                    struct refusal *ret_refusal);
/* Cuts it. */
void client_copy_sentence(const struct frame_text *text,
                          char ret_sentence[CLIENT_SENTENCE_BYTES]);

#endif
