#include "draw/markup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/visible.h"

void markup_part(struct buffer *out, const char *text, size_t length)
{
    struct buffer shown;
    buffer_init(&shown, 0);
    visible_append(&shown, text, length);
    if (shown.failed && !out->failed)
        out->failed = shown.failed;
    for (const char *at = buffer_text(&shown); *at; at++) {
        switch (*at) {
        case '&': buffer_append_text(out, "&amp;"); break;
        case '<': buffer_append_text(out, "&lt;"); break;
        case '>': buffer_append_text(out, "&gt;"); break;
        case '"': buffer_append_text(out, "&quot;"); break;
        case '\'': buffer_append_text(out, "&#39;"); break;
        default: buffer_append_char(out, *at);
        }
    }
    buffer_done(&shown);
}

void markup_text(struct buffer *out, const char *text)
{
    markup_part(out, text, strlen(text));
}

/* A whole number of `parts` to one, with no zeros at the end. */
static void append_fixed(struct buffer *out, long number, long parts)
{
    if (number < 0)
        buffer_append_char(out, '-');
    number = labs(number);
    buffer_append_format(out, "%ld", number / parts);
    long rest = number % parts;
    if (rest)
        buffer_append_char(out, '.');
    for (parts /= 10; rest; rest %= parts, parts /= 10) {
        buffer_append_char(out, (char)('0' + rest / parts));
        if (parts == 1)
            break;
    }
}

void markup_number(struct buffer *out, double number)
{
    append_fixed(out, lround(number * 10), 10);
}

void markup_degrees(struct buffer *out, double radians)
{
    append_fixed(out, lround(radians * 18000 / 3.141592653589793), 100);
}

void markup_attribute(struct buffer *out, const char *name, double number)
{
    buffer_append_format(out, " %s=\"", name);
    markup_number(out, number);
    buffer_append_char(out, '"');
}
