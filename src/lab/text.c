#include "lab/text.h"

#include <stdio.h>
#include <string.h>

#include "lab/reader.h"

/* Lines of Chinese are joined without a blank. */
static bool joins_with_blank(char before, char after)
{
    return !((unsigned char)before & 0x80) && !((unsigned char)after & 0x80);
}

static void store(struct text_reading *reading, struct reader *reader, const char *more)
{
    const char *before = reading->text->in[reading->language];
    if (!before) {
        reading->text->in[reading->language] = more;
        return;
    }
    size_t length = strlen(before), added = strlen(more);
    char *whole = reader_alloc(reader, length + added + 2);
    if (!whole)
        return;
    bool blank = length && added && joins_with_blank(before[length - 1], more[0]);
    snprintf(whole, length + added + 2, "%s%s%s", before, blank ? " " : "", more);
    reading->text->in[reading->language] = whole;
}

void text_begin(struct text_reading *reading, struct reader *reader,
                struct lab_text *text)
{
    struct word word = reader_take(reader);
    if (word_is(word, "en:"))
        reading->language = LAB_ENGLISH;
    else if (word_is(word, "zh:"))
        reading->language = LAB_CHINESE;
    else
        reader_fail(reader, word, "en: or zh:");
    reading->text = text;
    if (text->in[reading->language])
        reader_fail_say(reader, word, "this text was given before");
    const char *first = reader_rest(reader);
    if (!reader->failed)
        store(reading, reader, first);
}

bool text_goes_on(struct text_reading *reading, struct reader *reader)
{
    if (!reader->indented) {
        reading->text = NULL;
        return false;
    }
    if (!reading->text)
        reader_fail(reader, reader_peek(reader),
                    "a line that begins at its left edge: only a text goes on below");
    else
        store(reading, reader, reader_rest(reader));
    return true;
}
