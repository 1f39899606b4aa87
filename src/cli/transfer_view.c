#include "cli/transfer_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/language.h"
#include "cli/verbs.h"
#include "draw/fill.h"
#include "draw/json_writer.h"
#include "net/frame.h"
#include "scope/quantity.h"

static const int64_t line_every_ns = NS_PER_S; /* where there is no terminal */

void transfer_view_begin(struct transfer_view *view)
{
    view->began_ns = view->shown_ns = clock_monotonic_ns();
    pace_begin(&view->pace, view->began_ns, 0);
}

const char *transfer_code_name(int code, const struct session_refused *refused)
{
    const char *name = refused && refused->code ? frame_error_name(refused->code) : NULL;
    if (name)
        return name;
    switch (code) {
    case ERROR_NONE: return NULL;
    case ERROR_ARGUMENT: return "name";
    case ERROR_ABSENT: return "not-found";
    case ERROR_IN_USE: return "exists";
    case ERROR_PERMISSION: return "forbidden";
    case ERROR_INTERRUPTED: return "interrupted";
    case ERROR_TIMED_OUT: return "timeout";
    case ERROR_REFUSED: return "refused";
    case ERROR_RESET:
    case ERROR_ABORTED:
    case ERROR_UNREACHABLE: return "connection";
    case ERROR_CORRUPT: return "malformed";
    default: return "internal";
    }
}

/* --- Texts from outside --- */

struct shown {
    char array[1024];
    struct buffer text;
};

static const char *show(struct shown *shown, const char *raw)
{
    buffer_init_fixed(&shown->text, shown->array, sizeof shown->array);
    visible_append(&shown->text, raw, strlen(raw));
    return buffer_text(&shown->text);
}

/* The phrase, translated, with its holes filled, as a line. */
static void say(FILE *stream, const char *phrase, const struct fill *fills, size_t count)
{
    struct buffer line;
    buffer_init(&line, 0);
    fill_append(&line, language_say(phrase), fills, count);
    fprintf(stream, "%s\n", buffer_text(&line));
    buffer_done(&line);
}

/* --- Progress --- */

static void take_away(struct transfer_view *view)
{
    if (view->shown)
        fputs("\r\033[K", stderr);
    view->shown = false;
}

static void format_bytes(char text[QUANTITY_TEXT], uint64_t bytes)
{
    text[quantity_bytes(text, bytes)] = '\0';
}

static void format_left(char text[QUANTITY_TEXT], const struct transfer_view *view,
                        uint64_t left)
{
    int64_t left_ns = pace_left_ns(&view->pace, left);
    memcpy(text, "?", 2);
    if (left_ns >= 0) /* whole seconds: more would only flicker */
        text[quantity_duration(text, (left_ns / NS_PER_S + 1) * NS_PER_S, true)] = '\0';
}

static void tell(struct transfer_view *view, const struct tally *tally)
{
    char percent[8], there[QUANTITY_TEXT], all[QUANTITY_TEXT], rate[QUANTITY_TEXT],
        left[QUANTITY_TEXT], had[QUANTITY_TEXT];
    uint64_t done = tally->had_bytes + tally->moved_bytes;
    struct buffer line;
    snprintf(percent, sizeof percent, "%d",
             tally->bytes ? (int)(100 * (double)done / (double)tally->bytes) : 100);
    format_bytes(there, done);
    format_bytes(all, tally->bytes);
    format_bytes(rate, (uint64_t)view->pace.rate);
    format_bytes(had, tally->had_bytes);
    format_left(left, view, tally->bytes > done ? tally->bytes - done : 0);
    buffer_init(&line, 0);
    const char *phrase =
        !tally->counted    ? N_("{there} of {all} so far, {rate}/s")
        : tally->had_bytes ? N_("{percent} % ({there} of {all}; {had} were there "
                                "before), {rate}/s, {left} left")
                           : N_("{percent} % ({there} of {all}), {rate}/s, {left} left");
    fill_append(&line, language_say(phrase),
                (const struct fill[]){{"percent", percent},
                                      {"there", there},
                                      {"all", all},
                                      {"rate", rate},
                                      {"left", left},
                                      {"had", had}},
                6);
    fprintf(stderr, view->lines ? "%s\n" : "\r\033[K%s", buffer_text(&line));
    fflush(stderr);
    view->shown = !view->lines;
    buffer_done(&line);
}

void transfer_view_progress(void *owner, const struct tally *tally)
{
    struct transfer_view *view = owner;
    int64_t now_ns = clock_monotonic_ns();
    view->tally = *tally;
    pace_note(&view->pace, now_ns, tally->moved_bytes);
    if (view->quiet || (!view->lines && (view->json || !isatty(STDERR_FILENO))))
        return;
    if (view->lines && now_ns - view->shown_ns < line_every_ns)
        return;
    view->shown_ns = now_ns;
    tell(view, tally);
}

/* --- What ended --- */

static void print_line(struct buffer *line)
{
    buffer_append_char(line, '\n');
    fwrite(line->bytes, 1, line->length, stdout);
    fflush(stdout);
    buffer_done(line);
}

static void put_result(struct json_writer *writer, const struct transfer_result *result)
{
    char check[CHECK_TEXT];
    json_put_begin(writer, '{');
    json_put_key(writer, "name");
    json_put_text(writer, result->name);
    json_put_key(writer, "kind");
    json_put_text(writer, result->folder ? "folder" : "file");
    json_put_key(writer, "status");
    json_put_text(writer, result->code ? "failed" : result->already ? "already" : "done");
    json_put_key(writer, "bytes");
    json_put_integer(writer, (int64_t)result->bytes);
    json_put_key(writer, "files");
    json_put_integer(writer, result->files);
    json_put_key(writer, "check");
    json_put_text(writer, result->checked ? check_format(&result->check, check) : NULL);
    json_put_key(writer, "code");
    const char *name = result->code ? frame_error_name(result->code) : NULL;
    json_put_text(writer, result->code && !name ? "unknown" : name);
    json_put_key(writer, "error");
    json_put_text(writer, result->sentence);
    json_put_end(writer, '}');
}

