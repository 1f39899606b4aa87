#include "base/paragraph.h"

#include <stdlib.h>
#include <string.h>
#include <unilbrk.h>

#include "base/buffer.h"
#include "base/error.h"

/* The spaces before a break belong to the break. */
static size_t without_spaces(const char *line, size_t length)
{
    while (length > 0 && line[length - 1] == ' ')
        length--;
    return length;
}

int paragraph_append(struct buffer *buffer, const char *utf8, int columns, int indent)
{
    size_t length = strlen(utf8), line = 0;
    char *breaks = malloc(length + 1);
    if (!breaks) {
        buffer->failed = buffer->failed ? buffer->failed : ERROR_MEMORY;
        return buffer->failed;
    }
    u8_width_linebreaks((const uint8_t *)utf8, length, columns - indent, 0, 0, NULL,
                        "UTF-8", breaks);
    for (size_t at = 1; at <= length; at++) {
        if (at < length && breaks[at] != UC_BREAK_POSSIBLE &&
            breaks[at] != UC_BREAK_MANDATORY)
            continue;
        if (line > 0)
            buffer_append_repeated(buffer, ' ', (size_t)indent);
        buffer_append(buffer, utf8 + line, without_spaces(utf8 + line, at - line));
        buffer_append_char(buffer, '\n');
        line = at;
    }
    free(breaks);
    return buffer->failed;
}
