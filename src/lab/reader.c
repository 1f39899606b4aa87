#include "lab/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* --- Going wrong --- */

/* Characters from the line's beginning, from 1: bytes that continue one are none. */
static int column_of(const struct reader *reader, const char *at)
{
    const char *begin = reader->line;
    int column = 1;
    while (begin > reader->text && begin[-1] != '\n')
        begin--;
    for (const char *c = begin; c < at; c++)
        column += ((unsigned char)*c & 0xC0) != 0x80;
    return column;
}

void reader_fail_say(struct reader *reader, struct word at, const char *format, ...)
{
    char sentence[200];
    va_list arguments;
    if (reader->failed)
        return;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    reader->failed = error_set(
        reader->err, ERROR_CORRUPT, "%s:%d:%d: %s", reader->name, reader->number,
        column_of(reader, at.at ? at.at : reader->line_end), sentence);
}

void reader_fail(struct reader *reader, struct word at, const char *expected)
{
    if (!at.at)
        reader_fail_say(reader, at, "expected %s, not the line's end", expected);
    else
        reader_fail_say(reader, at, "expected %s, not '%.*s'", expected,
                        at.length > 40 ? 40 : (int)at.length, at.at);
}

void *reader_alloc(struct reader *reader, size_t size)
{
    void *memory = arena_alloc(reader->arena, size);
    if (!memory && !reader->failed)
        reader->failed = error_set(reader->err, ERROR_MEMORY, "no memory for a script");
    return memory;
}

/* --- Lines and words --- */

void reader_begin(struct reader *reader, const char *name, const char *text,
                  size_t length, struct arena *arena, struct error *err)
{
    *reader = (struct reader){.name = name,
                              .text = text,
                              .end = text + length,
                              .next = text,
                              .line = text,
                              .line_end = text,
                              .at = text,
                              .arena = arena,
                              .err = err};
}

bool reader_next_line(struct reader *reader)
{
    while (!reader->failed && reader->next < reader->end) {
        const char *begin = reader->next;
        const char *newline = memchr(begin, '\n', (size_t)(reader->end - begin));
        const char *end = newline ? newline : reader->end;
        reader->next = newline ? newline + 1 : reader->end;
        reader->number++;
        reader->indented = begin < end && is_blank(*begin);
        while (begin < end && is_blank(*begin))
            begin++;
        while (end > begin && is_blank(end[-1]))
            end--;
        if (begin == end || *begin == '#')
            continue;
        reader->line = reader->at = begin;
        reader->line_end = end;
        return true;
    }
    return false;
}

struct word reader_peek(struct reader *reader)
{
    const char *begin = reader->at, *end;
    while (begin < reader->line_end && is_blank(*begin))
        begin++;
    if (begin >= reader->line_end || reader->failed)
        return (struct word){0};
    end = begin + 1;
    if (*begin == '"') {
        while (end < reader->line_end && *end != '"')
            end += *end == '\\' && end + 1 < reader->line_end ? 2 : 1;
        if (end < reader->line_end)
            end++;
    } else {
        while (end < reader->line_end && !is_blank(*end))
            end++;
    }
    return (struct word){begin, (size_t)(end - begin)};
}

struct word reader_take(struct reader *reader)
{
    struct word word = reader_peek(reader);
    if (word.at)
        reader->at = word.at + word.length;
    return word;
}

bool word_is(struct word word, const char *text)
{
    return word.at && word.length == strlen(text) &&
           memcmp(word.at, text, word.length) == 0;
}

bool reader_accept(struct reader *reader, const char *text)
{
    if (!word_is(reader_peek(reader), text))
        return false;
    reader_take(reader);
    return true;
}

const char *reader_copy(struct reader *reader, struct word word)
{
    char *copy = arena_copy(reader->arena, word.at ? word.at : "", word.length);
    if (!copy && !reader->failed)
        reader->failed = error_set(reader->err, ERROR_MEMORY, "no memory for a script");
    return copy ? copy : "";
}

