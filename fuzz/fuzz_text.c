/* Any bytes as a message of a room, as a window of numbers, and as words to index and to search for. What
 * must hold: a message that is read is written to the same bytes again, as far as its fields go; a window
 * comes back; what FTS5 is asked is well-formed UTF-8 with its quotes in pairs. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf.h"
#include "history/window.h"
#include "history/words.h"
#include "text/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_message(const uint8_t *bytes, size_t length)
{
    struct frame frame;
    struct text_message message;
    size_t whole;
    if (frame_decode(bytes, length, FRAME_BODY_BYTES, &frame, &whole) != 1 ||
        (frame.type != TEXT_MESSAGE && frame.type != TEXT_PAST) ||
        text_message_decode(&frame, &message))
        return;
    require(utf8_valid(message.name, message.name_length));
    require(utf8_valid(message.text, message.text_length));
    size_t again_length = text_message_bytes(&message);
    require(again_length <= whole);
    uint8_t *again = malloc(again_length);
    require(again != NULL);
    text_message_encode(&message, again);
    require(memcmp(again + FRAME_HEADER_BYTES, bytes + FRAME_HEADER_BYTES,
                   again_length - FRAME_HEADER_BYTES) == 0);
    free(again);
    (void)text_name_valid(message.name, message.name_length);
}

static void check_window(const uint8_t *bytes, size_t length)
{
    struct window window;
    uint8_t again[WINDOW_BYTES];
    if (length < WINDOW_BYTES + 8 || window_decode(bytes, WINDOW_BYTES, &window))
        return;
    window_encode(&window, again);
    require(memcmp(again, bytes, WINDOW_BYTES) == 0);
    uint64_t number;
    memcpy(&number, bytes + WINDOW_BYTES, 8);
    if (number && window_look(&window, number) == WINDOW_NEW) {
        window_note(&window, number);
        require(window_look(&window, number) == WINDOW_KNOWN);
    }
}

static void check_words(const uint8_t *bytes, size_t length)
{
    struct buffer spread, query;
    if (!utf8_valid(bytes, length) || memchr(bytes, 0, length))
        return;
    char *text = calloc(1, length + 1);
    require(text != NULL);
    memcpy(text, bytes, length);
    buffer_init(&spread, 0);
    buffer_init(&query, 0);
    require(words_spread(&spread, text, length) == 0);
    require(utf8_valid(buffer_text(&spread), spread.length));
    if (words_query(&query, text) == 0) {
        size_t quotes = 0;
        for (size_t i = 0; i < query.length; i++)
            quotes += query.bytes[i] == '"';
        require(quotes % 2 == 0 && utf8_valid(buffer_text(&query), query.length));
    }
    buffer_done(&spread);
    buffer_done(&query);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    check_message(bytes, length);
    check_window(bytes, length);
    check_words(bytes, length);
    return 0;
}
