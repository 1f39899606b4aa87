#include "cli/editor.h"

#include <stdlib.h>
#include <string.h>
#include <unigbrk.h>
#include <unistr.h>

#include "base/visible.h"

void editor_init(struct editor *editor)
{
    memset(editor, 0, sizeof *editor);
    buffer_init(&editor->line, EDITOR_LINE_BYTES);
    buffer_init(&editor->typed, EDITOR_LINE_BYTES);
}

void editor_done(struct editor *editor)
{
    for (size_t i = 0; i < EDITOR_BEFORE; i++)
        free(editor->before[i]);
    buffer_done(&editor->line);
    buffer_done(&editor->typed);
}

/* --- Places in the line --- */

static const uint8_t *text(const struct editor *editor)
{
    return (const uint8_t *)buffer_text(&editor->line);
}

static size_t before(const struct editor *editor, size_t place)
{
    const uint8_t *start = text(editor);
    const uint8_t *found = u8_grapheme_prev(start + place, start);
    return found ? (size_t)(found - start) : 0;
}

static size_t behind(const struct editor *editor, size_t place)
{
    const uint8_t *start = text(editor);
    const uint8_t *found = u8_grapheme_next(start + place, start + editor->line.length);
    return found ? (size_t)(found - start) : editor->line.length;
}

static size_t word_before(const struct editor *editor)
{
    size_t place = editor->cursor;
    while (place && text(editor)[place - 1] == ' ')
        place--;
    while (place && text(editor)[place - 1] != ' ')
        place--;
    return place;
}

/* --- Changes --- */

static void cut(struct editor *editor, size_t from, size_t to)
{
    struct buffer *line = &editor->line;
    if (from >= to)
        return;
    memmove(line->bytes + from, line->bytes + to, line->length - to);
    line->length -= to - from;
    line->bytes[line->length] = 0;
    editor->cursor = from;
}

static void insert(struct editor *editor, const char *bytes, size_t length)
{
    struct buffer *line = &editor->line;
    if (buffer_append(line, bytes, length)) {
        line->failed = 0; /* the line is full: the key does nothing */
        return;
    }
    memmove(line->bytes + editor->cursor + length, line->bytes + editor->cursor,
            line->length - length - editor->cursor);
    memcpy(line->bytes + editor->cursor, bytes, length);
    editor->cursor += length;
}

static void replace(struct editor *editor, const char *line)
{
    buffer_clear(&editor->line);
    buffer_append_text(&editor->line, line);
    editor->cursor = editor->line.length;
}

static size_t kept(const struct editor *editor)
{
    return editor->before_count < EDITOR_BEFORE ? editor->before_count : EDITOR_BEFORE;
}

static void browse(struct editor *editor, bool back)
{
    if (back ? editor->browsing >= kept(editor) : editor->browsing == 0)
        return;
    if (editor->browsing == 0) {
        buffer_clear(&editor->typed);
        buffer_append(&editor->typed, editor->line.bytes, editor->line.length);
    }
    editor->browsing = back ? editor->browsing + 1 : editor->browsing - 1;
    if (editor->browsing == 0)
        replace(editor, buffer_text(&editor->typed));
    else
        replace(
            editor,
            editor->before[(editor->before_count - editor->browsing) % EDITOR_BEFORE]);
}

void editor_take(struct editor *editor, struct buffer *ret_line)
{
    buffer_append(ret_line, editor->line.bytes, editor->line.length);
    char **place = &editor->before[editor->before_count % EDITOR_BEFORE];
    const char *last = editor->before_count
                           ? editor->before[(editor->before_count - 1) % EDITOR_BEFORE]
                           : NULL;
    if (editor->line.length && (!last || strcmp(last, buffer_text(&editor->line)) != 0)) {
        char *copy = strdup(buffer_text(&editor->line));
        if (copy) {
            free(*place);
            *place = copy;
            editor->before_count++;
        }
    }
    buffer_clear(&editor->line);
    editor->cursor = editor->browsing = 0;
}

/* --- Keys --- */

enum { ESCAPE = 27, DELETE = 127 };
#define CONTROL(letter) ((letter) - 'A' + 1)

/* An escape sequence that is complete, without its ESC. */
static void take_sequence(struct editor *editor, const char *sequence, size_t length)
{
    int last = (unsigned char)sequence[length - 1];
    int number =
        length > 2 && sequence[1] >= '0' && sequence[1] <= '9' ? sequence[1] - '0' : 0;
    if (last == '~')
        last = number == 1 || number == 7   ? 'H'
               : number == 4 || number == 8 ? 'F'
               : number == 3                ? '3'
                                            : 0;
    switch (last) {
    case 'A': browse(editor, true); break;
    case 'B': browse(editor, false); break;
    case 'C': editor->cursor = behind(editor, editor->cursor); break;
    case 'D': editor->cursor = before(editor, editor->cursor); break;
    case 'H': editor->cursor = 0; break;
    case 'F': editor->cursor = editor->line.length; break;
    case '3': cut(editor, editor->cursor, behind(editor, editor->cursor)); break;
    default: break;
    }
}

