#include "file/link.h"

#include <errno.h>

#include "base/error.h"
#include "file/protocol.h"
#include "net/greeting.h"

enum {
    LATER_BYTES = 8 << 20,  /* of frames that wait */
    UNSENT_BYTES = 16 << 20 /* answers of a whole manifest fit */
};

int link_init(struct link *link, struct channel *channel, int64_t now_ns)
{
    *link = (struct link){.heard_ns = now_ns, .moved_ns = now_ns};
    buffer_init(&link->later, LATER_BYTES);
    buffer_init(&link->out.piece, 0);
    list_init(&link->out.outstanding);
    link->out.next_id = 1;
    link->out.state = check_state_new();
    link->in.state = check_state_new();
    if (!link->out.state || !link->in.state) {
        check_state_free(&link->out.state);
        check_state_free(&link->in.state);
        return ERROR_MEMORY;
    }
    /* Its scratch buffer knows it by its address. */
    if (channel_stow(channel)) {
        check_state_free(&link->out.state);
        check_state_free(&link->in.state);
        return ERROR_MEMORY;
    }
    link->channel = *channel;
    *channel = (struct channel){0};
    link->channel.unsent_limit = UNSENT_BYTES;
    channel_stream(&link->channel, FILE_DATA, FILE_DATA_HEAD_BYTES);
    return 0;
}

void link_done(struct link *link)
{
    channel_close(&link->channel);
    check_state_free(&link->out.state);
    check_state_free(&link->in.state);
    buffer_done(&link->out.piece);
    buffer_done(&link->later);
}

int link_send(struct link *link, const struct buffer *frames)
{
    if (frames->failed)
        return -ENOMEM;
    if (link->out.sent == link->out.piece.length)
        return channel_send(&link->channel, frames->bytes, frames->length);
    return buffer_append(&link->later, frames->bytes, frames->length) ? -ENOBUFS : 0;
}

int link_push(struct link *link, int64_t now_ns)
{
    struct outflow *out = &link->out;
    while (out->sent < out->piece.length) {
        ssize_t sent = channel_write(&link->channel, out->piece.bytes + out->sent,
                                     out->piece.length - out->sent);
        if (sent < 0)
            return (int)sent;
        out->sent += (size_t)sent;
        link->moved_ns = now_ns;
    }
    buffer_clear(&out->piece);
    out->sent = 0;
    if (link->later.length == 0)
        return 0;
    int code = channel_send(&link->channel, link->later.bytes, link->later.length);
    buffer_done(&link->later);
    buffer_init(&link->later, LATER_BYTES);
    return code;
}

/* greeting_take would answer in the middle of a piece. */
static int answer_ping(struct link *link, const struct frame *frame)
{
    if (frame->total > GREETING_PING_BYTES)
        return -EBADMSG;
    struct buffer pong;
    char array[FRAME_HEADER_BYTES + GREETING_PING_BYTES + 1];
    buffer_init_fixed(&pong, array, sizeof array);
    size_t begin = frame_begin(&pong, FRAME_PONG, 0, frame->id);
    frame_put_bytes(&pong, frame->body, frame->length);
    frame_end(&pong, begin);
    int code = link_send(link, &pong);
    buffer_done(&pong);
    return code ? code : 1;
}

int link_take(struct link *link, const struct frame *frame)
{
    if (frame->type == FRAME_PING)
        return answer_ping(link, frame);
    if (frame->type >= FRAME_GROUP_FILE && frame->type < FRAME_GROUP_FILE + 0x100)
        return 0;
    return greeting_take(&link->channel, frame, NULL);
}

int link_ping(struct link *link, int64_t now_ns)
{
    struct buffer ping;
    char array[FRAME_HEADER_BYTES + GREETING_PING_BYTES + 1];
    buffer_init_fixed(&ping, array, sizeof array);
    greeting_encode_ping(&ping, "", 0);
    link->pinged_ns = now_ns;
    int code = link_send(link, &ping);
    buffer_done(&ping);
    return code;
}
