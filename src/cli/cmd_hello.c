/* woshou hello: the article's client. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/stop.h"
#include "cli/verbs.h"
#include "hello/client.h"
#include "net/address.h"

enum { HELLO_PORT = 30001 };

struct settings {
    const char *host; /* HOST[:PORT], as written */
    const char *say;
    int64_t for_ns;
};

/* What comes of the strings that are heard. */
struct console {
    char peer[ENDPOINT_TEXT]; /* whom it hears, once connected */
    wo_event *stop;
    int write_errno; /* of standard output; 0 as long as it takes what is written */
};

static int print_help(void)
{
    printf("%s",
           _("Usage: woshou hello HOST[:PORT] [OPTION]...\n"
             "Be the article's client: connect (port 30001 where none is given), print "
             "every\n"
             "string that comes as one line, and leave when the server closes, or at "
             "Ctrl-C.\n"
             "PORT alone means this machine.\n\n"
             "  --say TEXT     answer TEXT, at most 99 UTF-16 units, after the greeting\n"
             "  --for SECONDS  leave after so long\n"
             "  --help         print this and exit\n\n"
             "Escapes and controls in what comes are made visible.\n"));
    return EXIT_DONE;
}

static int check_say(const char *text)
{
    struct buffer bytes;
    struct error err;
    buffer_init(&bytes, 0);
    int code = message_encode(text, strlen(text), &bytes, &err);
    buffer_done(&bytes);
    return code ? complain_usage("hello", "--say: %s", err.sentence) : EXIT_DONE;
}

enum { OPTION_SAY = OPTIONS_LONG, OPTION_FOR, OPTION_HELP };

static int take_option(struct settings *settings, int option, char **argv)
{
    switch (option) {
    case OPTION_SAY: settings->say = optarg; return check_say(optarg);
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

static void tell_faults(const struct console *console,
                        const struct message_faults *faults)
{
    char array[256];
    struct buffer sentence;
    buffer_init_fixed(&sentence, array, sizeof array);
    message_describe(faults, HELLO_CLIENT_BYTES, &sentence);
    fprintf(stderr, "%s: %s\n", console->peer, buffer_text(&sentence));
}

static void print_heard(void *owner, const char *text, size_t length,
                        const struct message_faults *faults)
{
    struct console *console = owner;
    struct buffer line;
    if (message_faulty(faults))
        tell_faults(console, faults);
    buffer_init(&line, 0);
    visible_append(&line, text, length);
    errno = 0;
    if (printf("%s\n", buffer_text(&line)) < 0 || fflush(stdout) != 0) {
        console->write_errno = errno ? errno : EIO;
        wo_event_set(console->stop);
    }
    buffer_done(&line);
}

static int talk(const struct settings *settings, const struct address_list *addresses,
                struct console *console)
{
    struct hello_client client;
    struct error err;
    const struct hello_client_options options = {.say = settings->say,
                                                 .for_ns = settings->for_ns,
                                                 .heard = print_heard,
                                                 .owner = console};
    int code = hello_client_open(&client, addresses, &options, console->stop, &err);
    if (code == ERROR_INTERRUPTED)
        return complain(EXIT_FAILED, _("stopped before the connection was made"));
    if (code)
        return complain(EXIT_FAILED, "%s", err.sentence);
    endpoint_format(&client.stream.peer, console->peer);
    int status = EXIT_DONE;
    if (hello_client_run(&client, console->stop, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    hello_client_close(&client);
    if (console->write_errno) {
        error_set_system(&err, console->write_errno, "standard output");
        status = complain(EXIT_FAILED, "%s", err.sentence);
    }
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
    /* Before stop_open: a name server that does not answer is left by Ctrl-C's usual
     * meaning. */
    if (address_read(settings.host, "127.0.0.1", HELLO_PORT, &addresses, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    /* A closed pipe on standard output is told of, not died of. */
    signal(SIGPIPE, SIG_IGN);
    struct console console = {0};
    if (stop_open(&console.stop, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    status = talk(&settings, &addresses, &console);
    stop_close(&console.stop);
    return status;
}