/* The next byte of an escape sequence: ESC [ parameters letter, or ESC O letter. */
static void add_to_sequence(struct editor *editor, char byte)
{
    if (editor->pending_length < sizeof editor->pending)
        editor->pending[editor->pending_length++] = byte;
    bool begins = editor->pending_length == 2 && (byte == '[' || byte == 'O');
    bool ends = editor->pending_length == 2 ? !begins : byte >= '@' && byte <= '~';
    if (!ends)
        return;
    if (editor->pending_length > 2)
        take_sequence(editor, editor->pending + 1, editor->pending_length - 1);
    editor->pending_length = 0;
}

/* A byte of a character of more than one. */
static void add_to_character(struct editor *editor, char byte)
{
    editor->pending[editor->pending_length++] = byte;
    ucs4_t character;
    int length =
        u8_mbtoucr(&character, (const uint8_t *)editor->pending, editor->pending_length);
    if (length == -2) /* not all of it yet */
        return;
    if (length > 0)
        insert(editor, editor->pending, (size_t)length);
    editor->pending_length = 0;
}

static enum editor_answer take_control(struct editor *editor, char byte)
{
    switch (byte) {
    case '\r':
    case '\n': return EDITOR_LINE;
    case CONTROL('C'): return EDITOR_END;
    case CONTROL('D'):
        if (editor->line.length == 0)
            return EDITOR_END;
        cut(editor, editor->cursor, behind(editor, editor->cursor));
        break;
    case CONTROL('H'):
    case DELETE: cut(editor, before(editor, editor->cursor), editor->cursor); break;
    case CONTROL('A'): editor->cursor = 0; break;
    case CONTROL('E'): editor->cursor = editor->line.length; break;
    case CONTROL('B'): editor->cursor = before(editor, editor->cursor); break;
    case CONTROL('F'): editor->cursor = behind(editor, editor->cursor); break;
    case CONTROL('K'): cut(editor, editor->cursor, editor->line.length); break;
    case CONTROL('U'): cut(editor, 0, editor->cursor); break;
    case CONTROL('W'): cut(editor, word_before(editor), editor->cursor); break;
    case CONTROL('P'): browse(editor, true); break;
    case CONTROL('N'): browse(editor, false); break;
    case CONTROL('L'): return EDITOR_CLEAR;
    case CONTROL('Z'): return EDITOR_SUSPEND;
    case '\t': insert(editor, " ", 1); break;
    default: break;
    }
    return EDITOR_MORE;
}

enum editor_answer editor_key(struct editor *editor, char byte)
{
    bool in_sequence = editor->pending_length && editor->pending[0] == ESCAPE;
    if (in_sequence && byte != ESCAPE) {
        add_to_sequence(editor, byte);
        return EDITOR_MORE;
    }
    if (byte == ESCAPE) {
        editor->pending[0] = ESCAPE;
        editor->pending_length = 1;
        return EDITOR_MORE;
    }
    if ((unsigned char)byte >= 0x80) {
        add_to_character(editor, byte);
        return EDITOR_MORE;
    }
    editor->pending_length = 0; /* a character that was not finished is none */
    if ((unsigned char)byte < ' ' || byte == DELETE)
        return take_control(editor, byte);
    insert(editor, &byte, 1);
    return EDITOR_MORE;
}

/* --- Drawing --- */

void editor_erase(struct buffer *ret_output)
{
    buffer_append_text(ret_output, "\r\033[K");
}

static int width_of(const char *bytes, size_t length)
{
    struct buffer shown;
    buffer_init(&shown, 0);
    visible_append(&shown, bytes, length);
    int width = visible_width(buffer_text(&shown), shown.length);
    buffer_done(&shown);
    return width;
}

void editor_draw(const struct editor *editor, const char *prompt, int columns,
                 struct buffer *ret_output)
{
    const char *line = buffer_text(&editor->line);
    int prompt_width = visible_width(prompt, strlen(prompt));
    /* One column is for the cursor behind the last character. */
    int room = columns - prompt_width - 1;
    size_t from = 0, to = editor->cursor;
    room = room < 2 ? 2 : room;
    while (from < editor->cursor && width_of(line + from, editor->cursor - from) > room)
        from = behind(editor, from);
    while (to < editor->line.length &&
           width_of(line + from, behind(editor, to) - from) <= room)
        to = behind(editor, to);
    editor_erase(ret_output);
    buffer_append_text(ret_output, prompt);
    visible_append(ret_output, line + from, to - from);
    int cursor = prompt_width + width_of(line + from, editor->cursor - from);
    buffer_append_char(ret_output, '\r');
    if (cursor)
        buffer_append_format(ret_output, "\033[%dC", cursor);
}
