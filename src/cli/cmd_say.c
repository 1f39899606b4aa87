/* woshou say: one message, kept when it returns. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/server_options.h"
#include "cli/talk_view.h"
#include "cli/verbs.h"
#include "text/client.h"

#define PATIENCE_NS (60 * NS_PER_S)

struct settings {
    struct server_options server;
    const char *where, *room, *to;
    struct buffer text;
    bool json;
};

/* What became of it. */
struct saying {
    const struct settings *settings;
    struct talk_view view;
    bool done, joined;
    int status;
};

static int print_help(void)
{
    printf(
        "%s%s%s",
        _("Usage: woshou say [OPTION]... ROOM TEXT...\n"
          "       woshou say [OPTION]... --to NAME TEXT...\n"
          "Say one message, the words with a space between them, in ROOM, or to one person\n"
          "alone, and leave once it is kept. A connection that is lost is made again for a\n"
          "minute, and the message is kept once all the same.\n\n"
          "  --server HOST[:PORT]  where (WOSHOU_SERVER, or this machine)\n"
          "  --to NAME             to everyone of that name who is there; not kept\n"
          "  --json                what became of it as one JSON object\n"),
        server_options_help(), _("  --help                print this and exit\n"));
    return EXIT_DONE;
}

enum { OPTION_SERVER = OPTIONS_LONG, OPTION_TO, OPTION_JSON, OPTION_HELP };

static int take_option(struct settings *settings, int option, char **argv)
{
    if (server_options_are(option))
        return server_options_take(&settings->server, "say", option, optarg);
    switch (option) {
    case OPTION_SERVER: settings->where = optarg; return EXIT_DONE;
    case OPTION_TO: settings->to = optarg; return EXIT_DONE;
    case OPTION_JSON: settings->json = true; return EXIT_DONE;
    default: return options_complain("say", option, argv);
    }
}

static int take_text(struct settings *settings, int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        if (i > optind)
            buffer_append_char(&settings->text, ' ');
        buffer_append_text(&settings->text, argv[i]);
    }
    const struct buffer *text = &settings->text;
    if (text->failed)
        return complain(EXIT_FAILED, _("out of memory"));
    if (text->length == 0)
        return complain_usage("say", _("say what: TEXT"));
    if (text->length > TEXT_BYTES)
        return complain_usage("say", _("TEXT is longer than %d bytes"), TEXT_BYTES);
    if (!utf8_valid(text->bytes, text->length))
        return complain_usage("say", _("TEXT is not UTF-8"));
    return EXIT_DONE;
}

static int take_words(struct settings *settings, int argc, char **argv)
{
    if (settings->to && settings->room)
        return complain_usage("say", _("either ROOM or --to NAME"));
    if (!settings->to && !settings->room)
        return complain_usage("say", _("say where: ROOM"));
    const char *name = settings->to ? settings->to : settings->room;
    if (!text_name_valid(name, strlen(name)))
        return complain_usage(
            "say",
            settings->to
                ? _("--to: a name is 1 to 64 bytes of visible characters, no space at either end")
                : _("a room's name is 1 to 64 bytes of visible characters, no space at either end"));
    int status = take_text(settings, argc, argv);
    if (!settings->server.name)
        settings->server.name = talk_view_login_name();
    return status ? status
                  : server_options_finish(&settings->server, "say", settings->where);
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, OPTION_SERVER},
        {"to", required_argument, NULL, OPTION_TO},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},
        SERVER_OPTIONS,
        {0}};
    opterr = 0;
    /* Before and behind the room, but not in the text, which may have dashes. */
    for (;;) {
        int option = getopt_long(argc, argv, "+:h", options, NULL);
        if (option == OPTION_HELP || option == 'h') {
            *ret_helped = true;
            return print_help();
        }
        if (option == -1 && (settings->to || settings->room || optind == argc))
            break;
        if (option == -1) {
            settings->room = argv[optind++];
            continue;
        }
        int status = take_option(settings, option, argv);
        if (status)
            return status;
    }
    return take_words(settings, argc, argv);
}

/* --- What the client reports --- */

static void on_joined(void *owner, const struct session *session, uint32_t members)
{
    (void)session, (void)members;
    ((struct saying *)owner)->joined = true;
}

