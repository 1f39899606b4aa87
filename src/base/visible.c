#include "base/visible.h"

#include <stdbool.h>
#include <unictype.h>
#include <unistr.h>
#include <uniwidth.h>

#include "base/buffer.h"

/* Which characters could hide, move or turn what stands around them: all that Unicode
 * calls control, format, unassigned, private, surrogate, or a line's or paragraph's
 * separator. */
static bool shows_itself(ucs4_t character)
{
    if (character >= 0x20 && character < 0x7F)
        return true;
    return !uc_is_general_category_withtable(
        character, UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp);
}

static void append_named(struct buffer *buffer, ucs4_t character)
{
    if (character < 0x20 || character == 0x7F)
        buffer_append_format(buffer, "^%c", (int)(character ^ 0x40));
    else
        buffer_append_format(buffer, "<U+%04X>", (unsigned)character);
}

int visible_append(struct buffer *buffer, const void *text, size_t length)
{
    const uint8_t *bytes = text;
    /* Bytes before `at` that show themselves and are not appended yet. */
    size_t plain = 0;
    for (size_t at = 0; at < length;) {
        ucs4_t character;
        int taken = u8_mbtoucr(&character, bytes + at, length - at);
        if (taken > 0 && shows_itself(character)) {
            plain += taken;
            at += taken;
            continue;
        }
        buffer_append(buffer, bytes + at - plain, plain);
        plain = 0;
        if (taken > 0)
            append_named(buffer, character);
        else
            buffer_append_format(buffer, "<%02X>", bytes[at]);
        at += taken > 0 ? taken : 1;
    }
    if (plain == 0)
        return buffer->failed;
    return buffer_append(buffer, bytes + length - plain, plain);
}

/* Columns of one character; what libunistring calls a control (-1) takes none. */
static int columns_of(ucs4_t character)
{
    int columns = uc_width(character, "UTF-8");
    return columns > 0 ? columns : 0;
}

size_t visible_prefix(const char *utf8, size_t length, int columns)
{
    const uint8_t *bytes = (const uint8_t *)utf8;
    size_t at = 0;
    while (at < length) {
        ucs4_t character;
        int taken = u8_mbtouc(&character, bytes + at, length - at);
        columns -= columns_of(character);
        if (columns < 0)
            break;
        at += taken;
    }
    return at;
}

int visible_width(const char *utf8, size_t length)
{
    const uint8_t *bytes = (const uint8_t *)utf8;
    int columns = 0;
    for (size_t at = 0; at < length;) {
        ucs4_t character;
        at += u8_mbtouc(&character, bytes + at, length - at);
        columns += columns_of(character);
    }
    return columns;
}
