/* woshou talk: in a room, by a terminal or a pipe. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf.h"
#include "cli/console.h"
#include "cli/input.h"
#include "cli/keyboard.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/server_options.h"
#include "cli/talk_view.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "text/client.h"

#define PATIENCE_NS (60 * NS_PER_S) /* for a lost connection, where nobody watches */
enum { BACKLOG_TERMINAL = 20 };

struct settings {
    struct server_options server;
    const char *where, *room;
    bool json, stay;
    long backlog; /* -1: the usual */
    int64_t patience_ns;
};

/* One talk. */
struct talk {
    const struct settings *settings;
    struct console *console;
    struct talk_view view;
    struct input input;
    struct editor editor;
    struct keyboard keyboard;
    struct text_client *client;
    struct buffer bytes; /* of the input, not a whole line yet */
    bool input_ended, leaving, interactive;
    bool was_joined;
    bool failed; /* something was not kept, or not sent */
    bool line_too_long;
    char lost[256]; /* what was said last of a lost connection */
};

static int print_help(void)
{
    printf(
        "%s%s%s",
        _("Usage: woshou talk [HOST[:PORT]] [ROOM] [OPTION]...\n"
          "Talk in ROOM (lobby) of the server on HOST (WOSHOU_SERVER, or this machine). In\n"
          "a terminal lines are edited, and /help lists what else can be done. Else each\n"
          "line of standard input is said, what others say goes to standard output, and\n"
          "it leaves once every line is acknowledged; a lost connection is made again, and\n"
          "nothing is said twice or missed.\n\n"
          "  --last N              first show the last N messages (20 in a terminal)\n"
          "  --stay                go on listening after the end of standard input\n"
          "  --patience SECONDS    without a terminal: give up when the connection has been\n"
          "                        lost for so long (60)\n"
          "  --json                events as JSON, one object a line\n"),
        server_options_help(),
        _("  --help                print this and exit\n\n"
          "The exit status is 0 where everything was kept, 1 where something was not.\n"));
    return EXIT_DONE;
}

enum {
    OPTION_LAST = OPTIONS_LONG,
    OPTION_STAY,
    OPTION_PATIENCE,
    OPTION_JSON,
    OPTION_HELP
};

static int take_option(struct settings *settings, int option, char **argv)
{
    char *end;
    if (server_options_are(option))
        return server_options_take(&settings->server, "talk", option, optarg);
    switch (option) {
    case OPTION_LAST:
        settings->backlog = strtol(optarg, &end, 10);
        if (*end || end == optarg || settings->backlog < 0 || settings->backlog > 1000000)
            return complain_usage(
                "talk", _("--last: a number from 0 to 1000000, not '%s'"), optarg);
        return EXIT_DONE;
    case OPTION_STAY: settings->stay = true; return EXIT_DONE;
    case OPTION_JSON: settings->json = true; return EXIT_DONE;
    case OPTION_PATIENCE:
        if (options_seconds(optarg, &settings->patience_ns))
            return complain_usage("talk", _("--patience: '%s' is no number of seconds"),
                                  optarg);
        return EXIT_DONE;
    default: return options_complain("talk", option, argv);
    }
}

static int take_words(struct settings *settings, int argc, char **argv)
{
    if (optind < argc)
        settings->where = argv[optind++];
    if (optind < argc)
        settings->room = argv[optind++];
    if (optind < argc)
        return complain_usage("talk", _("'%s' is one word too many"), argv[optind]);
    if (!text_name_valid(settings->room, strlen(settings->room)))
        return complain_usage(
            "talk",
            _("a room's name is 1 to 64 bytes of visible characters, no space at either end"));
    return EXIT_DONE;
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {
        {"last", required_argument, NULL, OPTION_LAST},
        {"stay", no_argument, NULL, OPTION_STAY},
        {"patience", required_argument, NULL, OPTION_PATIENCE},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},
        SERVER_OPTIONS,
        {0}};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (option == OPTION_HELP || option == 'h') {
            *ret_helped = true;
            return print_help();
        }
        int status = take_option(settings, option, argv);
        if (status)
            return status;
    }
    int status = take_words(settings, argc, argv);
    if (!settings->server.name)
        settings->server.name = talk_view_login_name();
    return status ? status
                  : server_options_finish(&settings->server, "talk", settings->where);
}

/* --- What the client reports --- */

static void on_joined(void *owner, const struct session *session, uint32_t members)
{
    struct talk *talk = owner;
    struct buffer line;
    talk->lost[0] = 0;
    if (talk->settings->json) {
        struct json_writer writer = talk_view_event_begin(&talk->view, &line, "joined");
        talk_view_put_text(&writer, "server", session->server, strlen(session->server));
        talk_view_put_text(&writer, "name", session->name, strlen(session->name));
        json_put_key(&writer, "members");
        json_put_integer(&writer, members);
        talk_view_event_end(&talk->view, &writer);
    } else if (talk->interactive) {
        talk_view_note(&talk->view,
                       _("you are in %s on %s; %u are here; /help says what can be done"),
                       talk->settings->room, session->server, members);
    } else if (talk->was_joined) {
        talk_view_note(&talk->view, _("connected again"));
    }
    talk->was_joined = true;
}

