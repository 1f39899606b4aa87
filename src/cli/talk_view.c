#include "cli/talk_view.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/visible.h"
#include "cli/language.h"
#include "cli/terminal.h"

void talk_view_init(struct talk_view *view, struct console *console, const char *room,
                    bool json)
{
    *view = (struct talk_view){.console = console,
                               .room = room,
                               .prompt = "> ",
                               .json = json,
                               .terminal = terminal_is() && !json,
                               .colourful = terminal_colourful() && !json};
}

const char *talk_view_login_name(void)
{
    const struct passwd *user = getpwuid(geteuid());
    const char *name = getenv("USER");
    if (!name || !*name)
        name = user ? user->pw_name : "";
    return text_name_valid(name, strlen(name)) ? name : NULL;
}

/* --- Writing --- */

static void write_out(struct talk_view *view, const struct buffer *output)
{
    errno = 0;
    if (fwrite(buffer_text(output), 1, output->length, stdout) == output->length &&
        fflush(stdout) == 0)
        return;
    view->console->write_errno = errno ? errno : EIO;
    wo_event_set(view->console->stop);
}

/* A whole line, in one write with the typed line's removal and its drawing. */
static void write_line(struct talk_view *view, struct buffer *line)
{
    struct buffer output;
    buffer_init(&output, 0);
    if (view->editor)
        editor_erase(&output);
    buffer_append(&output, line->bytes, line->length);
    buffer_append_char(&output, '\n');
    if (view->editor)
        editor_draw(view->editor, view->prompt, terminal_width(), &output);
    write_out(view, &output);
    buffer_done(&output);
    buffer_done(line);
}

void talk_view_draw(struct talk_view *view)
{
    struct buffer output;
    if (!view->editor)
        return;
    buffer_init(&output, 0);
    editor_draw(view->editor, view->prompt, terminal_width(), &output);
    write_out(view, &output);
    buffer_done(&output);
}

void talk_view_clear(struct talk_view *view)
{
    struct buffer output;
    buffer_init(&output, 0);
    buffer_append_text(&output, "\033[H\033[2J");
    write_out(view, &output);
    buffer_done(&output);
    talk_view_draw(view);
}

/* --- For people --- */

static void append_time(const struct talk_view *view, struct buffer *line,
                        int64_t time_ns)
{
    char text[64];
    struct tm parts;
    time_t seconds = time_ns / NS_PER_S;
    localtime_r(&seconds, &parts);
    strftime(text, sizeof text, view->terminal ? "%H:%M" : "%Y-%m-%d %H:%M:%S", &parts);
    buffer_append_format(line, view->colourful ? "\033[2m%s\033[0m " : "%s ", text);
}

static void append_name(const struct talk_view *view, struct buffer *line,
                        const char *name, size_t length)
{
    if (view->colourful)
        buffer_append_text(line, "\033[1m");
    visible_append(line, name, length);
    if (view->colourful)
        buffer_append_text(line, "\033[0m");
}

static void show_message(struct talk_view *view, const struct text_message *message)
{
    struct buffer line;
    buffer_init(&line, 0);
    append_time(view, &line, message->time_ns);
    append_name(view, &line, message->name, message->name_length);
    buffer_append_text(&line,
                       message->kind == TEXT_KIND_FILE ? _(" has a file: ") : ": ");
    visible_append(&line, message->text, message->text_length);
    write_line(view, &line);
}

void talk_view_note(struct talk_view *view, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    if (view->json)
        return;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    struct buffer line;
    buffer_init(&line, 0);
    if (view->colourful)
        buffer_append_text(&line, "\033[2m");
    buffer_append_text(&line, view->terminal ? "* " : "woshou: ");
    visible_append(&line, sentence, strlen(sentence));
    if (view->colourful)
        buffer_append_text(&line, "\033[0m");
    if (view->terminal) {
        write_line(view, &line);
        return;
    }
    fprintf(stderr, "%s\n", buffer_text(&line));
    buffer_done(&line);
}

/* --- For programs --- */

struct json_writer talk_view_event_begin(struct talk_view *view, struct buffer *line,
                                         const char *what)
{
    buffer_init(line, 0);
    struct json_writer writer = {.buffer = line};
    json_put_begin(&writer, '{');
    json_put_key(&writer, "what");
    json_put_text(&writer, what);
    talk_view_put_text(&writer, "room", view->room, strlen(view->room));
    return writer;
}

void talk_view_event_end(struct talk_view *view, struct json_writer *writer)
{
    json_put_end(writer, '}');
    write_line(view, writer->buffer);
}

void talk_view_put_text(struct json_writer *writer, const char *key, const char *text,
                        size_t length)
{
    struct buffer copy;
    buffer_init(&copy, 0);
    buffer_append(&copy, text, length);
    json_put_key(writer, key);
    json_put_text(writer, buffer_text(&copy));
    buffer_done(&copy);
}

static void put_message(struct talk_view *view, const struct text_message *message)
{
    struct buffer line;
    struct json_writer writer = talk_view_event_begin(view, &line, "message");
    json_put_key(&writer, "seq");
    if (message->unkept)
        json_put_null(&writer);
    else
        json_put_integer(&writer, (int64_t)message->seq);
    json_put_key(&writer, "time_ns");
    json_put_integer(&writer, message->time_ns);
    json_put_key(&writer, "kind");
    json_put_text(&writer, message->kind == TEXT_KIND_FILE ? "file" : "said");
    talk_view_put_text(&writer, "name", message->name, message->name_length);
    talk_view_put_text(&writer, "text", message->text, message->text_length);
    talk_view_event_end(view, &writer);
}

void talk_view_message(struct talk_view *view, const struct text_message *message)
{
    if (view->json)
        put_message(view, message);
    else
        show_message(view, message);
}

void talk_view_direct(struct talk_view *view, const char *name, size_t name_length,
                      const char *text, size_t length, int64_t time_ns)
{
    struct buffer line;
    if (view->json) {
        struct json_writer writer = talk_view_event_begin(view, &line, "direct");
        json_put_key(&writer, "time_ns");
        json_put_integer(&writer, time_ns);
        talk_view_put_text(&writer, "name", name, name_length);
        talk_view_put_text(&writer, "text", text, length);
        talk_view_event_end(view, &writer);
        return;
    }
    buffer_init(&line, 0);
    append_time(view, &line, time_ns);
    append_name(view, &line, name, name_length);
    buffer_append_text(&line, _(" (to you alone): "));
    visible_append(&line, text, length);
    write_line(view, &line);
}
