/* woshou serve: the server, of text and files, and of the article's conversation. */
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/serve_files.h"
#include "cli/serve_hello.h"
#include "cli/verbs.h"
#include "hello/server.h"
#include "net/address.h"
#include "net/session.h"
#include "serve/server.h"
#include "serve/systemd.h"
#include "text/protocol.h"
#include "text/text.h"

enum { MOST_PORTS = 16 };

struct ports {
    const char *texts[MOST_PORTS]; /* [ADDR:]PORT, as written */
    size_t count;
};

struct settings {
    struct ports hello, listen, lines, metrics;
    const char *greeting;
    int64_t silence_ns, heartbeat_ns, drain_ns;
    const char *folder, *name, *lines_room;
    unsigned workers;
    bool sink, insecure;
    int sockets; /* handed over by systemd */
};

static int print_help(void)
{
    printf(
        "%s",
        _("Usage: woshou serve [OPTION]...\n"
          "Serve rooms of text, for 'woshou talk', 'say' and 'history', and files, for\n"
          "'woshou send', 'get' and 'files'. Ctrl-C ends it in good order.\n\n"
          "  --listen [ADDR:]PORT   listen there (127.0.0.1:30000 and [::1]:30000);\n"
          "                         PORT alone is reached from this machine only\n"
          "  --lines [ADDR:]PORT    also speak plain lines of UTF-8 there, for nc\n"
          "  --hello [ADDR:]PORT    serve the article's conversation there: say hello and\n"
          "                         a zero in UTF-16LE (12 bytes), read one string of at\n"
          "                         most 200 bytes, print it as one line, and close;\n"
          "                         without --listen nothing else is served\n"
          "  --metrics PORT         figures for Prometheus, on this machine only\n"));
    printf(
        "%s",
        _("  --dir DIR              keep everything there ($XDG_STATE_HOME/woshou/server)\n"
          "  --name NAME            call the server so (the machine's name)\n"
          "  --insecure             ask neither TLS nor a token of other machines: whoever\n"
          "                         reaches the server may take part, and listen in\n"
          "  --room NAME            where plain lines begin (lobby)\n"
          "  --workers N            threads (one a core)\n"
          "  --heartbeat SECONDS    ask who was silent for so long whether he is there (30)\n"
          "  --drain SECONDS        at the end, wait for so long at most (5)\n"
          "  --sink                 check the files that come, and throw them away: for\n"
          "                         measuring, not for files you want to have\n"
          "  --greeting TEXT        the article's: say TEXT in place of hello\n"
          "  --silence SECONDS      the article's: close on who says nothing so long (60)\n"
          "  --help                 print this and exit\n\n"
          "Addresses may be 0.0.0.0, [::] or names, PORT 0 takes any free one, and each may\n"
          "be given several times. Strings of the article's conversation go to standard\n"
          "output, made visible; everything else to standard error, one line each.\n"));
    return EXIT_DONE;
}

static int add_port(struct ports *ports, const char *option, const char *text)
{
    struct address_words words;
    struct error err;
    if (address_parse(text, &words, &err))
        return complain_usage("serve", "%s: %s", option, err.sentence);
    if (!words.has_port)
        return complain_usage("serve", _("%s: '%s' has no port"), option, text);
    if (ports->count == MOST_PORTS)
        return complain_usage("serve", _("%s: at most %d of them"), option, MOST_PORTS);
    ports->texts[ports->count++] = text;
    return EXIT_DONE;
}

/* Whoever can read it learns how much is said: never more than this machine. */
static int add_metrics(struct ports *ports, const char *text)
{
    struct address_words words;
    struct error err;
    int status = add_port(ports, "--metrics", text);
    if (status || address_parse(text, &words, &err))
        return status;
    if (words.host[0] && strcmp(words.host, "localhost") != 0 &&
        strncmp(words.host, "127.", 4) != 0 && strcmp(words.host, "::1") != 0)
        return complain_usage("serve",
                              _("--metrics: only for this machine: 127.0.0.1 or [::1]"));
    return EXIT_DONE;
}

static int take_seconds(const char *option, const char *text, int64_t *ret_ns)
{
    if (options_seconds(text, ret_ns))
        return complain_usage("serve", _("%s: '%s' is no number of seconds"), option,
                              text);
    return EXIT_DONE;
}

