/* woshou scope: what happened to every connection of a capture or an interface. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "capture/sniffer.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/scope.h"
#include "cli/scope_input.h"
#include "cli/scope_output.h"
#include "cli/scope_page.h"
#include "cli/stop.h"
#include "cli/verbs.h"
#include "scope/where.h"
#include "tcp/tracker.h"

static void print_help(void)
{
    fputs(
        _("Usage: woshou scope -r FILE [OPTION]... [FILTER]\n"
          "       woshou scope -i INTERFACE [OPTION]... [FILTER]\n"
          "Say of every TCP connection in a capture how it opened, how it closed, who did\n"
          "what, and why it failed. FILE is pcap or pcapng, plain or compressed with gzip,\n"
          "zstd or lz4; - is standard input. FILTER is tcpdump's, such as 'port 443'.\n"
          "\n"
          "  -r, --read FILE      read a capture file\n"
          "  -i, --interface IF   watch an interface until Ctrl-C; any: all of them\n"
          "      --list           list the interfaces\n"
          "\n"
          "What is printed (default: a table, and a summary below it):\n"
          "      --json           each connection as a line of JSON, as it ends\n"
          "      --events         the same with its events\n"
          "      --csv            comma-separated values\n"
          "      --ladder ID      the ladder of one connection\n"
          "      --svg ID         the same as a picture\n"
          "      --mermaid ID     the same as a Mermaid sequence diagram\n"
          "      --html FILE      a page with the ladder of every connection worth one\n"
          "      --no-summary     the table alone\n"
          "\n"
          "Which connections:\n"
          "      --where EXPR     such as 'open=refused', 'rtt>50ms and server=:443',\n"
          "                       'anomalies=syn-retransmitted or close=reset'\n"
          "      --sort COLUMN    id, client, server, open, close, who, rtt, duration,\n"
          "                       bytes, packets, anomalies or start; -COLUMN: downwards\n"
          "      --top N          only the first N of that order\n"
          "\n"
          "      --max-connections N   how many are followed at once (default: 65536)\n"
          "      --count N        stop after N packets\n"
          "      --seconds N      stop after N seconds, of an interface\n"
          "      --snaplen N      capture only N bytes of each packet\n"
          "      --no-promiscuous\n"
          "      --quiet          no progress\n"
          "      --ascii          the ladder in plain ASCII\n"
          "      --lang LANG      en or zh (default: the environment's)\n"
          "      --help           print this and exit\n"),
        stdout);
}

/* A number from 1 to `most`; 0, or an exit status. */
static int read_count(const char *option, const char *text, uint64_t most,
                      uint64_t *ret_count)
{
    char *end;
    errno = 0;
    unsigned long long count = strtoull(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || count == 0 || count > most)
        return complain_usage("scope", _("%s takes a number from 1 to %.0f, not '%s'"),
                              option, (double)most, text);
    *ret_count = count;
    return 0;
}

static int read_sort(struct scope *scope, const char *text)
{
    scope->descending = *text == '-';
    enum column column =
        column_named(text + scope->descending, strlen(text + scope->descending));
    if (column == COLUMN_COUNT)
        return complain_usage("scope", _("--sort takes a column's name, not '%s'"), text);
    scope->sort = (int)column;
    return 0;
}

static int read_where(struct scope *scope, const char *text)
{
    struct error err = {0};
    where_free(&scope->where);
    if (where_new(text, &scope->where, &err))
        return complain_usage("scope", "--where: %s", err.sentence);
    return 0;
}

enum {
    JSON = OPTIONS_LONG,
    EVENTS,
    CSV,
    LADDER,
    SVG,
    MERMAID,
    HTML,
    NO_SUMMARY,
    WHERE,
    SORT,
    TOP,
    CONNECTIONS,
    COUNT,
    SECONDS,
    SNAPLEN,
    NO_PROMISCUOUS,
    QUIET,
    ASCII,
    LANGUAGE,
    LIST,
    HELP
};

static int read_id(struct scope *scope, enum scope_kind kind, const char *option,
                   const char *text)
{
    uint64_t id = 0;
    int status = read_count(option, text, UINT32_MAX, &id);
    scope->kind = kind;
    scope->id = (uint32_t)id;
    return status;
}

/* The options with a number. */
static int read_bound(struct scope *scope, int option, const char *text)
{
    uint64_t number = 0;
    int status;
    switch (option) {
    case TOP:
        status = read_count("--top", text, 1000000, &number);
        scope->top = number;
        return status;
    case CONNECTIONS:
        status = read_count("--max-connections", text, 16 << 20, &number);
        scope->connections_max = number;
        return status;
    case COUNT: return read_count("--count", text, UINT32_MAX, &scope->count);
    case SNAPLEN:
        status = read_count("--snaplen", text, 262144, &number);
        scope->snap_length = (int)number;
        return status;
    default:
        return options_seconds(text, &scope->time_ns)
                   ? complain_usage("scope", _("--seconds takes a number, not '%s'"),
                                    text)
                   : 0;
    }
}

