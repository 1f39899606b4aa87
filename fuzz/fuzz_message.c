/* Any bytes, in pieces of any size, as messages of the article's conversation. What must hold:
 * every byte is taken once, what comes out is UTF-8 of bounded length, and a string without
 * faults that ended with its zero is encoded to the very bytes it was read from. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf.h"
#include "hello/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_string(const struct buffer *utf8, const struct message_faults *faults,
                         const uint8_t *bytes, size_t length)
{
    require(utf8_valid(buffer_text(utf8), utf8->length));
    require(utf8->length <= MESSAGE_BYTES / 2 * 3);
    bool ended =
        length >= 2 && length % 2 == 0 && !bytes[length - 1] && !bytes[length - 2];
    if (message_faulty(faults) || !ended)
        return;
    struct buffer again;
    buffer_init(&again, 0);
    require(message_encode(buffer_text(utf8), utf8->length, &again, NULL) == 0);
    require(again.length == length && memcmp(again.bytes, bytes, length) == 0);
    buffer_done(&again);
}

static void finish(struct message_reader *reader, const uint8_t *bytes, size_t length)
{
    struct buffer utf8, sentence;
    struct message_faults faults;
    char array[256];
    buffer_init(&utf8, 0);
    require(message_reader_finish(reader, &utf8, &faults) == 0);
    check_string(&utf8, &faults, bytes, length);
    buffer_init_fixed(&sentence, array, sizeof array);
    message_describe(&faults, MESSAGE_BYTES, &sentence);
    require(!sentence.failed && (sentence.length > 0) == message_faulty(&faults));
    buffer_done(&utf8);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct message_reader reader;
    if (length == 0)
        return 0;
    size_t piece = (size_t)bytes[0] + 1, begin = 1, at = 1;
    message_reader_init(&reader, MESSAGE_BYTES);
    while (at < length) {
        size_t taken = SIZE_MAX, offered = length - at < piece ? length - at : piece;
        require(message_reader_take(&reader, bytes + at, offered, &taken) == 0);
        require(taken > 0 && taken <= offered);
        at += taken;
        require(at - begin <= MESSAGE_BYTES);
        require(reader.complete || taken == offered);
        if (reader.complete) {
            finish(&reader, bytes + begin, at - begin);
            begin = at;
        }
    }
    finish(&reader, bytes + begin, at - begin);
    message_reader_done(&reader);
    return 0;
}
