#include "cli/transfer_options.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "file/protocol.h"

const char *transfer_options_help(void)
{
    return _(
        "  --server HOST[:PORT]  where to; else the last word, WOSHOU_SERVER, or this\n"
        "                        machine\n"
        "  --connections N       at most so many for big files (4)\n"
        "  --preserve            times and modes too\n"
        "  --stall SECONDS       give a connection up on which nothing moves so long (20)\n"
        "  --progress            tell how far it is, on no terminal too\n"
        "  --quiet               say only what went wrong\n"
        "  --json                one object a line: results, and a summary at the end\n");
}

static int take_connections(struct transfer_options *options, const char *verb,
                            const char *value)
{
    char *end;
    unsigned long connections = strtoul(value, &end, 10);
    if (*end || end == value || connections < 1 || connections > FILE_CONNECTIONS_MOST)
        return complain_usage(verb, _("--connections: a number from 1 to %d, not '%s'"),
                              FILE_CONNECTIONS_MOST, value);
    options->client.connections = (unsigned)connections;
    return EXIT_DONE;
}

int transfer_options_take(struct transfer_options *options, const char *verb, int option,
                          const char *value)
{
    switch (option) {
    case TRANSFER_OPTION_SERVER: options->where = value; break;
    case TRANSFER_OPTION_CONNECTIONS: return take_connections(options, verb, value);
    case TRANSFER_OPTION_PRESERVE: options->client.preserve = true; break;
    case TRANSFER_OPTION_STALL:
        if (options_seconds(value, &options->client.stall_ns))
            return complain_usage(verb, _("--stall: '%s' is no number of seconds"),
                                  value);
        break;
    case TRANSFER_OPTION_PROGRESS: options->view.lines = true; break;
    case TRANSFER_OPTION_QUIET: options->view.quiet = true; break;
    case TRANSFER_OPTION_JSON: options->view.json = true; break;
    default: break;
    }
    return EXIT_DONE;
}

static void tell_meeting(void *owner, const struct session *session)
{
    const struct transfer_options *options = owner;
    server_options_met(&options->server, session);
}

static void show_progress(void *owner, const struct tally *tally)
{
    struct transfer_options *options = owner;
    transfer_view_progress(&options->view, tally);
}

int transfer_options_finish(struct transfer_options *options, const char *verb,
                            const char *where, wo_event *stop)
{
    int status = server_options_finish(&options->server, verb,
                                       options->where ? options->where : where);
    if (status)
        return status;
    options->client.session =
        server_options_session(&options->server, BUSINESS_FILE, stop);
    options->client.met = tell_meeting;
    options->client.progress = show_progress;
    options->client.owner = options;
    options->client.reports = (struct transfer_reports){.ended = transfer_view_ended,
                                                        .passed = transfer_view_passed,
                                                        .owner = &options->view};
    transfer_view_begin(&options->view);
    return EXIT_DONE;
}