static void on_lost(void *owner, const char *sentence, unsigned code)
{
    struct talk *talk = owner;
    struct buffer line;
    if (strncmp(talk->lost, sentence, sizeof talk->lost - 1) == 0)
        return; /* every try says the same */
    snprintf(talk->lost, sizeof talk->lost, "%s", sentence);
    if (talk->settings->json) {
        struct json_writer writer = talk_view_event_begin(&talk->view, &line, "lost");
        json_put_key(&writer, "error");
        json_put_text(&writer, frame_error_name(code));
        talk_view_put_text(&writer, "sentence", sentence, strlen(sentence));
        talk_view_event_end(&talk->view, &writer);
    } else {
        talk_view_note(&talk->view, "%s", sentence);
    }
}

static void on_message(void *owner, const struct text_message *message, bool mine)
{
    struct talk *talk = owner;
    /* Who pipes knows what he says; who types sees it where it came to stand. */
    if (!mine || talk->interactive)
        talk_view_message(&talk->view, message);
}

static void on_direct(void *owner, const char *name, size_t name_length, const char *text,
                      size_t length, int64_t time_ns)
{
    struct talk *talk = owner;
    talk_view_direct(&talk->view, name, name_length, text, length, time_ns);
}

static void on_presence(void *owner, const char *name, size_t length,
                        enum text_presence what, uint32_t members)
{
    struct talk *talk = owner;
    struct buffer line;
    if (talk->settings->json) {
        struct json_writer writer = talk_view_event_begin(
            &talk->view, &line, what == TEXT_CAME ? "came" : "went");
        talk_view_put_text(&writer, "name", name, length);
        json_put_key(&writer, "members");
        json_put_integer(&writer, members);
        talk_view_event_end(&talk->view, &writer);
    } else if (talk->interactive) {
        talk_view_note(&talk->view, what == TEXT_CAME ? _("%.*s came") : _("%.*s went"),
                       (int)length, name);
    }
}

static void on_members(void *owner, uint32_t members, const struct frame_text *names,
                       uint32_t count)
{
    struct talk *talk = owner;
    struct buffer line;
    buffer_init(&line, 0);
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_char(&line, ' ');
        buffer_append(&line, names[i].bytes, names[i].length);
    }
    talk_view_note(&talk->view, _("%u are here:%s"), members, buffer_text(&line));
    buffer_done(&line);
}

static void on_said(void *owner, uint64_t number, uint64_t seq, int64_t time_ns)
{
    struct talk *talk = owner;
    struct buffer line;
    if (!talk->settings->json)
        return;
    struct json_writer writer = talk_view_event_begin(&talk->view, &line, "said");
    json_put_key(&writer, "number");
    json_put_integer(&writer, (int64_t)number);
    json_put_key(&writer, "seq");
    json_put_integer(&writer, (int64_t)seq);
    json_put_key(&writer, "time_ns");
    json_put_integer(&writer, time_ns);
    talk_view_event_end(&talk->view, &writer);
}

static void on_refused(void *owner, uint64_t number, unsigned code, const char *sentence)
{
    struct talk *talk = owner;
    struct buffer line;
    talk->failed = true;
    if (talk->settings->json) {
        struct json_writer writer = talk_view_event_begin(&talk->view, &line, "refused");
        json_put_key(&writer, "number");
        json_put_integer(&writer, (int64_t)number);
        json_put_key(&writer, "error");
        json_put_text(&writer, frame_error_name(code));
        talk_view_put_text(&writer, "sentence", sentence, strlen(sentence));
        talk_view_event_end(&talk->view, &writer);
    } else {
        talk_view_note(&talk->view, _("not said: %s"), sentence);
    }
}

static void on_missed(void *owner, const char *sentence)
{
    struct talk *talk = owner;
    struct buffer line;
    if (talk->settings->json) {
        struct json_writer writer = talk_view_event_begin(&talk->view, &line, "missed");
        talk_view_put_text(&writer, "sentence", sentence, strlen(sentence));
        talk_view_event_end(&talk->view, &writer);
    } else {
        talk_view_note(&talk->view, "%s", sentence);
    }
}

static int open_session(void *owner, wo_event *stop, struct channel_scratch *scratch,
                        struct session *ret_session, struct session_refused *ret_refused,
                        struct error *err)
{
    return server_options_open(owner, BUSINESS_TEXT, stop, scratch, ret_session,
                               ret_refused, err);
}

