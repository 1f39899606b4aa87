/* Any bytes, as frames one behind the other, each read as every session frame and by a
 * list of field readers that its own bytes choose. What must hold: a frame lies within
 * the bytes, a length is never beyond the limit, a reader that failed stays failed and
 * gives nothing, texts are UTF-8 without a zero, and what was decoded is encoded to bytes
 * that decode to the same. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf.h"
#include "net/greeting.h"

enum { LIMIT = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(struct frame_text text)
{
    require(text.bytes != NULL);
    require(utf8_valid(text.bytes, text.length) && !memchr(text.bytes, 0, text.length));
}

static bool same_text(struct frame_text a, struct frame_text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* What was encoded into the buffer, as a frame. */
static struct frame encoded(const struct buffer *buffer)
{
    struct frame frame;
    size_t needed;
    require(!buffer->failed);
    require(frame_decode(buffer->bytes, buffer->length, FRAME_BODY_BYTES, &frame,
                         &needed) == 1);
    require(needed == buffer->length);
    return frame;
}

static void read_greeting(const struct frame *frame)
{
    struct greeting greeting, again;
    struct buffer buffer;
    if (greeting_decode(frame, &greeting))
        return;
    check_text(greeting.name);
    check_text(greeting.token);
    buffer_init(&buffer, 0);
    greeting_encode(&buffer, &greeting);
    const struct frame copy = encoded(&buffer);
    require(greeting_decode(&copy, &again) == 0);
    require(same_text(greeting.name, again.name) &&
            same_text(greeting.token, again.token));
    require(greeting.lowest == again.lowest && greeting.highest == again.highest);
    require(greeting.features == again.features && greeting.business == again.business);
    require(memcmp(greeting.client_id, again.client_id, sizeof again.client_id) == 0);
    buffer_done(&buffer);
}

static void read_welcome(const struct frame *frame)
{
    struct welcome welcome, again;
    struct buffer buffer;
    if (welcome_decode(frame, &welcome))
        return;
    check_text(welcome.server);
    check_text(welcome.name);
    buffer_init(&buffer, 0);
    welcome_encode(&buffer, &welcome);
    const struct frame copy = encoded(&buffer);
    require(welcome_decode(&copy, &again) == 0);
    require(same_text(welcome.server, again.server) &&
            same_text(welcome.name, again.name));
    require(welcome.body_limit == again.body_limit);
    buffer_done(&buffer);
}

static void read_refusal(const struct frame *frame)
{
    struct refusal refusal, again;
    struct frame_text reason;
    struct buffer buffer;
    if (greeting_decode_bye(frame, &reason) == 0)
        check_text(reason);
    if (refusal_decode(frame, &refusal))
        return;
    check_text(refusal.sentence);
    buffer_init(&buffer, 0);
    refusal_encode(&buffer, &refusal);
    const struct frame copy = encoded(&buffer);
    require(refusal_decode(&copy, &again) == 0);
    require(same_text(refusal.sentence, again.sentence));
    require(refusal.code == again.code && refusal.fatal == again.fatal &&
            refusal.id == again.id);
    buffer_done(&buffer);
}

/* The id's bytes choose which fields. */
static void read_fields(const struct frame *frame)
{
    struct frame_reader reader = frame_reader(frame);
    for (uint64_t choice = frame->id; choice; choice /= 8) {
        bool failed = reader.failed;
        const uint8_t *at = reader.at;
        uint64_t value = 0;
        size_t length = 0;
        switch (choice % 8) {
        case 0: value = frame_read_u8(&reader); break;
        case 1: value = frame_read_u16(&reader); break;
        case 2: value = frame_read_u32(&reader); break;
        case 3: value = frame_read_u64(&reader); break;
        case 4: {
            struct frame_text text = frame_read_text(&reader);
            check_text(text);
            length = text.length;
            break;
        }
        case 5: {
            struct frame_blob blob = frame_read_blob(&reader);
            require(blob.bytes != NULL);
            length = blob.length;
            break;
        }
        case 6: length = frame_read_bytes(&reader, 3) ? 3 : 0; break;
        default: length = frame_read_rest(&reader).length;
        }
        require(reader.at >= at && reader.at <= reader.end);
        require(length <= frame->length);
        require(!failed ||
                (reader.failed && value == 0 && length == 0 && reader.at == at));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    /* A copy of its own, so that a read past its end is one past an allocation's. */
    uint8_t *copy = malloc(length + 1), *at = copy + 1;
    require(copy != NULL);
    memcpy(at, bytes, length);
    for (;;) {
        struct frame frame = {0};
        uint8_t header[FRAME_HEADER_BYTES];
        size_t needed = 0;
        int code = frame_decode(at, length, LIMIT, &frame, &needed);
        require(code == 1 || code == 0 || code == -EMSGSIZE);
        if (code != 1) {
            require(code != 0 ||
                    (needed > length && needed <= FRAME_HEADER_BYTES + LIMIT));
            break;
        }
        require(needed == FRAME_HEADER_BYTES + frame.length && needed <= length);
        require(frame.total == frame.length && frame.total <= LIMIT && frame.offset == 0);
        frame_encode_header(&frame, header);
        require(memcmp(header, at, sizeof header) == 0);
        read_greeting(&frame);
        read_welcome(&frame);
        read_refusal(&frame);
        read_fields(&frame);
        at += needed;
        length -= needed;
    }
    free(copy);
    return 0;
}
