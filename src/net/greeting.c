#include "net/greeting.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"

static void put_text(struct buffer *buffer, const struct frame_text *text)
{
    frame_put_text(buffer, text->bytes, text->length);
}

static struct frame_text text_of(const char *text)
{
    size_t length = strlen(text);
    return (struct frame_text){text,
                               (uint16_t)(length < UINT16_MAX ? length : UINT16_MAX)};
}

/* --- HELLO --- */

void greeting_encode(struct buffer *buffer, const struct greeting *greeting)
{
    size_t begin = frame_begin(buffer, FRAME_HELLO, 0, 0);
    frame_put_u32(buffer, GREETING_MAGIC);
    frame_put_u16(buffer, greeting->lowest);
    frame_put_u16(buffer, greeting->highest);
    frame_put_u8(buffer, greeting->business);
    frame_put_u8(buffer, 0);
    frame_put_u32(buffer, greeting->features);
    frame_put_bytes(buffer, greeting->client_id, sizeof greeting->client_id);
    put_text(buffer, &greeting->name);
    put_text(buffer, &greeting->token);
    frame_end(buffer, begin);
}

int greeting_decode(const struct frame *frame, struct greeting *ret_greeting)
{
    struct frame_reader reader = frame_reader(frame);
    struct greeting greeting = {0};
    if (frame->type != FRAME_HELLO || frame_read_u32(&reader) != GREETING_MAGIC)
        return -EBADMSG;
    greeting.lowest = frame_read_u16(&reader);
    greeting.highest = frame_read_u16(&reader);
    greeting.business = frame_read_u8(&reader);
    frame_read_u8(&reader);
    greeting.features = frame_read_u32(&reader);
    const uint8_t *id = frame_read_bytes(&reader, sizeof greeting.client_id);
    if (id)
        memcpy(greeting.client_id, id, sizeof greeting.client_id);
    greeting.name = frame_read_text(&reader);
    greeting.token = frame_read_text(&reader);
    if (reader.failed || greeting.name.length > GREETING_NAME_BYTES ||
        greeting.token.length > GREETING_TOKEN_BYTES)
        return -EBADMSG;
    *ret_greeting = greeting;
    return 0;
}

unsigned greeting_version(const struct greeting *greeting)
{
    bool spoken =
        greeting->lowest <= GREETING_VERSION && GREETING_VERSION <= greeting->highest;
    return spoken ? GREETING_VERSION : 0;
}

/* --- WELCOME --- */

void welcome_encode(struct buffer *buffer, const struct welcome *welcome)
{
    size_t begin = frame_begin(buffer, FRAME_WELCOME, 0, 0);
    frame_put_u16(buffer, welcome->version);
    frame_put_u32(buffer, welcome->features);
    frame_put_u32(buffer, welcome->body_limit);
    frame_put_u32(buffer, welcome->heartbeat_ms);
    put_text(buffer, &welcome->server);
    put_text(buffer, &welcome->name);
    frame_end(buffer, begin);
}

int welcome_decode(const struct frame *frame, struct welcome *ret_welcome)
{
    struct frame_reader reader = frame_reader(frame);
    struct welcome welcome = {0};
    if (frame->type != FRAME_WELCOME)
        return -EBADMSG;
    welcome.version = frame_read_u16(&reader);
    welcome.features = frame_read_u32(&reader);
    welcome.body_limit = frame_read_u32(&reader);
    welcome.heartbeat_ms = frame_read_u32(&reader);
    welcome.server = frame_read_text(&reader);
    welcome.name = frame_read_text(&reader);
    if (reader.failed || welcome.server.length > GREETING_NAME_BYTES ||
        welcome.name.length > GREETING_NAME_BYTES)
        return -EBADMSG;
    *ret_welcome = welcome;
    return 0;
}

/* --- ERROR --- */

void refusal_encode(struct buffer *buffer, const struct refusal *refusal)
{
    size_t begin =
        frame_begin(buffer, FRAME_ERROR, refusal->fatal ? FRAME_FATAL : 0, refusal->id);
    frame_put_u16(buffer, refusal->code);
    frame_put_u32(buffer, refusal->retry_after_ms);
    put_text(buffer, &refusal->sentence);
    frame_end(buffer, begin);
}

int refusal_decode(const struct frame *frame, struct refusal *ret_refusal)
{
    struct frame_reader reader = frame_reader(frame);
    struct refusal refusal = {.id = frame->id, .fatal = frame->flags & FRAME_FATAL};
    if (frame->type != FRAME_ERROR)
        return -EBADMSG;
    refusal.code = frame_read_u16(&reader);
    refusal.retry_after_ms = frame_read_u32(&reader);
    refusal.sentence = frame_read_text(&reader);
    if (reader.failed)
        return -EBADMSG;
    *ret_refusal = refusal;
    return 0;
}

/* --- The rest --- */

void greeting_encode_ping(struct buffer *buffer, const void *body, size_t length)
{
    size_t begin = frame_begin(buffer, FRAME_PING, 0, 0);
    frame_put_bytes(buffer, body, length);
    frame_end(buffer, begin);
}

void greeting_encode_bye(struct buffer *buffer, const char *reason)
{
    const struct frame_text text = text_of(reason);
    size_t begin = frame_begin(buffer, FRAME_BYE, 0, 0);
    put_text(buffer, &text);
    frame_end(buffer, begin);
}

int greeting_decode_bye(const struct frame *frame, struct frame_text *ret_reason)
{
    struct frame_reader reader = frame_reader(frame);
    struct frame_text reason = frame_read_text(&reader);
    if (frame->type != FRAME_BYE || reader.failed)
        return -EBADMSG;
    *ret_reason = reason;
    return 0;
}