static int read_option(struct scope *scope, int option)
{
    switch (option) {
    case 'r': scope->file = optarg; return 0;
    case 'i': scope->interface = optarg; return 0;
    case EVENTS:
        scope->events = true;
        scope->kind = SCOPE_JSON;
        return 0;
    case JSON: scope->kind = SCOPE_JSON; return 0;
    case CSV: scope->kind = SCOPE_CSV; return 0;
    case LADDER: return read_id(scope, SCOPE_LADDER, "--ladder", optarg);
    case SVG: return read_id(scope, SCOPE_SVG, "--svg", optarg);
    case MERMAID: return read_id(scope, SCOPE_MERMAID, "--mermaid", optarg);
    case HTML:
        scope->kind = SCOPE_HTML;
        scope->out = optarg;
        return 0;
    case NO_SUMMARY: scope->no_summary = true; return 0;
    case WHERE: return read_where(scope, optarg);
    case SORT: return read_sort(scope, optarg);
    case NO_PROMISCUOUS: scope->not_promiscuous = true; return 0;
    case QUIET: scope->quiet = true; return 0;
    case ASCII: scope->ascii = true; return 0;
    case LANGUAGE:
        return language_choose(optarg)
                   ? complain_usage("scope", _("--lang takes en or zh, not '%s'"), optarg)
                   : 0;
    default: return read_bound(scope, option, optarg);
    }
}

static int list_interfaces(void)
{
    struct buffer list;
    struct error err = {0};
    buffer_init(&list, 0);
    int code = sniffer_list(&list, &err);
    if (!code)
        fputs(buffer_text(&list), stdout);
    buffer_done(&list);
    return code ? complain(EXIT_FAILED, "%s", err.sentence) : -1;
}

/* The filter may come in several words, as tcpdump's does. */
static int read_filter(struct scope *scope, struct buffer *filter, int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        if (i > optind)
            buffer_append_char(filter, ' ');
        buffer_append_text(filter, argv[i]);
    }
    if (filter->length > 0)
        scope->filter = buffer_text(filter);
    if (!scope->file == !scope->interface)
        return complain_usage("scope", "%s",
                              _("either a file (-r) or an interface (-i) is needed"));
    if (scope->kind == SCOPE_HTML && (scope->interface || strcmp(scope->file, "-") == 0))
        return complain_usage("scope", "%s",
                              _("--html reads its file twice: -r with a file is needed"));
    return 0;
}

/* 0 to go on, -1 when all is said (--help), or an exit status. */
static int read_options(int argc, char **argv, struct scope *scope, struct buffer *filter)
{
    static const struct option options[] = {
        {"read", required_argument, NULL, 'r'},
        {"interface", required_argument, NULL, 'i'},
        {"list", no_argument, NULL, LIST},
        {"json", no_argument, NULL, JSON},
        {"events", no_argument, NULL, EVENTS},
        {"csv", no_argument, NULL, CSV},
        {"ladder", required_argument, NULL, LADDER},
        {"svg", required_argument, NULL, SVG},
        {"mermaid", required_argument, NULL, MERMAID},
        {"html", required_argument, NULL, HTML},
        {"no-summary", no_argument, NULL, NO_SUMMARY},
        {"where", required_argument, NULL, WHERE},
        {"sort", required_argument, NULL, SORT},
        {"top", required_argument, NULL, TOP},
        {"max-connections", required_argument, NULL, CONNECTIONS},
        {"count", required_argument, NULL, COUNT},
        {"seconds", required_argument, NULL, SECONDS},
        {"snaplen", required_argument, NULL, SNAPLEN},
        {"no-promiscuous", no_argument, NULL, NO_PROMISCUOUS},
        {"quiet", no_argument, NULL, QUIET},
        {"ascii", no_argument, NULL, ASCII},
        {"lang", required_argument, NULL, LANGUAGE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0}};
    int option, status = 0;

    opterr = 0;
    while (status == 0 &&
           (option = getopt_long(argc, argv, ":r:i:h", options, NULL)) != -1) {
        if (option == HELP || option == 'h') {
            print_help();
            return -1;
        }
        if (option == LIST)
            return list_interfaces();
        status = option == '?' || option == ':' ? options_complain("scope", option, argv)
                                                : read_option(scope, option);
    }
    return status ? status : read_filter(scope, filter, argc, argv);
}

/* --- running --- */

/* With events each connection takes more memory, so that fewer are followed at once. */
enum { WITH_EVENTS = 16384 };

static int make_tracker(struct scope_output *output, struct tracker **ret_tracker)
{
    const struct scope *scope = output->scope;
    bool pictures = scope->kind == SCOPE_LADDER || scope->kind == SCOPE_SVG ||
                    scope->kind == SCOPE_MERMAID;
    struct tracker_options options = {
        .connections_max = scope->connections_max,
        .linger_ns = scope->interface ? INT64_C(2000000000) : 0,
        .keeps = scope->events || pictures ? scope_output_keeps : NULL,
        .on_story = scope_output_story,
        .owner = output,
    };
    if (scope->events && !options.connections_max)
        options.connections_max = WITH_EVENTS;
    return tracker_new(&options, ret_tracker);
}

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

