#include "history/words.h"

#include <stdbool.h>
#include <string.h>
#include <unistr.h>

#include "base/buffer.h"
#include "base/error.h"

static bool stands_alone(ucs4_t c)
{
    return (c >= 0x2e80 && c <= 0x2fff) || /* radicals */
           (c >= 0x3040 && c <= 0x30ff) || /* kana */
           (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) ||
           (c >= 0xac00 && c <= 0xd7a3) || /* Hangul */
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

int words_spread(struct buffer *buffer, const char *text, size_t length)
{
    size_t plain = 0; /* where what was not appended yet begins */
    for (size_t at = 0; at < length;) {
        ucs4_t c;
        int bytes = u8_mbtouc(&c, (const uint8_t *)text + at, length - at);
        if (stands_alone(c)) {
            buffer_append(buffer, text + plain, at - plain);
            buffer_append_char(buffer, ' ');
            buffer_append(buffer, text + at, (size_t)bytes);
            buffer_append_char(buffer, ' ');
            plain = at + (size_t)bytes;
        }
        at += (size_t)bytes;
    }
    return buffer_append(buffer, text + plain, length - plain);
}

static void add_phrase(struct buffer *buffer, const char *word, size_t length)
{
    bool begins = word[length - 1] == '*' && length > 1;
    struct buffer spread;
    buffer_init(&spread, 0);
    words_spread(&spread, word, begins ? length - 1 : length);
    if (spread.failed)
        buffer->failed = spread.failed;
    /* The space behind a last character would end the phrase before the star. */
    while (spread.length && spread.bytes[spread.length - 1] == ' ')
        spread.length--;
    buffer_append_char(buffer, '"');
    for (size_t i = 0; i < spread.length; i++) {
        if (spread.bytes[i] == '"')
            buffer_append_char(buffer, '"');
        buffer_append_char(buffer, spread.bytes[i]);
    }
    buffer_append_text(buffer, begins ? "\"* " : "\" ");
    buffer_done(&spread);
}

int words_query(struct buffer *buffer, const char *search)
{
    static const char spaces[] = " \t\r\n";
    bool any = false;
    for (const char *at = search + strspn(search, spaces); *at;) {
        size_t length = strcspn(at, spaces);
        add_phrase(buffer, at, length);
        any = true;
        at += length;
        at += strspn(at, spaces);
    }
    return any ? buffer->failed : ERROR_ARGUMENT;
}