/* --- What is typed or piped --- */

static void say(struct talk *talk, const char *line, size_t length)
{
    if (!utf8_valid(line, length) || memchr(line, 0, length)) {
        talk_view_note(&talk->view, _("a line is not UTF-8 and was not said"));
        talk->failed = true;
    } else if (length > TEXT_BYTES) {
        talk_view_note(&talk->view, _("a line is longer than %d bytes and was not said"),
                       TEXT_BYTES);
        talk->failed = true;
    } else if (length && text_client_say(talk->client, line, length, NULL)) {
        talk->failed = talk->leaving = true;
    }
}

static void tell(struct talk *talk, const char *rest)
{
    size_t name = strcspn(rest, " ");
    if (name == 0 || !rest[name] || !rest[name + 1])
        talk_view_note(&talk->view, _("/tell NAME TEXT"));
    else
        text_client_tell(talk->client, rest, name, rest + name + 1,
                         strlen(rest + name + 1), NULL);
}

static void command(struct talk *talk, const char *line)
{
    if (strcmp(line, "/quit") == 0) {
        talk->leaving = true;
    } else if (strcmp(line, "/who") == 0) {
        if (text_client_ask_members(talk->client))
            talk_view_note(&talk->view, _("there is no connection"));
    } else if (strncmp(line, "/tell ", 6) == 0) {
        tell(talk, line + 6);
    } else if (strcmp(line, "/help") == 0) {
        talk_view_note(&talk->view, _("/who  who is here"));
        talk_view_note(&talk->view, _("/tell NAME TEXT  say it to one person"));
        talk_view_note(&talk->view, _("/quit  leave; so does Ctrl-D"));
        talk_view_note(&talk->view, _("//TEXT  say /TEXT"));
    } else {
        talk_view_note(&talk->view, _("there is no such command; /help lists them"));
    }
}

static void take_typed_line(struct talk *talk)
{
    struct buffer line;
    buffer_init(&line, 0);
    editor_take(&talk->editor, &line);
    const char *text = buffer_text(&line);
    if (text[0] == '/' && text[1] == '/')
        say(talk, text + 1, line.length - 1);
    else if (text[0] == '/')
        command(talk, text);
    else
        say(talk, text, line.length);
    buffer_done(&line);
}

static void take_keys(struct talk *talk)
{
    for (size_t i = 0; i < talk->bytes.length && !talk->leaving; i++)
        switch (editor_key(&talk->editor, talk->bytes.bytes[i])) {
        case EDITOR_MORE: break;
        case EDITOR_LINE: take_typed_line(talk); break;
        case EDITOR_END: talk->leaving = true; break;
        case EDITOR_CLEAR: talk_view_clear(&talk->view); break;
        case EDITOR_SUSPEND: keyboard_suspend(&talk->keyboard); break;
        }
    buffer_clear(&talk->bytes);
    talk_view_draw(&talk->view);
}

/* Says the whole lines among the bytes; at the end of the input also what is left. */
static void take_lines(struct talk *talk)
{
    size_t begin = 0;
    for (;;) {
        const char *rest = buffer_text(&talk->bytes) + begin;
        size_t left = talk->bytes.length - begin;
        const char *end = left ? memchr(rest, '\n', left) : NULL;
        if (!end && !(talk->input_ended && left))
            break;
        size_t length = end ? (size_t)(end - rest) : left;
        begin += length + (end != NULL);
        if (length && rest[length - 1] == '\r')
            length--;
        if (!talk->line_too_long)
            say(talk, rest, length);
        talk->line_too_long = false;
    }
    buffer_consume(&talk->bytes, begin);
    if (talk->bytes.length > TEXT_BYTES + 1) { /* its end may never come */
        if (!talk->line_too_long)
            say(talk, talk->bytes.bytes, talk->bytes.length);
        talk->line_too_long = true;
        buffer_clear(&talk->bytes);
    }
}

static void take_input(struct talk *talk)
{
    talk->input_ended = !input_take(&talk->input, &talk->bytes);
    if (talk->bytes.failed)
        talk->failed = talk->leaving = true;
    else if (talk->interactive)
        take_keys(talk);
    else
        take_lines(talk);
    if (talk->input_ended && (talk->interactive || !talk->settings->stay))
        talk->leaving = true;
}

/* --- The loop --- */

static bool is_over(const struct talk *talk)
{
    /* A pipe with nothing in it learns, too, whether it would have been taken. */
    return talk->leaving && text_client_outstanding(talk->client) == 0 &&
           (talk->was_joined || talk->interactive);
}

/* Without a terminal nobody ends it who sees that it hangs. */
static bool is_given_up(const struct talk *talk, int64_t now_ns)
{
    int64_t lost_ns = text_client_lost_ns(talk->client);
    if (!lost_ns || (talk->interactive && !talk->leaving))
        return false;
    return now_ns - lost_ns >= talk->settings->patience_ns;
}