static void tell_done(const struct transfer_view *view,
                      const struct transfer_result *result)
{
    struct shown shown;
    char bytes[QUANTITY_TEXT], files[16];
    format_bytes(bytes, result->bytes);
    snprintf(files, sizeof files, "%u", result->files);
    const struct fill fills[] = {
        {"name", show(&shown, result->name)}, {"bytes", bytes}, {"files", files}};
    const char *phrase;
    if (result->already)
        phrase = N_("{name} was there already");
    else if (view->direction == TRANSFER_SEND)
        phrase = result->folder ? N_("sent {name}/ ({files} files, {bytes})")
                                : N_("sent {name} ({bytes})");
    else
        phrase = result->folder ? N_("got {name}/ ({files} files, {bytes})")
                                : N_("got {name} ({bytes})");
    say(stdout, phrase, fills, 3);
    fflush(stdout);
}

void transfer_view_ended(void *owner, const struct transfer_result *result)
{
    struct transfer_view *view = owner;
    struct shown name, sentence;
    take_away(view);
    view->done += !result->code;
    view->failed += result->code != 0;
    if (view->json) {
        struct buffer line;
        buffer_init(&line, 0);
        put_result(&(struct json_writer){.buffer = &line}, result);
        print_line(&line);
    } else if (result->code) {
        /* Most sentences name the file themselves. */
        show(&name, result->name);
        show(&sentence, result->sentence);
        if (strstr(buffer_text(&sentence.text), buffer_text(&name.text)))
            complain(EXIT_FAILED, "%s", buffer_text(&sentence.text));
        else
            complain(EXIT_FAILED, "%s: %s", buffer_text(&name.text),
                     buffer_text(&sentence.text));
    } else if (!view->quiet) {
        tell_done(view, result);
    }
}

/* What walk.h says of what it passes over. */
static const char *translate_kind(const char *what)
{
    static const char *const kinds[] = {N_("a symbolic link"), N_("a pipe"),
                                        N_("a socket"), N_("a device")};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i], what) == 0)
            return language_say(kinds[i]);
    return what;
}

void transfer_view_passed(void *owner, const char *root, const char *name,
                          const char *what)
{
    struct transfer_view *view = owner;
    struct shown shown_root, shown_name;
    take_away(view);
    if (view->json) {
        struct buffer line;
        struct json_writer writer = {.buffer = &line};
        buffer_init(&line, 0);
        json_put_begin(&writer, '{');
        json_put_key(&writer, "passed");
        json_put_text(&writer, name);
        json_put_key(&writer, "root");
        json_put_text(&writer, root);
        json_put_key(&writer, "what");
        json_put_text(&writer, what);
        json_put_end(&writer, '}');
        print_line(&line);
        return;
    }
    if (!view->quiet)
        say(stderr, N_("not sent: '{name}' in '{root}' is {what}"),
            (const struct fill[]){{"name", show(&shown_name, name)},
                                  {"root", show(&shown_root, root)},
                                  {"what", translate_kind(what)}},
            3);
}

/* --- The end --- */

static void put_summary(const struct transfer_view *view, const char *code,
                        const char *sentence)
{
    struct buffer line;
    struct json_writer writer = {.buffer = &line};
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"done", view->done},
                   {"failed", view->failed},
                   {"bytes", (int64_t)view->tally.bytes},
                   {"resumed_bytes", (int64_t)view->tally.had_bytes},
                   {"moved_bytes", (int64_t)view->tally.moved_bytes},
                   {"seconds_ns", clock_monotonic_ns() - view->began_ns}};
    buffer_init(&line, 0);
    json_put_begin(&writer, '{');
    json_put_key(&writer, "summary");
    json_put_begin(&writer, '{');
    json_put_key(&writer, "status");
    json_put_text(&writer, code || view->failed ? "failed" : "done");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_put_key(&writer, numbers[i].key);
        json_put_integer(&writer, numbers[i].value);
    }
    json_put_key(&writer, "code");
    json_put_text(&writer, code);
    json_put_key(&writer, "error");
    json_put_text(&writer, sentence);
    json_put_end(&writer, '}');
    json_put_end(&writer, '}');
    print_line(&line);
}

/* What was broken off is not lost, and how to go on is said. */
static void complain_broken(const struct transfer_view *view, int code,
                            const struct error *err)
{
    char there[QUANTITY_TEXT];
    uint64_t done = view->tally.had_bytes + view->tally.moved_bytes;
    format_bytes(there, done);
    if (done == 0)
        complain(EXIT_FAILED, "%s",
                 code == ERROR_INTERRUPTED ? _("stopped") : err->sentence);
    else if (code == ERROR_INTERRUPTED)
        complain(EXIT_FAILED, _("stopped; the same command goes on from %s"), there);
    else
        complain(EXIT_FAILED, _("%s; the same command goes on from %s"), err->sentence,
                 there);
}

int transfer_view_end(struct transfer_view *view, int code,
                      const struct session_refused *refused, const struct error *err)
{
    /* Of single roots everything was said when they ended. */
    bool told = code == ERROR_REFUSED && view->failed && !(refused && refused->code);
    take_away(view);
    if (view->json)
        put_summary(view, told ? NULL : transfer_code_name(code, refused),
                    code && !told ? err->sentence : NULL);
    else if (code && !told)
        complain_broken(view, code, err);
    return code || view->failed ? EXIT_FAILED : EXIT_DONE;
}
