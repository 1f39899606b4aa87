/* woshou send: files and folders to a server. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/transfer_options.h"
#include "cli/verbs.h"
#include "text/protocol.h"

static int print_help(void)
{
    printf(
        "%s",
        _("Usage: woshou send FILE|FOLDER... [HOST[:PORT]] [OPTION]...\n"
          "Send files, and folders with all that is in them. Each is there under its own\n"
          "last name once it is whole, checked and on the disk, and not a moment before.\n"
          "Whatever breaks a transfer off, the same command goes on where it was. What is\n"
          "there is never replaced. Links are sent as what they lead to where they are\n"
          "named here, and passed over inside folders. The last word is the server's where\n"
          "it is no file here.\n\n"
          "  --to ROOM             tell ROOM when a file is there\n"));
    printf("%s", transfer_options_help());
    printf("%s", server_options_help());
    printf("%s", _("  --help                print this and exit\n"));
    return EXIT_DONE;
}

enum { OPTION_TO = OPTIONS_LONG, OPTION_HELP };

struct settings {
    struct transfer_options transfer;
    const char *room;
    const char *const *paths;
    size_t count;
    const char *where;
};

static int take_option(struct settings *settings, int option, char **argv)
{
    if (transfer_options_are(option))
        return transfer_options_take(&settings->transfer, "send", option, optarg);
    if (server_options_are(option))
        return server_options_take(&settings->transfer.server, "send", option, optarg);
    if (option != OPTION_TO)
        return options_complain("send", option, argv);
    if (!text_name_valid(optarg, strlen(optarg)))
        return complain_usage("send", _("--to: '%s' is no room's name"), optarg);
    settings->room = optarg;
    return EXIT_DONE;
}

/* The last of several words is the server where it is no file and looks like none. */
static void find_where(struct settings *settings)
{
    const char *last = settings->count > 1 ? settings->paths[settings->count - 1] : "/";
    if (settings->transfer.where || strchr(last, '/') || access(last, F_OK) == 0)
        return;
    settings->where = last;
    settings->count--;
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {TRANSFER_OPTIONS,
                                            SERVER_OPTIONS,
                                            {"to", required_argument, NULL, OPTION_TO},
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
    settings->paths = (const char *const *)argv + optind;
    settings->count = (size_t)(argc - optind);
    if (settings->count == 0)
        return complain_usage("send", _("say what to send: FILE or FOLDER"));
    find_where(settings);
    return EXIT_DONE;
}

int cmd_send(int argc, char **argv)
{
    struct settings settings = {.transfer.view.direction = TRANSFER_SEND};
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
    status = transfer_options_finish(transfer, "send", settings.where, console.stop);
    if (!status) {
        int code = file_client_send(&transfer->client, settings.paths, settings.count,
                                    settings.room, &refused, &err);
        status = transfer_view_end(&transfer->view, code, &refused, &err);
    }
    server_options_done(&transfer->server);
    return console_close(&console, status);
}