static void fail(struct saying *saying, unsigned code, const char *sentence)
{
    struct buffer line;
    saying->done = true;
    saying->status = EXIT_FAILED;
    if (!saying->settings->json) {
        complain(EXIT_FAILED, "%s", sentence);
        return;
    }
    struct json_writer writer = talk_view_event_begin(&saying->view, &line, "refused");
    json_put_key(&writer, "error");
    json_put_text(&writer, frame_error_name(code));
    talk_view_put_text(&writer, "sentence", sentence, strlen(sentence));
    talk_view_event_end(&saying->view, &writer);
}

/* Once it may have been sent, it is tried again; whoever cannot get there at all is told. */
static void on_lost(void *owner, const char *sentence, unsigned code)
{
    struct saying *saying = owner;
    if (!saying->joined)
        fail(saying, code, sentence);
}

static void on_said(void *owner, uint64_t number, uint64_t seq, int64_t time_ns)
{
    struct saying *saying = owner;
    struct buffer line;
    (void)number;
    saying->done = true;
    if (!saying->settings->json)
        return;
    struct json_writer writer = talk_view_event_begin(&saying->view, &line, "said");
    json_put_key(&writer, "seq");
    json_put_integer(&writer, (int64_t)seq);
    json_put_key(&writer, "time_ns");
    json_put_integer(&writer, time_ns);
    talk_view_event_end(&saying->view, &writer);
}

static void on_refused(void *owner, uint64_t number, unsigned code, const char *sentence)
{
    (void)number;
    fail(owner, code, sentence);
}

static int open_session(void *owner, wo_event *stop, struct channel_scratch *scratch,
                        struct session *ret_session, struct session_refused *ret_refused,
                        struct error *err)
{
    return server_options_open(owner, BUSINESS_TEXT, stop, scratch, ret_session,
                               ret_refused, err);
}

/* --- Saying --- */

static int wait_until_done(struct saying *saying, struct text_client *client,
                           struct console *console)
{
    int64_t until_ns = clock_monotonic_ns() + PATIENCE_NS;
    while (!saying->done) {
        wo_event *events[1 + TEXT_CLIENT_EVENTS] = {console->stop};
        size_t count = 1 + text_client_events(client, events + 1);
        int64_t now_ns = clock_monotonic_ns(), next_ns = text_client_next_ns(client);
        next_ns = next_ns < until_ns ? next_ns : until_ns;
        wo_wait(events, count, WO_ANY, next_ns > now_ns ? next_ns - now_ns : 0, NULL);
        now_ns = clock_monotonic_ns();
        if (wo_wait(&console->stop, 1, WO_ANY, 0, NULL) == 0)
            return complain(EXIT_FAILED,
                            _("stopped before the message was acknowledged"));
        if (now_ns >= until_ns)
            return complain(EXIT_FAILED, _("the message was not acknowledged in time"));
        if (text_client_step(client, now_ns) && !saying->done)
            fail(saying, 0, _("the server refused"));
    }
    return saying->status;
}

static int say(const struct settings *settings, struct console *console)
{
    struct saying saying = {.settings = settings};
    const char *room = settings->room ? settings->room : "lobby";
    const struct text_client_options options = {.room = room,
                                                .speaker = true,
                                                .open = open_session,
                                                .open_owner = (void *)&settings->server,
                                                .reports = {.joined = on_joined,
                                                            .lost = on_lost,
                                                            .said = on_said,
                                                            .refused = on_refused,
                                                            .owner = &saying}};
    struct text_client *client = NULL;
    struct error err;
    const struct buffer *text = &settings->text;
    talk_view_init(&saying.view, console, room, settings->json);
    int code = text_client_new(&options, &client, &err);
    if (code)
        return complain(EXIT_FAILED, "%s", err.sentence);
    const char *to = settings->to ? settings->to : "";
    int status = text_client_tell(client, to, strlen(to), text->bytes, text->length, NULL)
                     ? complain(EXIT_FAILED, _("out of memory"))
                     : wait_until_done(&saying, client, console);
    text_client_free(&client);
    return status;
}

int cmd_say(int argc, char **argv)
{
    struct settings settings = {0};
    bool helped = false;
    struct console console;
    struct error err;
    buffer_init(&settings.text, 0);
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        goto out;
    /* Its number is this process's, and so is the client it is known by. */
    if (getrandom(settings.server.client_id, sizeof settings.server.client_id, 0) < 0)
        status = complain(EXIT_FAILED, _("the system gives no random numbers"));
    else if (console_open(&console, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    else
        status = console_close(&console, say(&settings, &console));
out:
    server_options_done(&settings.server);
    buffer_done(&settings.text);
    return status;
}