static int report(const struct scope *scope, struct scope_output *output,
                  const struct scope_counts *counts, uint64_t connections, int code,
                  const struct error *err)
{
    bool picture = scope->kind == SCOPE_LADDER || scope->kind == SCOPE_SVG ||
                   scope->kind == SCOPE_MERMAID;
    int printed = scope_output_end(output);

    say_counts(scope, output, counts);
    if (printed == ERROR_MEMORY)
        return complain(EXIT_FAILED, "%s", _("no memory for what is to be printed"));
    if (code == ERROR_ARGUMENT)
        return complain_usage("scope", "%s", err->sentence);
    if (code)
        return complain(EXIT_FAILED, "%s", err->sentence);
    if (printed)
        return complain(EXIT_FAILED, "%s", _("standard output cannot be written"));
    if (picture && !output->found)
        return complain(EXIT_FAILED, _("there is no connection %u; the last is %.0f"),
                        scope->id, (double)connections);
    if (counts->stopped && scope->file)
        return complain(EXIT_FAILED, _("stopped after %.0f packets"),
                        (double)counts->packets);
    return EXIT_DONE;
}

static int run_once(const struct scope *scope, wo_event *stop)
{
    struct scope_output output;
    struct scope_counts counts = {0};
    struct tracker *tracker;
    struct error err = {0};

    scope_output_begin(&output, scope, stop);
    if (make_tracker(&output, &tracker)) {
        scope_output_end(&output);
        return complain(EXIT_FAILED, "%s", _("no memory for the connections"));
    }
    int code = scope_read(scope, tracker, stop, &counts, &err);
    tracker_finish(tracker);
    uint64_t connections = tracker_counts(tracker).connections;
    tracker_free(&tracker);
    return report(scope, &output, &counts, connections, code, &err);
}

/* --- the page --- */

struct choosing {
    const struct scope *scope;
    struct scope_page page;
    struct summary summary;
};

static void choose(void *owner, const struct story *story)
{
    struct choosing *choosing = owner;
    struct row row = row_of(story);
    if (choosing->scope->where && !where_holds(choosing->scope->where, &row))
        return;
    summary_add(&choosing->summary, story);
    scope_page_choose(&choosing->page, story);
}

static int pass(const struct scope *scope, const struct tracker_options *options,
                wo_event *stop, struct scope_counts *counts, struct error *err)
{
    struct tracker *tracker;
    if (tracker_new(options, &tracker))
        return error_set(err, ERROR_MEMORY, "%s", _("no memory for the connections"));
    int code = scope_read(scope, tracker, stop, counts, err);
    tracker_finish(tracker);
    tracker_free(&tracker);
    return code;
}

/* A file that ends in the middle still makes a page of what was read. */
static int run_page(const struct scope *scope, wo_event *stop)
{
    struct choosing *choosing = calloc(1, sizeof *choosing);
    struct scope_counts counts;
    struct error err = {0}, page_err = {0};
    if (!choosing)
        return complain(EXIT_FAILED, "%s", _("no memory for the page"));
    choosing->scope = scope;
    struct tracker_options first = {
        .connections_max = scope->connections_max, .on_story = choose, .owner = choosing};
    struct tracker_options second = {.connections_max = scope->connections_max,
                                     .keeps = scope_page_keeps,
                                     .on_story = scope_page_story,
                                     .owner = &choosing->page};
    int code = pass(scope, &first, stop, &counts, &err);
    int status = EXIT_DONE;
    if (counts.packets > 0 && !counts.stopped) {
        pass(scope, &second, stop, &counts, &page_err);
        page_err = (struct error){0};
        if (!counts.stopped && scope_page_write(&choosing->page, scope->out, scope,
                                                &counts, &choosing->summary, &page_err))
            status = complain(EXIT_FAILED, "%s", page_err.sentence);
    }
    if (code)
        status = code == ERROR_ARGUMENT ? complain_usage("scope", "%s", err.sentence)
                                        : complain(EXIT_FAILED, "%s", err.sentence);
    else if (counts.stopped)
        status = complain(EXIT_FAILED, "%s", _("stopped; no page was written"));
    scope_page_done(&choosing->page);
    free(choosing);
    return status;
}

int cmd_scope(int argc, char **argv)
{
    struct scope scope = {.kind = SCOPE_TABLE, .sort = COLUMN_ID};
    struct buffer filter;
    struct error err = {0};
    wo_event *stop;

    buffer_init(&filter, 0);
    int status = read_options(argc, argv, &scope, &filter);
    if (status == 0 && stop_open(&stop, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    else if (status == 0) {
        status =
            scope.kind == SCOPE_HTML ? run_page(&scope, stop) : run_once(&scope, stop);
        stop_close(&stop);
    }
    where_free(&scope.where);
    buffer_done(&filter);
    return status < 0 ? EXIT_DONE : status;
}