static int64_t wait_ns(const struct talk *talk, int64_t now_ns)
{
    int64_t next_ns = text_client_next_ns(talk->client);
    int64_t lost_ns = text_client_lost_ns(talk->client);
    if (lost_ns && lost_ns + talk->settings->patience_ns < next_ns)
        next_ns = lost_ns + talk->settings->patience_ns;
    if (next_ns == INT64_MAX)
        return WO_FOREVER;
    return next_ns > now_ns ? next_ns - now_ns : 0;
}

/* Waits for what there is, and does it; true while it goes on. */
static bool turn(struct talk *talk, int *ret_status)
{
    wo_event *events[2 + TEXT_CLIENT_EVENTS] = {talk->console->stop};
    int64_t now_ns = clock_monotonic_ns();
    size_t count = 1 + text_client_events(talk->client, events + 1);
    /* What cannot be sent on is not taken. */
    bool takes = !talk->input_ended &&
                 text_client_outstanding(talk->client) < TEXT_CLIENT_OUTSTANDING;
    if (takes)
        events[count++] = talk->input.event;
    wo_wait(events, count, WO_ANY, wait_ns(talk, now_ns), NULL);
    if (wo_wait(&talk->console->stop, 1, WO_ANY, 0, NULL) == 0) {
        *ret_status = text_client_outstanding(talk->client) || talk->failed ? EXIT_FAILED
                                                                            : EXIT_DONE;
        return false;
    }
    now_ns = clock_monotonic_ns();
    if (takes && wo_wait(&talk->input.event, 1, WO_ANY, 0, NULL) == 0)
        take_input(talk);
    if (text_client_step(talk->client, now_ns) || (!talk->was_joined && talk->lost[0])) {
        *ret_status = EXIT_FAILED; /* told of already */
        return false;
    }
    if (is_over(talk)) {
        *ret_status = talk->failed ? EXIT_FAILED : EXIT_DONE;
        return false;
    }
    if (is_given_up(talk, now_ns)) {
        talk_view_note(&talk->view, _("given up: %zu messages are not acknowledged"),
                       text_client_outstanding(talk->client));
        *ret_status = EXIT_FAILED;
        return false;
    }
    return true;
}

static int run(struct talk *talk)
{
    const struct settings *settings = talk->settings;
    const struct text_client_options options = {
        .room = settings->room,
        .backlog = settings->backlog >= 0 ? (uint32_t)settings->backlog
                   : talk->interactive    ? BACKLOG_TERMINAL
                                          : 0,
        .open = open_session,
        .open_owner = (void *)&settings->server,
        .reports = {on_joined, on_lost, on_message, on_direct, on_presence, on_members,
                    on_said, on_refused, on_missed, talk}};
    struct error err;
    int status = EXIT_DONE;
    if (text_client_new(&options, &talk->client, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    talk_view_draw(&talk->view);
    while (turn(talk, &status))
        ;
    text_client_free(&talk->client);
    return status;
}

static int talk_by_terminal(struct talk *talk)
{
    struct error err;
    if (keyboard_open(&talk->keyboard, STDIN_FILENO, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    talk->view.editor = &talk->editor;
    int status = run(talk);
    talk->view.editor = NULL;
    printf("\r\033[K");
    fflush(stdout);
    keyboard_close(&talk->keyboard);
    return status;
}

static int talk_once(const struct settings *settings, struct console *console)
{
    struct talk talk = {.settings = settings, .console = console};
    struct error err;
    talk.interactive = isatty(STDIN_FILENO) && terminal_is() && !settings->json;
    talk_view_init(&talk.view, console, settings->room, settings->json);
    talk.view.terminal = talk.interactive;
    editor_init(&talk.editor);
    buffer_init(&talk.bytes, 0);
    if (input_open(&talk.input, STDIN_FILENO, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    int status = talk.interactive ? talk_by_terminal(&talk) : run(&talk);
    input_close(&talk.input);
    buffer_done(&talk.bytes);
    editor_done(&talk.editor);
    return status;
}

int cmd_talk(int argc, char **argv)
{
    struct settings settings = {
        .room = "lobby", .backlog = -1, .patience_ns = PATIENCE_NS};
    bool helped = false;
    struct console console;
    struct error err;
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        goto out;
    /* Numbers of messages are this process's, and so is the client they are known by. */
    if (getrandom(settings.server.client_id, sizeof settings.server.client_id, 0) < 0)
        status = complain(EXIT_FAILED, _("the system gives no random numbers"));
    else if (console_open(&console, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    else
        status = console_close(&console, talk_once(&settings, &console));
out:
    server_options_done(&settings.server);
    return status;
}
