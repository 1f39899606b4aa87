/* woshou serve: the article's server. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hello/server.h"
#include "net/address.h"

enum { MOST_PORTS = 16 };

struct settings {
    const char *hello[MOST_PORTS]; /* [ADDR:]PORT, as written */
    size_t hello_count;
    const char *greeting;
    int64_t silence_ns;
};

static int print_help(void)
{
    printf(
        "%s",
        _("Usage: woshou serve --hello [ADDR:]PORT [OPTION]...\n"
          "Serve the article's conversation: to everyone who connects say hello and a\n"
          "zero in UTF-16LE (12 bytes), read one string of at most 200 bytes, print it\n"
          "as one line, and close. Ctrl-C ends it.\n\n"
          "  --hello [ADDR:]PORT  listen there; PORT alone is reached from this machine\n"
          "                       only (127.0.0.1); ADDR may be 0.0.0.0, [::], a name;\n"
          "                       PORT 0 takes any free one; may be given several times\n"
          "  --greeting TEXT      say TEXT in place of hello\n"
          "  --silence SECONDS    close on who says nothing for so long (60)\n"
          "  --help               print this and exit\n\n"
          "Strings go to standard output, escapes and controls made visible; everything\n"
          "else goes to standard error, one line each.\n"));
    return EXIT_DONE;
}

static int add_port(struct settings *settings, const char *text)
{
    struct address_words words;
    struct error err;
    if (address_parse(text, &words, &err))
        return complain_usage("serve", "--hello: %s", err.sentence);
    if (!words.has_port)
        return complain_usage("serve", _("--hello: '%s' has no port"), text);
    if (settings->hello_count == MOST_PORTS)
        return complain_usage("serve", _("--hello: at most %d of them"), MOST_PORTS);
    settings->hello[settings->hello_count++] = text;
    return EXIT_DONE;
}

enum { OPTION_HELLO = OPTIONS_LONG, OPTION_GREETING, OPTION_SILENCE, OPTION_HELP };

static int take_option(struct settings *settings, int option, char **argv)
{
    switch (option) {
    case OPTION_HELLO: return add_port(settings, optarg);
    case OPTION_GREETING:
        settings->greeting = optarg;
        return options_check_message("serve", "--greeting", optarg);
    case OPTION_SILENCE:
        if (options_seconds(optarg, &settings->silence_ns))
            return complain_usage("serve", _("--silence: '%s' is no number of seconds"),
                                  optarg);
        return EXIT_DONE;
    default: return options_complain("serve", option, argv);
    }
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {
        {"hello", required_argument, NULL, OPTION_HELLO},
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
    if (settings->hello_count == 0)
        return complain_usage("serve", _("say where to listen: --hello [ADDR:]PORT"));
    return EXIT_DONE;
}

/* --- What the server reports --- */

static void print_said(void *owner, const struct endpoint *peer, const char *text,
                       size_t length)
{
    (void)peer;
    console_print(owner, text, length);
}

static void print_told(void *owner, const struct endpoint *peer, const char *sentence)
{
    (void)owner;
    char text[ENDPOINT_TEXT];
    if (peer)
        fprintf(stderr, "%s: %s\n", endpoint_format(peer, text), sentence);
    else
        complain(EXIT_DONE, "%s", sentence);
}

/* --- Serving --- */

/* Every conversation holds descriptors; the soft limit is 1,024 for the sake of
 * select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Listens at every address of one --hello. A name may have some that this machine has
 * not, such as ::1 where there is no IPv6: one that works is enough then. */
static int listen_at(struct hello_server *server, const char *text)
{
    struct address_list list;
    struct error err;
    int code = address_read(text, "127.0.0.1", 0, &list, &err);
    if (code)
        return complain(EXIT_FAILED, "%s", err.sentence);
    size_t listening = 0;
    for (size_t i = 0; i < list.count; i++) {
        struct endpoint local;
        char spelled[ENDPOINT_TEXT];
        code = hello_server_listen(server, &list.addresses[i], &local, &err);
        if (code && code != ERROR_ABSENT && code != ERROR_UNSUPPORTED)
            return complain(EXIT_FAILED, "%s", err.sentence);
        if (code)
            continue;
        fprintf(stderr, _("listening on %s\n"), endpoint_format(&local, spelled));
        listening++;
    }
    return listening ? EXIT_DONE : complain(EXIT_FAILED, "%s", err.sentence);
}

static int serve(const struct settings *settings, struct console *console)
{
    struct hello_server *server = NULL;
    struct error err;
    const struct hello_server_options options = {
        .greeting = settings->greeting,
        .silence_ns = settings->silence_ns,
        .reports = {print_said, print_told, console}};
    if (hello_server_new(&options, &server, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    int status = EXIT_DONE;
    for (size_t i = 0; i < settings->hello_count && status == EXIT_DONE; i++)
        status = listen_at(server, settings->hello[i]);
    if (status == EXIT_DONE && hello_server_run(server, console->stop, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    hello_server_free(&server);
    return status;
}

int cmd_serve(int argc, char **argv)
{
    struct settings settings = {0};
    bool helped = false;
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        return status;
    raise_descriptor_limit();
    struct console console;
    struct error err;
    if (console_open(&console, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    return console_close(&console, serve(&settings, &console));
}
