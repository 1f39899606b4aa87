/* woshou hello: the article's client. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "hello/client.h"
#include "net/address.h"

enum { HELLO_PORT = 30001 };

struct settings {
    const char *host; /* HOST[:PORT], as written */
    const char *say;
    int64_t for_ns;
};

/* Whom it hears, and where that goes. */
struct ear {
    char peer[ENDPOINT_TEXT]; /* "" until connected */
    struct console console;
};

static int print_help(void)
{
    printf(
        "%s",
        _("Usage: woshou hello HOST[:PORT] [OPTION]...\n"
          "Be the article's client: connect (port 30001 where none is given), print every\n"
          "string that comes as one line, and leave when the server closes, or at Ctrl-C.\n"
          "PORT alone means this machine.\n\n"
          "  --say TEXT     answer TEXT, at most 99 UTF-16 units, after the greeting\n"
          "  --for SECONDS  leave after so long\n"
          "  --help         print this and exit\n\n"
          "Escapes and controls in what comes are made visible.\n"));
    return EXIT_DONE;
}

enum { OPTION_SAY = OPTIONS_LONG, OPTION_FOR, OPTION_HELP };

static int take_option(struct settings *settings, int option, char **argv)
{
    switch (option) {
    case OPTION_SAY:
        settings->say = optarg;
        return options_check_message("hello", "--say", optarg);
    case OPTION_FOR:
        if (options_seconds(optarg, &settings->for_ns))
            return complain_usage("hello", _("--for: '%s' is no number of seconds"),
                                  optarg);
        return EXIT_DONE;
    default: return options_complain("hello", option, argv);
    }
}

static int take_host(struct settings *settings, int argc, char **argv)
{
    struct address_words words;
    struct error err;
    if (optind == argc)
        return complain_usage("hello", _("say whom to connect to: HOST[:PORT]"));
    if (optind + 1 < argc)
        return complain_usage("hello", _("'%s' is one word too many"), argv[optind + 1]);
    settings->host = argv[optind];
    if (address_parse(settings->host, &words, &err))
        return complain_usage("hello", "%s", err.sentence);
    return EXIT_DONE;
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {{"say", required_argument, NULL, OPTION_SAY},
                                            {"for", required_argument, NULL, OPTION_FOR},
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
    return take_host(settings, argc, argv);
}

static void tell_faults(const struct ear *ear, const struct message_faults *faults)
{
    char array[256];
    struct buffer sentence;
    buffer_init_fixed(&sentence, array, sizeof array);
    message_describe(faults, HELLO_CLIENT_BYTES, &sentence);
    fprintf(stderr, "%s: %s\n", ear->peer, buffer_text(&sentence));
}

static void print_heard(void *owner, const char *text, size_t length,
                        const struct message_faults *faults)
{
    struct ear *ear = owner;
    if (message_faulty(faults))
        tell_faults(ear, faults);
    console_print(&ear->console, text, length);
}

static int talk(const struct settings *settings, const struct address_list *addresses,
                struct ear *ear)
{
    struct hello_client client;
    struct error err;
    const struct hello_client_options options = {.say = settings->say,
                                                 .for_ns = settings->for_ns,
                                                 .heard = print_heard,
                                                 .owner = ear};
    int code = hello_client_open(&client, addresses, &options, ear->console.stop, &err);
    if (code == ERROR_INTERRUPTED)
        return complain(EXIT_FAILED, _("stopped before the connection was made"));
    if (code)
        return complain(EXIT_FAILED, "%s", err.sentence);
    endpoint_format(&client.stream.peer, ear->peer);
    int status = EXIT_DONE;
    if (hello_client_run(&client, ear->console.stop, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    hello_client_close(&client);
    return status;
}

int cmd_hello(int argc, char **argv)
{
    struct settings settings = {0};
    bool helped = false;
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        return status;
    struct address_list addresses;
    struct error err;
    /* Before console_open: a name server that does not answer is left by Ctrl-C's usual
     * meaning. */
    if (address_read(settings.host, "127.0.0.1", HELLO_PORT, &addresses, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    struct ear ear = {0};
    if (console_open(&ear.console, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    return console_close(&ear.console, talk(&settings, &addresses, &ear));
}
