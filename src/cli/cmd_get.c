/* woshou get: files and folders from a server. */
#include <getopt.h>
#include <stdio.h>

#include "base/error.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/transfer_options.h"
#include "cli/verbs.h"

static int print_help(void)
{
    printf(
        "%s",
        _("Usage: woshou get NAME [HOST[:PORT]] [OPTION]...\n"
          "       woshou get NAME... --server HOST[:PORT] [OPTION]...\n"
          "Get files and folders from a server; 'woshou files' lists them. Each is here\n"
          "once it is whole, checked and on the disk, and not a moment before. Whatever\n"
          "breaks a transfer off, the same command goes on where it was. What is here is\n"
          "never replaced.\n\n"
          "  --into FOLDER         put them there (the current one)\n"));
    printf("%s", transfer_options_help());
    printf("%s", server_options_help());
    printf("%s", _("  --help                print this and exit\n"));
    return EXIT_DONE;
}

enum { OPTION_INTO = OPTIONS_LONG, OPTION_HELP };

struct settings {
    struct transfer_options transfer;
    const char *into;
    const char *const *names;
    size_t count;
    const char *where;
};

static int take_option(struct settings *settings, int option, char **argv)
{
    if (transfer_options_are(option))
        return transfer_options_take(&settings->transfer, "get", option, optarg);
    if (server_options_are(option))
        return server_options_take(&settings->transfer.server, "get", option, optarg);
    if (option != OPTION_INTO)
        return options_complain("get", option, argv);
    settings->into = optarg;
    return EXIT_DONE;
}

static int take_words(struct settings *settings, int argc, char **argv)
{
    settings->names = (const char *const *)argv + optind;
    settings->count = (size_t)(argc - optind);
    if (settings->count == 0)
        return complain_usage("get", _("say what to get: NAME"));
    if (settings->transfer.where || settings->count == 1)
        return EXIT_DONE;
    if (settings->count > 2)
        return complain_usage("get", _("several names, so say where with --server"));
    settings->where = settings->names[1];
    settings->count = 1;
    return EXIT_DONE;
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {
        TRANSFER_OPTIONS,
        SERVER_OPTIONS,
        {"into", required_argument, NULL, OPTION_INTO},
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
    return take_words(settings, argc, argv);
}

int cmd_get(int argc, char **argv)
{
    struct settings settings = {.transfer.view.direction = TRANSFER_GET, .into = "."};
    struct transfer_options *transfer = &settings.transfer;
    struct session_refused refused = {0};
    struct console console;
    struct error err = {0};
    bool helped = false;
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        return status;
    if (console_open(&console, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    status = transfer_options_finish(transfer, "get", settings.where, console.stop);
    if (!status) {
        int code = file_client_get(&transfer->client, settings.names, settings.count,
                                   settings.into, &refused, &err);
        status = transfer_view_end(&transfer->view, code, &refused, &err);
    }
    server_options_done(&transfer->server);
    return console_close(&console, status);
}