static int take_workers(struct settings *settings, const char *text)
{
    char *end;
    unsigned long workers = strtoul(text, &end, 10);
    if (*end || end == text || workers < 1 || workers > TEXT_DESKS_MOST)
        return complain_usage("serve", _("--workers: a number from 1 to %d, not '%s'"),
                              TEXT_DESKS_MOST, text);
    settings->workers = (unsigned)workers;
    return EXIT_DONE;
}

static int take_name(const char *option, const char *text, const char **ret_name)
{
    if (!text_name_valid(text, strlen(text)))
        return complain_usage(
            "serve", _("%s: 1 to 64 bytes of visible characters, no space at either end"),
            option);
    *ret_name = text;
    return EXIT_DONE;
}

enum {
    OPTION_HELLO = OPTIONS_LONG,
    OPTION_LISTEN,
    OPTION_LINES,
    OPTION_METRICS,
    OPTION_DIR,
    OPTION_NAME,
    OPTION_ROOM,
    OPTION_INSECURE,
    OPTION_WORKERS,
    OPTION_HEARTBEAT,
    OPTION_DRAIN,
    OPTION_SINK,
    OPTION_GREETING,
    OPTION_SILENCE,
    OPTION_HELP
};

static int take_option(struct settings *settings, int option, char **argv)
{
    switch (option) {
    case OPTION_HELLO: return add_port(&settings->hello, "--hello", optarg);
    case OPTION_LISTEN: return add_port(&settings->listen, "--listen", optarg);
    case OPTION_LINES: return add_port(&settings->lines, "--lines", optarg);
    case OPTION_METRICS: return add_metrics(&settings->metrics, optarg);
    case OPTION_DIR: settings->folder = optarg; return EXIT_DONE;
    case OPTION_NAME: return take_name("--name", optarg, &settings->name);
    case OPTION_ROOM: return take_name("--room", optarg, &settings->lines_room);
    case OPTION_INSECURE: settings->insecure = true; return EXIT_DONE;
    case OPTION_WORKERS: return take_workers(settings, optarg);
    case OPTION_HEARTBEAT:
        return take_seconds("--heartbeat", optarg, &settings->heartbeat_ns);
    case OPTION_DRAIN: return take_seconds("--drain", optarg, &settings->drain_ns);
    case OPTION_SINK: settings->sink = true; return EXIT_DONE;
    case OPTION_GREETING:
        settings->greeting = optarg;
        return options_check_message("serve", "--greeting", optarg);
    case OPTION_SILENCE: return take_seconds("--silence", optarg, &settings->silence_ns);
    default: return options_complain("serve", option, argv);
    }
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {
        {"hello", required_argument, NULL, OPTION_HELLO},
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"lines", required_argument, NULL, OPTION_LINES},
        {"metrics", required_argument, NULL, OPTION_METRICS},
        {"dir", required_argument, NULL, OPTION_DIR},
        {"name", required_argument, NULL, OPTION_NAME},
        {"room", required_argument, NULL, OPTION_ROOM},
        {"insecure", no_argument, NULL, OPTION_INSECURE},
        {"workers", required_argument, NULL, OPTION_WORKERS},
        {"heartbeat", required_argument, NULL, OPTION_HEARTBEAT},
        {"drain", required_argument, NULL, OPTION_DRAIN},
        {"sink", no_argument, NULL, OPTION_SINK},
        {"greeting", required_argument, NULL, OPTION_GREETING},
        {"silence", required_argument, NULL, OPTION_SILENCE},
        {"help", no_argument, NULL, OPTION_HELP},
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
    if (optind < argc)
        return complain_usage("serve", _("'%s' is one word too many"), argv[optind]);
    return EXIT_DONE;
}

/* Every connection holds a descriptor; the soft limit is 1,024 for the sake of
 * select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* --- Listening --- */

static void tell_listening(enum server_port kind, const struct endpoint *local)
{
    char spelled[ENDPOINT_TEXT];
    endpoint_format(local, spelled);
    switch (kind) {
    case SERVER_PORT_FRAMES: fprintf(stderr, _("listening on %s\n"), spelled); break;
    case SERVER_PORT_LINES: fprintf(stderr, _("plain lines on %s\n"), spelled); break;
    case SERVER_PORT_METRICS:
        fprintf(stderr, _("metrics on http://%s/metrics\n"), spelled);
        break;
    }
}

