#include "base/utf.h"

#include <string.h>
#include <unistr.h>

#include "base/buffer.h"
#include "base/error.h"

static const ucs4_t replacement = 0xFFFD;

/* How many bytes from the beginning are ASCII, eight at a time: most texts are nothing else, and it
 * is asked of every message. */
static size_t ascii_prefix(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    for (uint64_t eight; at + sizeof eight <= length; at += sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    return at;
}

bool utf8_valid(const void *bytes, size_t length)
{
    size_t ascii = ascii_prefix(bytes, length);
    return u8_check((const uint8_t *)bytes + ascii, length - ascii) == NULL;
}

/* Code units that well-formed UTF-8 takes in UTF-16. */
static size_t utf16_units(const uint8_t *utf8, size_t length)
{
    size_t units = 0;
    for (size_t at = 0; at < length;) {
        ucs4_t character;
        at += u8_mbtouc_unsafe(&character, utf8 + at, length - at);
        units += character >= 0x10000 ? 2 : 1;
    }
    return units;
}

static void put_unit(struct buffer *buffer, uint16_t unit)
{
    const char bytes[2] = {(char)(unit & 0xFF), (char)(unit >> 8)};
    buffer_append(buffer, bytes, sizeof bytes);
}

int utf8_to_utf16le(const void *utf8, size_t length, struct buffer *ret_utf16le,
                    struct error *err)
{
    if (!utf8_valid(utf8, length))
        return error_set(err, ERROR_CORRUPT, "the text is not well-formed UTF-8");
    const uint8_t *bytes = utf8;
    int code = buffer_reserve(ret_utf16le, 2 * utf16_units(bytes, length));
    if (code)
        return error_set(err, code, "the text is too long");
    for (size_t at = 0; at < length;) {
        ucs4_t character;
        uint16_t units[2];
        at += u8_mbtouc_unsafe(&character, bytes + at, length - at);
        int count = u16_uctomb(units, character, 2);
        for (int i = 0; i < count; i++)
            put_unit(ret_utf16le, units[i]);
    }
    return 0;
}

static uint16_t unit_at(const uint8_t *bytes, size_t at)
{
    return (uint16_t)(bytes[at] | bytes[at + 1] << 8);
}

int utf16le_to_utf8(const void *utf16le, size_t length, struct buffer *ret_utf8,
                    struct utf16_faults *ret_faults)
{
    const uint8_t *bytes = utf16le;
    struct utf16_faults faults = {.odd_byte = length % 2 == 1};
    length -= length % 2;
    for (size_t at = 0; at < length && !ret_utf8->failed;) {
        uint16_t units[2] = {unit_at(bytes, at), 0};
        size_t count = 1;
        if (length - at >= 4)
            units[count++] = unit_at(bytes, at + 2);
        ucs4_t character;
        int taken = u16_mbtoucr(&character, units, count);
        if (taken < 0) {
            faults.lone_surrogates++;
            character = replacement;
            taken = 1;
        }
        uint8_t utf8[6];
        buffer_append(ret_utf8, utf8, u8_uctomb(utf8, character, sizeof utf8));
        at += taken == 2 ? 4 : 2;
    }
    if (ret_utf8->failed)
        return ret_utf8->failed;
    *ret_faults = faults;
    return 0;
}
