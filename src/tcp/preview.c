#include "tcp/preview.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf.h"
#include "base/visible.h"
#include "capture/decode.h"

enum {
    LOOK = 64,      /* bytes looked at: more than any preview shows */
    CJK_ENOUGH = 8, /* characters: so many in a row do not fall out of binary data */
};

/* Bytes at the end that begin a UTF-8 character and do not finish it. */
static size_t unfinished(const uint8_t *bytes, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        uint8_t byte = bytes[length - back];
        if ((byte & 0xc0) == 0x80)
            continue;
        size_t needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return needs > back ? back : 0;
    }
    return 0;
}

static bool ends_lines(unsigned character)
{
    return character == '\t' || character == '\n' || character == '\r';
}

/* Whether UTF-8 is text rather than numbers that happen to be below 128: mostly no
 * control characters, and no zero. */
static bool looks_like_utf8_text(const uint8_t *bytes, size_t length)
{
    size_t controls = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == 0)
            return false;
        controls += bytes[i] < 0x20 && !ends_lines(bytes[i]);
    }
    return controls * 2 <= length;
}

static uint16_t unit_at(const uint8_t *bytes, size_t at)
{
    return (uint16_t)(bytes[at] | bytes[at + 1] << 8);
}

static bool is_cjk(uint16_t unit)
{
    return (unit >= 0x3000 && unit < 0xa000) || (unit >= 0xac00 && unit < 0xd800) ||
           (unit >= 0xff00 && unit < 0xfff0);
}

/* Half of a pair that is an emoji, or any pair's second half. */
static bool is_of_pair(uint16_t unit)
{
    return (unit >= 0xd83c && unit <= 0xd83e) || (unit >= 0xdc00 && unit < 0xe000);
}

/* Two random bytes are some character more often than not. Text has a character of ASCII
 * or its final zero somewhere, or is Chinese, Japanese or Korean throughout; and nothing
 * that texts seldom hold. */
static bool looks_like_utf16_text(const uint8_t *bytes, size_t length)
{
    size_t ascii = 0, cjk = 0, units = length / 2;
    for (size_t at = 0; at + 1 < length; at += 2) {
        uint16_t unit = unit_at(bytes, at);
        bool final_zero = unit == 0 && at + 2 == length;
        if (unit < 0x20 && unit != 0x1b && !ends_lines(unit) && !final_zero)
            return false;
        if (unit >= 0x3000 && !is_cjk(unit) && !is_of_pair(unit))
            return false;
        ascii += unit < 0x7f;
        cjk += is_cjk(unit);
    }
    return ascii > 0 || (cjk == units && units >= CJK_ENOUGH);
}

/* Decodes into `utf8`; whether it is text. `more`: the payload goes on behind `length`. */
static bool read_text(const uint8_t *bytes, size_t length, bool more, struct buffer *utf8)
{
    size_t whole = length - (more ? unfinished(bytes, length) : 0);
    if (utf8_valid(bytes, whole) && looks_like_utf8_text(bytes, whole)) {
        while (whole > 0 && (bytes[whole - 1] == '\n' || bytes[whole - 1] == '\r'))
            whole--;
        return buffer_append(utf8, bytes, whole) == 0;
    }
    /* Where the rest was not captured, a last odd byte is half a unit. */
    if (more) {
        length -= length % 2;
        if (length >= 2 && (unit_at(bytes, length - 2) & 0xfc00) == 0xd800)
            length -= 2; /* half a pair */
    }
    struct utf16_faults faults = {0};
    if (length == 0 || length % 2 || !looks_like_utf16_text(bytes, length))
        return false;
    if (unit_at(bytes, length - 2) == 0)
        length -= 2;
    return utf16le_to_utf8(bytes, length, utf8, &faults) == 0 && !faults.lone_surrogates;
}

static void copy_shortened(const struct buffer *shown, char *text, size_t size)
{
    static const char ellipsis[] = "…";
    size_t room = size - 1;
    if (shown->length <= room) {
        memcpy(text, buffer_text(shown), shown->length + 1);
        return;
    }
    size_t cut = room - (sizeof ellipsis - 1);
    while (cut > 0 && ((unsigned char)shown->bytes[cut] & 0xc0) == 0x80)
        cut--;
    memcpy(text, shown->bytes, cut);
    memcpy(text + cut, ellipsis, sizeof ellipsis);
}

void preview_payload(const struct segment *segment, char *text, size_t size)
{
    size_t length = segment->payload_captured < LOOK ? segment->payload_captured : LOOK;
    char decoded[4 * LOOK], visible[8 * LOOK];
    struct buffer utf8, shown;

    text[0] = '\0';
    if (length == 0)
        return;
    buffer_init_fixed(&utf8, decoded, sizeof decoded);
    buffer_init_fixed(&shown, visible, sizeof visible);
    if (!read_text(segment->payload, length, segment->payload_bytes > length, &utf8) ||
        visible_append(&shown, utf8.bytes, utf8.length))
        return;
    copy_shortened(&shown, text, size);
}