/* Plain lines have neither TLS nor tokens. */
static int check_lines(const struct settings *settings, const struct address_list *list,
                       const char *text)
{
    for (size_t i = 0; i < list->count && !settings->insecure; i++) {
        const struct endpoint endpoint =
            endpoint_from_address((const struct sockaddr *)&list->addresses[i].storage);
        if (!endpoint_is_loopback(&endpoint))
            return complain_usage(
                "serve",
                _("--lines: '%s' is reached by others, without TLS and token; if that is "
                  "meant, say --insecure"),
                text);
    }
    return EXIT_DONE;
}

/* Listens at every address of one text. A name may have some that this machine has not, such as
 * ::1 where there is no IPv6: one that works is enough then. */
static int listen_at(struct server *server, const struct settings *settings,
                     enum server_port kind, const char *text)
{
    struct address_list list;
    struct error err;
    if (address_read(text, "127.0.0.1", 0, &list, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    int status =
        kind == SERVER_PORT_LINES ? check_lines(settings, &list, text) : EXIT_DONE;
    if (status)
        return status;
    size_t listening = 0;
    for (size_t i = 0; i < list.count; i++) {
        struct endpoint local;
        int code = server_listen(server, kind, &list.addresses[i], &local, &err);
        if (code && code != ERROR_ABSENT && code != ERROR_UNSUPPORTED)
            return complain(EXIT_FAILED, "%s", err.sentence);
        if (code)
            continue;
        tell_listening(kind, &local);
        listening++;
    }
    return listening ? EXIT_DONE : complain(EXIT_FAILED, "%s", err.sentence);
}

static int listen_at_all(struct server *server, const struct settings *settings,
                         enum server_port kind, const struct ports *ports)
{
    int status = EXIT_DONE;
    for (size_t i = 0; i < ports->count && !status; i++)
        status = listen_at(server, settings, kind, ports->texts[i]);
    return status;
}

/* A socket's name in its unit (FileDescriptorName=) says what it is for. */
static enum server_port port_named(const char *name)
{
    if (strcmp(name, "lines") == 0)
        return SERVER_PORT_LINES;
    return strcmp(name, "metrics") == 0 ? SERVER_PORT_METRICS : SERVER_PORT_FRAMES;
}

static int take_sockets(struct server *server, int count)
{
    for (int fd = SYSTEMD_FIRST; fd < SYSTEMD_FIRST + count; fd++) {
        enum server_port kind = port_named(systemd_socket_name(fd));
        struct endpoint local;
        struct error err;
        if (server_take(server, kind, fd, &local, &err))
            return complain(EXIT_FAILED, "%s", err.sentence);
        tell_listening(kind, &local);
    }
    return EXIT_DONE;
}

static int listen_everywhere(struct server *server, const struct settings *settings)
{
    static const struct ports usual = {{"127.0.0.1:30000", "[::1]:30000"}, 2};
    const struct ports *frames = &settings->listen;
    if (!frames->count && !settings->sockets)
        frames = &usual;
    int status = take_sockets(server, settings->sockets);
    if (!status)
        status = listen_at_all(server, settings, SERVER_PORT_FRAMES, frames);
    if (!status)
        status = listen_at_all(server, settings, SERVER_PORT_LINES, &settings->lines);
    if (!status)
        status = listen_at_all(server, settings, SERVER_PORT_METRICS, &settings->metrics);
    if (!status)
        fprintf(stderr, _("fingerprint %s\n"), server_fingerprint(server));
    return status;
}

/* --- Serving --- */

/* $XDG_STATE_HOME/woshou/server, or what stands for it. */
static int usual_folder(struct buffer *folder)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    const char *directory = getenv("STATE_DIRECTORY"); /* systemd's StateDirectory= */
    if (directory)
        buffer_append_text(folder, directory);
    else if (state && state[0] == '/')
        buffer_append_format(folder, "%s/woshou/server", state);
    else if (home && home[0] == '/')
        buffer_append_format(folder, "%s/.local/state/woshou/server", home);
    else
        return complain(EXIT_FAILED,
                        _("there is no home to keep things in; give --dir DIR"));
    return folder->failed ? complain(EXIT_FAILED, _("out of memory")) : EXIT_DONE;
}

/* The article's conversation beside the server, in a thread of its own. */
struct beside {
    pthread_t thread;
    bool runs;
    struct hello_server *hello;
    struct console
        console; /* with a stop event of its own: an event is in one wait set */
    int status;
};

static void *run_beside(void *argument)
{
    struct beside *beside = argument;
    beside->status = serve_hello_run(beside->hello, &beside->console);
    return NULL;
}

static int start_beside(struct beside *beside,
                        const struct serve_hello_settings *settings)
{
    if (!settings->count)
        return EXIT_DONE;
    if (wo_event_new(WO_MANUAL_RESET, &beside->console.stop))
        return complain(EXIT_FAILED, _("out of memory"));
    int status = serve_hello_open(settings, &beside->console, &beside->hello);
    if (!status && pthread_create(&beside->thread, NULL, run_beside, beside))
        status = complain(EXIT_FAILED, _("out of memory"));
    beside->runs = !status;
    return status;
}

static int end_beside(struct beside *beside)
{
    if (beside->runs) {
        wo_event_set(beside->console.stop);
        pthread_join(beside->thread, NULL);
    }
    hello_server_free(&beside->hello);
    wo_event_free(&beside->console.stop);
    return beside->status;
}

static int run_server(struct server *server, const struct settings *settings,
                      struct console *console, const struct serve_hello_settings *hello)
{
    struct beside beside = {0};
    struct error err;
    int status = listen_everywhere(server, settings);
    if (!status)
        status = start_beside(&beside, hello);
    if (!status) {
        systemd_notify("READY=1");
        if (server_run(server, console->stop, &err))
            status = complain(EXIT_FAILED, "%s", err.sentence);
        systemd_notify("STOPPING=1");
    }
    int hello_status = end_beside(&beside);
    return status ? status : hello_status;
}

static int serve(const struct settings *settings, struct console *console,
                 const struct serve_hello_settings *hello)
{
    char host[TEXT_NAME_BYTES + 1] = "woshou";
    struct buffer folder;
    struct server *server = NULL;
    struct error err;
    buffer_init(&folder, 0);
    gethostname(host, sizeof host - 1);
    int status = EXIT_DONE;
    if (settings->folder)
        buffer_append_text(&folder, settings->folder);
    else
        status = usual_folder(&folder);
    const struct server_setup options = {.folder = buffer_text(&folder),
                                         .name = settings->name ? settings->name : host,
                                         .workers = settings->workers,
                                         .drain_ns = settings->drain_ns,
                                         .heartbeat_ns = settings->heartbeat_ns,
                                         .lines_room = settings->lines_room,
                                         .insecure = settings->insecure};
    if (!status && server_new(&options, &server, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    const struct serve_files_settings filing = {.folder = buffer_text(&folder),
                                                .heartbeat_ns = settings->heartbeat_ns,
                                                .sink = settings->sink};
    struct serve_files *files = NULL;
    if (!status && serve_files_start(server, &filing, &files, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    if (!status)
        status = run_server(server, settings, console, hello);
    serve_files_end(&files);
    server_free(&server);
    buffer_done(&folder);
    return status;
}

static int serve_hello_alone(const struct serve_hello_settings *settings,
                             struct console *console)
{
    struct hello_server *server = NULL;
    int status = serve_hello_open(settings, console, &server);
    if (!status)
        status = serve_hello_run(server, console);
    hello_server_free(&server);
    return status;
}

int cmd_serve(int argc, char **argv)
{
    struct settings settings = {.sockets = systemd_sockets()};
    bool helped = false;
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        return status;
    raise_descriptor_limit();
    struct console console;
    struct error err;
    if (console_open(&console, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    const struct serve_hello_settings hello = {.ports = settings.hello.texts,
                                               .count = settings.hello.count,
                                               .greeting = settings.greeting,
                                               .silence_ns = settings.silence_ns};
    bool alone = settings.hello.count && !settings.listen.count &&
                 !settings.lines.count && !settings.sockets;
    status =
        alone ? serve_hello_alone(&hello, &console) : serve(&settings, &console, &hello);
    return console_close(&console, status);
}