const char *reader_rest(struct reader *reader)
{
    struct word first = reader_peek(reader);
    if (first.at)
        first.length = (size_t)(reader->line_end - first.at);
    reader->at = reader->line_end;
    return reader_copy(reader, first);
}

void reader_expect_end(struct reader *reader)
{
    struct word word = reader_peek(reader);
    if (word.at)
        reader_fail(reader, word, "the line's end");
}

/* --- What words mean --- */

static bool digits(struct word word, int64_t *ret_number)
{
    int64_t number = 0;
    if (!word.at || word.length > 15)
        return false;
    for (size_t i = 0; i < word.length; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        number = number * 10 + (word.at[i] - '0');
    }
    *ret_number = number;
    return true;
}

int64_t reader_number(struct reader *reader, int64_t least, int64_t most,
                      const char *what)
{
    struct word word = reader_peek(reader);
    int64_t number;
    if (!digits(word, &number) || number < least || number > most) {
        reader_fail(reader, word, what);
        return 0;
    }
    reader_take(reader);
    return number;
}

/* "1.5" in thousandths; more decimals are not looked for. */
static bool thousandths(struct word word, int64_t *ret_number)
{
    const char *point = word.at ? memchr(word.at, '.', word.length) : NULL;
    struct word whole = {word.at, point ? (size_t)(point - word.at) : word.length};
    int64_t number, part = 0;
    if (whole.length == 0 || !digits(whole, &number))
        return false;
    if (point) {
        struct word decimals = {point + 1, word.length - whole.length - 1};
        if (decimals.length == 0 || decimals.length > 3 || !digits(decimals, &part))
            return false;
        for (size_t i = decimals.length; i < 3; i++)
            part *= 10;
    }
    *ret_number = number * 1000 + part;
    return number < 1000000;
}

/* "20ms" is "20 ms": where its unit begins; its end where it has none. */
static size_t unit_in(struct word word)
{
    size_t i = 0;
    while (i < word.length &&
           ((word.at[i] >= '0' && word.at[i] <= '9') || word.at[i] == '.'))
        i++;
    return i;
}

int64_t reader_duration(struct reader *reader)
{
    struct word whole = reader_take(reader), number = whole, unit;
    int64_t amount = 0, unit_ns = 0;

    number.length = unit_in(whole);
    if (number.length < whole.length)
        unit = (struct word){whole.at + number.length, whole.length - number.length};
    else
        unit = reader_take(reader);
    if (word_is(unit, "ms"))
        unit_ns = NS_PER_MS;
    else if (word_is(unit, "s"))
        unit_ns = NS_PER_S;
    if (unit_ns == 0 || !thousandths(number, &amount))
        reader_fail(reader, whole, "a duration (20 ms, 1.5 s)");
    return amount * (unit_ns / 1000);
}

const char *reader_string(struct reader *reader, size_t *ret_length)
{
    struct word word = reader_peek(reader);
    *ret_length = 0;
    if (!word.at || word.length < 2 || word.at[0] != '"' ||
        word.at[word.length - 1] != '"') {
        reader_fail(reader, word, "a text in quotes");
        return "";
    }
    char *text = reader_alloc(reader, word.length);
    if (!text)
        return "";
    size_t length = 0;
    for (size_t i = 1; i + 1 < word.length; i++) {
        if (word.at[i] == '\\' && i + 2 < word.length)
            i++;
        text[length++] = word.at[i];
    }
    reader_take(reader);
    *ret_length = length;
    return text;
}

bool word_is_name(struct word word)
{
    if (!word.at || word.at[0] < 'a' || word.at[0] > 'z')
        return false;
    for (size_t i = 0; i < word.length; i++) {
        char c = word.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

const char *reader_name(struct reader *reader, const char *what)
{
    struct word word = reader_peek(reader);
    if (!word_is_name(word) || word.length > 40) {
        reader_fail(reader, word, what);
        return "";
    }
    return reader_copy(reader, reader_take(reader));
}
