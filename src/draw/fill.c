#include "draw/fill.h"

#include <string.h>

#include "base/buffer.h"

/* The fill whose name stands at `text`, after an opening brace; or null. */
static const struct fill *fill_at(const char *text, const struct fill *fills,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(fills[i].name);
        if (!strncmp(text, fills[i].name, length) && text[length] == '}')
            return &fills[i];
    }
    return NULL;
}

void fill_append(struct buffer *buffer, const char *phrase, const struct fill *fills,
                 size_t count)
{
    while (*phrase) {
        const struct fill *fill =
            *phrase == '{' ? fill_at(phrase + 1, fills, count) : NULL;
        if (fill) {
            buffer_append_text(buffer, fill->value);
            phrase += strlen(fill->name) + 2;
        } else {
            size_t plain = 1 + strcspn(phrase + 1, "{");
            buffer_append(buffer, phrase, plain);
            phrase += plain;
        }
    }
}
