#include "file/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/utf.h"

static bool is_control(ucs4_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

static bool turns_direction(ucs4_t c)
{
    return c == 0x200e || c == 0x200f || c == 0x061c || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* What is wrong with one character; null: nothing. */
static const char *fault_of(ucs4_t c)
{
    if (c == '/' || c == '\\')
        return "a separator";
    if (is_control(c))
        return "a control character";
    return turns_direction(c) ? "a character that turns the direction of reading" : NULL;
}

int name_check(const char *bytes, size_t length, struct error *err)
{
    if (length == 0)
        return error_set(err, ERROR_ARGUMENT, "an empty name");
    if (length > NAME_BYTES)
        return error_set(err, ERROR_ARGUMENT, "a name of %zu bytes, at most %d", length,
                         NAME_BYTES);
    if (!utf8_valid(bytes, length))
        return error_set(err, ERROR_ARGUMENT, "the name '%.*s' is not UTF-8", (int)length,
                         bytes);
    if ((length == 1 && bytes[0] == '.') || (length == 2 && memcmp(bytes, "..", 2) == 0))
        return error_set(err, ERROR_ARGUMENT, "'%.*s' names no file", (int)length, bytes);
    const uint8_t *at = (const uint8_t *)bytes, *end = at + length;
    while (at < end) {
        ucs4_t c;
        at += u8_mbtouc(&c, at, (size_t)(end - at));
        const char *fault = fault_of(c);
        if (fault)
            return error_set(err, ERROR_ARGUMENT, "the name '%.*s' holds %s", (int)length,
                             bytes, fault);
    }
    return 0;
}

int name_fold(const char *bytes, size_t length, struct buffer *ret_folded)
{
    uint8_t array[3 * NAME_BYTES]; /* NFC is at most three times as long in UTF-8 */
    size_t folded_length = sizeof array;
    uint8_t *folded =
        u8_normalize(UNINORM_NFC, (const uint8_t *)bytes, length, array, &folded_length);
    if (!folded)
        return ERROR_MEMORY;
    int code = buffer_append(ret_folded, folded, folded_length);
    if (folded != array)
        free(folded);
    return code;
}
