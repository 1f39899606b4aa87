#include "text/protocol.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf.h"
#include "base/visible.h"

enum { FIXED_BYTES = 4 + 4 + 8 + 1 + 2 + 2 };

size_t text_message_bytes(const struct text_message *message)
{
    return FRAME_HEADER_BYTES + FIXED_BYTES + message->name_length + message->text_length;
}

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
    value = htobe16(value);
    memcpy(at, &value, 2);
    return at + 2;
}

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, 4);
    return at + 4;
}

static uint8_t *put_text(uint8_t *at, const char *text, uint16_t length)
{
    at = put_u16(at, length);
    memcpy(at, text, length);
    return at + length;
}

/* Into memory of the right size, without a buffer's growth and checks: it is done for every
 * message, once. */
void text_message_encode(const struct text_message *message, uint8_t *ret_bytes)
{
    const struct frame header = {
        .type = message->past ? TEXT_PAST : TEXT_MESSAGE,
        .flags = message->unkept ? TEXT_UNKEPT : 0,
        .id = message->seq,
        .total = (uint32_t)(text_message_bytes(message) - FRAME_HEADER_BYTES)};
    uint64_t time_ns = htobe64((uint64_t)message->time_ns);
    frame_encode_header(&header, ret_bytes);
    uint8_t *at = ret_bytes + FRAME_HEADER_BYTES;
    at = put_u32(at, message->room);
    at = put_u32(at, message->sender);
    memcpy(at, &time_ns, 8);
    at += 8;
    *at++ = message->kind;
    at = put_text(at, message->name, message->name_length);
    put_text(at, message->text, message->text_length);
}

int text_message_decode(const struct frame *frame, struct text_message *ret_message)
{
    struct frame_reader reader = frame_reader(frame);
    struct text_message message = {.past = frame->type == TEXT_PAST,
                                   .unkept = frame->flags & TEXT_UNKEPT,
                                   .seq = frame->id};
    message.room = frame_read_u32(&reader);
    message.sender = frame_read_u32(&reader);
    message.time_ns = (int64_t)frame_read_u64(&reader);
    message.kind = frame_read_u8(&reader);
    struct frame_text name = frame_read_text(&reader);
    struct frame_text text = frame_read_text(&reader);
    if (reader.failed)
        return -EBADMSG;
    message.name = name.bytes;
    message.name_length = name.length;
    message.text = text.bytes;
    message.text_length = text.length;
    *ret_message = message;
    return 0;
}

bool text_name_valid(const char *name, size_t length)
{
    char shown[TEXT_NAME_BYTES * 2];
    struct buffer visible;
    if (length == 0 || length > TEXT_NAME_BYTES || !utf8_valid(name, length))
        return false;
    if (name[0] == ' ' || name[length - 1] == ' ')
        return false;
    buffer_init_fixed(&visible, shown, sizeof shown);
    return visible_append(&visible, name, length) == 0 && visible.length == length &&
           memcmp(shown, name, length) == 0;
}
