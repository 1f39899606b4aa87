#include "cli/scope_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "scope/column.h"
#include "scope/where.h"

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
          "What is printed (default: a table; below it a summary, and for every kind of\n"
          "failure what it means and what to check):\n"
          "      --json           each connection as a line of JSON, as it ends\n"
          "      --events         the same with its events\n"
          "      --csv            comma-separated values\n"
          "      --ladder ID      the ladder of one connection\n"
          "      --svg ID         the same as a picture\n"
          "      --mermaid ID     the same as a Mermaid sequence diagram\n"
          "      --html FILE      a page: the table, and a ladder of every connection worth\n"
          "                       one\n"
          "      --annotate FILE  also write the capture again, as pcapng, with findings as\n"
          "                       packet comments, which Wireshark shows\n"
          "      --no-summary     the table alone\n"
          "\n"
          "Which connections:\n"
          "      --where EXPR     such as 'open=refused', 'rtt>50ms and server=:443',\n"
          "                       'anomalies=syn-retransmitted or close=reset'\n"
          "      --sort COLUMN    id, client, server, open, close, who, rtt, duration,\n"
          "                       bytes, packets, anomalies or start; -COLUMN: downwards\n"
          "      --top N          only the first N of that order\n"
          "\n"
          "      --max-connections N   followed at once at most (default: 65536, 52 MiB)\n"
          "      --count N        stop after N packets\n"
          "      --seconds N      stop after N seconds, of an interface\n"
          "      --snaplen N      capture only N bytes of each packet\n"
          "      --no-promiscuous\n"
          "      --progress       tell on standard error how far it is, though that is no\n"
          "                       terminal; --quiet: though it is one, not\n"
          "      --ascii          table and ladder in plain ASCII\n"
          "      --lang LANG      en or zh (default: the environment's)\n"
          "      --help           print this and exit\n"
          "\n"
          "Colour is used on a terminal, unless NO_COLOR is set.\n"),
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
    scope->sorted = true;
    return 0;
}

static int read_where(struct scope *scope, const char *text)
{
    struct error err = {0};
    where_free(&scope->where);
    if (where_new(text, language_chosen(), &scope->where, &err))
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
    ANNOTATE,
    NO_SUMMARY,
    WHERE,
    SORT,
    TOP,
    CONNECTIONS,
    COUNT,
    SECONDS,
    SNAPLEN,
    NO_PROMISCUOUS,
    PROGRESS,
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
    case ANNOTATE: scope->annotate = optarg; return 0;
    case LIST: scope->kind = SCOPE_LIST; return 0;
    case NO_SUMMARY: scope->no_summary = true; return 0;
    case WHERE: return read_where(scope, optarg);
    case SORT: return read_sort(scope, optarg);
    case NO_PROMISCUOUS: scope->not_promiscuous = true; return 0;
    case PROGRESS: scope->progress = PROGRESS_ALWAYS; return 0;
    case QUIET: scope->progress = PROGRESS_NEVER; return 0;
    case ASCII: scope->ascii = true; return 0;
    case LANGUAGE:
        return language_choose(optarg)
                   ? complain_usage("scope", _("--lang takes en or zh, not '%s'"), optarg)
                   : 0;
    default: return read_bound(scope, option, optarg);
    }
}

/* The filter may come in several words, as tcpdump's does. */
static void read_filter(struct scope *scope, struct buffer *filter, int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        if (i > optind)
            buffer_append_char(filter, ' ');
        buffer_append_text(filter, argv[i]);
    }
    if (filter->length > 0)
        scope->filter = buffer_text(filter);
}

/* What does not go together. 0, or an exit status. */
static int check(const struct scope *scope)
{
    bool from_pipe = scope->interface || !scope->file || strcmp(scope->file, "-") == 0;

    if (scope->kind == SCOPE_LIST)
        return 0;
    if (!scope->file == !scope->interface)
        return complain_usage("scope", "%s",
                              _("either a file (-r) or an interface (-i) is needed"));
    if ((scope->kind == SCOPE_HTML || scope->annotate) && from_pipe)
        return complain_usage("scope",
                              _("%s reads its file twice: -r with a file is needed"),
                              scope->annotate ? "--annotate" : "--html");
    if (scope->kind == SCOPE_HTML && scope->annotate)
        return complain_usage("scope", "%s",
                              _("--html and --annotate are two runs, not one"));
    if ((scope->sorted || scope->top) && scope->kind != SCOPE_TABLE &&
        scope->kind != SCOPE_HTML)
        return complain_usage("scope", "%s",
                              _("--sort and --top order a table; what is printed as "
                                "connections end has the order of their ends"));
    if (scope->time_ns && scope->file)
        return complain_usage("scope", "%s",
                              _("--seconds bounds how long an interface is watched"));
    return 0;
}

int scope_options_read(int argc, char **argv, struct scope *ret_scope,
                       struct buffer *filter)
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
        {"annotate", required_argument, NULL, ANNOTATE},
        {"no-summary", no_argument, NULL, NO_SUMMARY},
        {"where", required_argument, NULL, WHERE},
        {"sort", required_argument, NULL, SORT},
        {"top", required_argument, NULL, TOP},
        {"max-connections", required_argument, NULL, CONNECTIONS},
        {"count", required_argument, NULL, COUNT},
        {"seconds", required_argument, NULL, SECONDS},
        {"snaplen", required_argument, NULL, SNAPLEN},
        {"no-promiscuous", no_argument, NULL, NO_PROMISCUOUS},
        {"progress", no_argument, NULL, PROGRESS},
        {"quiet", no_argument, NULL, QUIET},
        {"ascii", no_argument, NULL, ASCII},
        {"lang", required_argument, NULL, LANGUAGE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0}};
    int option, status = 0;

    *ret_scope = (struct scope){.kind = SCOPE_TABLE, .sort = COLUMN_ID};
    opterr = 0;
    while (status == 0 &&
           (option = getopt_long(argc, argv, ":r:i:h", options, NULL)) != -1) {
        if (option == HELP || option == 'h') {
            print_help();
            return -1;
        }
        status = option == '?' || option == ':' ? options_complain("scope", option, argv)
                                                : read_option(ret_scope, option);
    }
    read_filter(ret_scope, filter, argc, argv);
    return status ? status : check(ret_scope);
}
