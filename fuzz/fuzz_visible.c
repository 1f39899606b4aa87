/* Any bytes, made visible. What must hold: the result is UTF-8 without a control character,
 * showing it again changes nothing, and its widths and prefixes agree. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf.h"
#include "base/visible.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_harmless(const struct buffer *shown)
{
    require(utf8_valid(buffer_text(shown), shown->length));
    for (size_t at = 0; at < shown->length; at++) {
        unsigned char byte = (unsigned char)shown->bytes[at];
        require(byte >= 0x20 && byte != 0x7F);
        bool c1 = byte == 0xC2 && (unsigned char)shown->bytes[at + 1] < 0xA0;
        require(!c1);
    }
}

static void check_again(const struct buffer *shown)
{
    struct buffer again;
    buffer_init(&again, 0);
    require(visible_append(&again, buffer_text(shown), shown->length) == 0);
    require(again.length == shown->length);
    require(memcmp(buffer_text(&again), buffer_text(shown), shown->length) == 0);
    buffer_done(&again);
}

static void check_prefixes(const struct buffer *shown)
{
    const char *text = buffer_text(shown);
    int width = visible_width(text, shown->length);
    require(visible_prefix(text, shown->length, width) == shown->length);
    for (int columns = 0; columns < width && columns < 64; columns++) {
        size_t prefix = visible_prefix(text, shown->length, columns);
        require(prefix < shown->length && utf8_valid(text, prefix));
        require(visible_width(text, prefix) <= columns);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct buffer shown;
    buffer_init(&shown, 0);
    require(visible_append(&shown, bytes, length) == 0);
    require(shown.length >= length);
    check_harmless(&shown);
    check_again(&shown);
    check_prefixes(&shown);
    buffer_done(&shown);
    return 0;
}
