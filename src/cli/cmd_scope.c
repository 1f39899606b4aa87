/* woshou scope: what happened to every connection of a capture or an interface. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "capture/annotate.h"
#include "capture/sniffer.h"
#include "cli/language.h"
#include "cli/scope.h"
#include "cli/scope_annotate.h"
#include "cli/scope_input.h"
#include "cli/scope_options.h"
#include "cli/scope_output.h"
#include "cli/scope_page.h"
#include "cli/stop.h"
#include "cli/verbs.h"
#include "scope/comments.h"
#include "scope/where.h"
#include "tcp/tracker.h"

/* With events each connection takes more memory, so that fewer are followed at once. */
enum { WITH_EVENTS = 16384 };

static int list_interfaces(void)
{
    struct buffer list;
    struct error err = {0};
    buffer_init(&list, 0);
    int code = sniffer_list(&list, &err);
    bool printed = code == 0 && fputs(buffer_text(&list), stdout) >= 0;
    printed = fflush(stdout) == 0 && printed;
    buffer_done(&list);
    if (code)
        return complain(EXIT_FAILED, "%s", err.sentence);
    return printed ? EXIT_DONE
                   : complain(EXIT_FAILED, "%s", _("standard output cannot be written"));
}

static int make_tracker(struct scope_output *output, struct tracker **ret_tracker)
{
    const struct scope *scope = output->scope;
    struct tracker_options options = {
        .connections_max = scope->connections_max,
        .linger_ns = scope->interface ? 2 * NS_PER_S : 0,
        .keeps = scope->events || scope_draws(scope) ? scope_output_keeps : NULL,
        .on_story = scope_output_story,
        .owner = output,
    };
    if (scope->events && !options.connections_max)
        options.connections_max = WITH_EVENTS;
    return tracker_new(&options, ret_tracker);
}

/* --- what is said at the end --- */

static void say_counts(const struct scope *scope, const struct scope_output *output,
                       const struct scope_counts *counts)
{
    if (counts->dropped > 0)
        fprintf(stderr, _("woshou: the kernel had no room for %.0f packets\n"),
                (double)counts->dropped);
    if (output->summary.connections > 0 || scope->kind == SCOPE_JSON ||
        scope->kind == SCOPE_CSV)
        return;
    if (counts->packets == 0)
        fprintf(stderr, "%s\n", _("no packet was seen"));
    else if (counts->segments == 0)
        fprintf(stderr,
                _("no TCP segment in %.0f packets (%.0f left out by the filter, %.0f cut "
                  "or malformed)\n"),
                (double)counts->packets, (double)counts->filtered,
                (double)(counts->cut + counts->malformed));
    else if (scope->where)
        fprintf(stderr, "%s\n", _("no connection is as --where wants it"));
}

/* One sentence at most, for the gravest thing. */
static int report(const struct scope *scope, const struct scope_output *output,
                  const struct scope_counts *counts, uint64_t connections, int code,
                  const struct error *err)
{
    if (output->failed == ERROR_MEMORY)
        return complain(EXIT_FAILED, "%s", _("no memory for what is to be printed"));
    if (code == ERROR_ARGUMENT)
        return complain_usage("scope", "%s", err->sentence);
    if (code)
        return complain(EXIT_FAILED, "%s", err->sentence);
    if (output->failed == ERROR_RESET) /* whoever read it has seen enough */
        return EXIT_FAILED;
    if (output->failed)
        return complain(EXIT_FAILED, "%s", _("standard output cannot be written"));
    if (scope_draws(scope) && output->found)
        return EXIT_DONE;
    if (counts->stopped && scope->file)
        return complain(EXIT_FAILED, _("stopped after %.0f packets"),
                        (double)counts->packets);
    if (scope_draws(scope))
        return complain(EXIT_FAILED, _("there is no connection %u; the last is %.0f"),
                        scope->id, (double)connections);
    return EXIT_DONE;
}

/* --- one reading --- */

static int read_once(struct scope_output *output, wo_event *stop)
{
    const struct scope *scope = output->scope;
    struct scope_counts counts = {0};
    struct tracker *tracker;
    struct error err = {0};

    if (make_tracker(output, &tracker)) {
        scope_output_end(output);
        return complain(EXIT_FAILED, "%s", _("no memory for the connections"));
    }
    int code = scope_read(scope, tracker, stop, &counts, &err);
    tracker_finish(tracker);
    uint64_t connections = tracker_counts(tracker).connections;
    tracker_free(&tracker);
    scope_output_end(output);
    if (!code)
        say_counts(scope, output, &counts);
    output->stopped = counts.stopped;
    return report(scope, output, &counts, connections, code, &err);
}

/* The reading, with comments gathered, and one more that writes them. What a damaged
 * capture has before the damage is annotated, and the status stays the first reading's. */
static int read_and_annotate(struct scope_output *output, wo_event *stop)
{
    struct annotate *annotate = NULL;
    struct error err = {0};
    int status;

    int code =
        annotate_open(output->scope->file, output->scope->annotate, &annotate, &err);
    if (!code && comments_new(language_chosen(), &output->comments))
        code = error_set(&err, ERROR_MEMORY, "%s", _("no memory for the comments"));
    if (code) {
        scope_output_end(output);
        status = code == ERROR_ARGUMENT ? complain_usage("scope", "%s", err.sentence)
                                        : complain(EXIT_FAILED, "%s", err.sentence);
    } else {
        status = read_once(output, stop);
        bool used_wrongly = status == EXIT_USED_WRONGLY;
        if (!used_wrongly && !output->stopped && !output->failed &&
            scope_annotate(output->scope, annotate, output->comments, stop, &err))
            status = complain(EXIT_FAILED, "%s", err.sentence);
    }
    annotate_close(&annotate);
    comments_free(&output->comments);
    return status;
}

/* A file that is none on a disk is read as it comes, and its lines printed as they come. */
static bool comes_slowly(const struct scope *scope)
{
    struct stat about;
    if (scope->interface)
        return true;
    if (strcmp(scope->file, "-") == 0)
        return fstat(STDIN_FILENO, &about) == 0 && !S_ISREG(about.st_mode);
    return stat(scope->file, &about) == 0 && !S_ISREG(about.st_mode);
}

static int run(const struct scope *scope, wo_event *stop)
{
    struct scope_output output;
    if (scope->kind == SCOPE_HTML)
        return scope_page(scope, stop);
    scope_output_begin(&output, scope, comes_slowly(scope), stop);
    return scope->annotate ? read_and_annotate(&output, stop) : read_once(&output, stop);
}

int cmd_scope(int argc, char **argv)
{
    struct scope scope;
    struct buffer filter;
    struct error err = {0};
    wo_event *stop;

    buffer_init(&filter, 0);
    signal(SIGPIPE, SIG_IGN); /* files half written are taken away */
    int status = scope_options_read(argc, argv, &scope, &filter);
    if (status == 0 && scope.kind == SCOPE_LIST) {
        status = list_interfaces();
    } else if (status == 0 && stop_open(&stop, &err)) {
        status = complain(EXIT_FAILED, "%s", err.sentence);
    } else if (status == 0) {
        stop_interrupts();
        status = run(&scope, stop);
        stop_close(&stop);
    }
    where_free(&scope.where);
    buffer_done(&filter);
    return status < 0 ? EXIT_DONE : status;
}
