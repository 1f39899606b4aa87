/* The half of net/greeting.h that answers on a channel. */
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "net/channel.h"
#include "net/greeting.h"

static int send_and_done(struct channel *channel, struct buffer *buffer)
{
    int code =
        buffer->failed ? -ENOMEM : channel_send(channel, buffer->bytes, buffer->length);
    buffer_done(buffer);
    return code;
}

int refusal_send(struct channel *channel, uint64_t id, enum frame_error code, bool fatal,
                 uint32_t retry_after_ms, const char *sentence)
{
    const struct refusal refusal = {.id = id,
                                    .code = (uint16_t)code,
                                    .fatal = fatal,
                                    .retry_after_ms = retry_after_ms,
                                    .sentence = {sentence, (uint16_t)strlen(sentence)}};
    struct buffer buffer;
    buffer_init(&buffer, 0);
    refusal_encode(&buffer, &refusal);
    int sent = send_and_done(channel, &buffer);
    if (!fatal)
        return sent;
    int finished = channel_finish(channel);
    return sent ? sent : finished;
}

/* A peer that pings faster than it reads pongs fills its own bound, no more. */
static int answer_ping(struct channel *channel, const struct frame *frame)
{
    struct buffer buffer;
    if (frame->total > GREETING_PING_BYTES)
        return -EBADMSG;
    buffer_init(&buffer, 0);
    size_t begin = frame_begin(&buffer, FRAME_PONG, 0, frame->id);
    frame_put_bytes(&buffer, frame->body, frame->length);
    frame_end(&buffer, begin);
    int code = send_and_done(channel, &buffer);
    return code ? code : 1;
}

static int take_error(const struct frame *frame, struct refusal *ret_refusal)
{
    struct refusal refusal;
    int code = refusal_decode(frame, &refusal);
    if (code)
        return code;
    if (!refusal.fatal)
        return refusal.id ? 0 : 1;
    if (ret_refusal)
        *ret_refusal = refusal;
    return -ECONNABORTED;
}

static int take_bye(const struct frame *frame, struct refusal *ret_refusal)
{
    struct refusal refusal = {.fatal = true};
    int code = greeting_decode_bye(frame, &refusal.sentence);
    if (code)
        return code;
    if (ret_refusal)
        *ret_refusal = refusal;
    return -ESHUTDOWN;
}

int greeting_take(struct channel *channel, const struct frame *frame,
                  struct refusal *ret_refusal)
{
    switch (frame->type) {
    case FRAME_PING: return answer_ping(channel, frame);
    case FRAME_PONG: return 1;
    case FRAME_ERROR: return take_error(frame, ret_refusal);
    case FRAME_BYE: return take_bye(frame, ret_refusal);
    case FRAME_HELLO:
    case FRAME_WELCOME: return -EPROTO;
    default:
        return frame->type < FRAME_GROUP_TEXT ? greeting_take_unknown(channel, frame) : 0;
    }
}

int greeting_take_unknown(struct channel *channel, const struct frame *frame)
{
    if (frame->flags & FRAME_OPTIONAL)
        return 1;
    refusal_send(channel, frame->id, FRAME_ERROR_UNKNOWN_TYPE, true, 0,
                 "a frame of a type that this version does not know");
    return -EPROTO;
}
