/* woshou lab: experiments on the real kernel, those that come with the program and
 * anybody's own. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/folder.h"
#include "cli/lab_job.h"
#include "cli/lab_say.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/stop.h"
#include "cli/verbs.h"
#include "lab/catalogue.h"
#include "lab/read.h"

enum { EXPERIMENTS_MAX = 256 };

/* "quick" is what is over about as soon as one looks. */
#define QUICK_NS NS_PER_S

struct lab {
    struct lab_order order;
    bool quick, all, list;
    struct experiment *experiments[EXPERIMENTS_MAX];
};

static void print_help(void)
{
    fputs(
        _("Usage: woshou lab list\n"
          "       woshou lab NAME|NUMBER|FILE... [OPTION]...\n"
          "       woshou lab all [OPTION]...\n"
          "Prove or refute what is said about TCP: each experiment makes two hosts, lets\n"
          "both programs and the wire do what its claim is about, and checks by itself what\n"
          "then must be seen. FILE is an experiment of your own; doc/lab.md tells how to\n"
          "write one.\n"
          "\n"
          "  --html DIR   write a book: the article claim by claim, and a page an experiment\n"
          "  --json       print each result as a line of JSON, in place of ladders\n"
          "  --pcap DIR   write what each host saw as capture files\n"
          "  --step       show the ladder packet by packet, waiting for Enter (q ends)\n"
          "  --quick      with list and all: only those that take less than a second\n"
          "  --sabotage   spoil each experiment in the ways it names: its claim must then\n"
          "               come out otherwise\n"
          "  --jobs N     how many experiments run side by side (default: 12)\n"
          "  --ascii      ladders in plain ASCII\n"
          "  --lang LANG  en or zh (default: the environment's)\n"
          "  --delay MS   the wire's length: how long each packet takes, 1 to 20\n"
          "               (default: 10)\n"
          "  --wire KIND  tun, veth, or best: the first of these that can be had (default)\n"
          "  --help       print this and exit\n"
          "\n"
          "The exit status is 1 where an experiment comes out otherwise than it expects of\n"
          "this kernel.\n"),
        stdout);
}

/* --- Options --- */

static int read_kind(const char *word, enum wire_kind *ret_kind)
{
    for (int kind = WIRE_BEST; kind <= WIRE_VETH; kind++) {
        if (strcmp(word, wire_kind_word((enum wire_kind)kind)) == 0) {
            *ret_kind = (enum wire_kind)kind;
            return 0;
        }
    }
    return complain_usage("lab", _("--wire takes best, tun or veth, not '%s'"), word);
}

static int read_number(const char *option, const char *word, double least, double most,
                       double *ret_number)
{
    char *end;
    double number = strtod(word, &end);
    if (end == word || *end || !(number >= least && number <= most))
        return complain_usage("lab", _("%s takes %g to %g, not '%s'"), option, least,
                              most, word);
    *ret_number = number;
    return 0;
}

/* 0 to go on, -1 when all is said (--help), or an exit status. */
static int read_options(int argc, char **argv, struct lab *lab)
{
    enum {
        HTML = OPTIONS_LONG,
        JSON,
        PCAP,
        STEP,
        QUICK,
        SABOTAGE,
        JOBS,
        ASCII,
        LANGUAGE,
        DELAY,
        WIRE,
        HELP
    };
    static const struct option options[] = {{"html", required_argument, NULL, HTML},
                                            {"json", no_argument, NULL, JSON},
                                            {"pcap", required_argument, NULL, PCAP},
                                            {"step", no_argument, NULL, STEP},
                                            {"quick", no_argument, NULL, QUICK},
                                            {"sabotage", no_argument, NULL, SABOTAGE},
                                            {"jobs", required_argument, NULL, JOBS},
                                            {"ascii", no_argument, NULL, ASCII},
                                            {"lang", required_argument, NULL, LANGUAGE},
                                            {"delay", required_argument, NULL, DELAY},
                                            {"wire", required_argument, NULL, WIRE},
                                            {"help", no_argument, NULL, HELP},
                                            {NULL, 0, NULL, 0}};
    struct lab_order *order = &lab->order;
    int option, status = 0;
    double number = 0;

    opterr = 0;
    while (status == 0 && (option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (option) {
        case HTML: order->html = optarg; break;
        case JSON: order->json = true; break;
        case PCAP: order->pcap = optarg; break;
        case STEP: order->step = true; break;
        case QUICK: lab->quick = true; break;
        case SABOTAGE: order->sabotage = true; break;
        case JOBS:
            status = read_number("--jobs", optarg, 1, 64, &number);
            if (status == 0)
                order->at_once = (size_t)number;
            break;
        case ASCII: order->ascii = true; break;
        case LANGUAGE:
            if (language_choose(optarg))
                status =
                    complain_usage("lab", _("--lang takes en or zh, not '%s'"), optarg);
            break;
        case DELAY:
            status = read_number("--delay", optarg, 1, 20, &number);
            if (status == 0)
                order->delay_ns = (int64_t)(number * NS_PER_MS);
            break;
        case WIRE: status = read_kind(optarg, &order->kind); break;
        case HELP:
        case 'h': print_help(); return -1;
        default: status = options_complain("lab", option, argv);
        }
    }
    if (status == 0 && order->step && order->json)
        status = complain_usage("lab", "%s", _("--step and --json exclude each other"));
    return status;
}

/* --- Which experiments --- */

static int add_experiment(struct lab *lab, struct experiment *experiment)
{
    if (lab->order.count == EXPERIMENTS_MAX) {
        experiment_free(&experiment);
        return complain(EXIT_FAILED, _("more than %d experiments at a time"),
                        EXPERIMENTS_MAX);
    }
    lab->experiments[lab->order.count++] = experiment;
    return 0;
}

static int add_from_catalogue(struct lab *lab, size_t index)
{
    struct experiment *experiment;
    struct error err = {0};
    if (catalogue_read(index, &experiment, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    if (lab->quick && experiment->takes_ns >= QUICK_NS) {
        experiment_free(&experiment);
        return 0;
    }
    return add_experiment(lab, experiment);
}

static int add_all(struct lab *lab)
{
    int status = 0;
    for (size_t i = 0; i < lab_texts_count && status == 0; i++)
        status = add_from_catalogue(lab, i);
    return status;
}

static int read_whole(const char *path, struct buffer *text, struct error *err)
{
    char bytes[4096];
    size_t length;
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set_system(err, errno, "%s", path);
    while ((length = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(text, bytes, length);
    int system = ferror(file) ? errno : 0;
    fclose(file);
    if (system)
        return error_set_system(err, system, "%s", path);
    return text->failed
               ? error_set(err, text->failed, _("%s: the script is too long"), path)
               : 0;
}

static int add_file(struct lab *lab, const char *path)
{
    struct experiment *experiment;
    struct error err = {0};
    struct buffer text;
    buffer_init(&text, LAB_SCRIPT_MAX);
    int status = read_whole(path, &text, &err);
    if (status == 0)
        status =
            experiment_read(path, buffer_text(&text), text.length, &experiment, &err);
    buffer_done(&text);
    if (status)
        return complain(EXIT_FAILED, "%s", err.sentence);
    return add_experiment(lab, experiment);
}

static int complain_unknown(const char *name)
{
    char nearest[CATALOGUE_NAME];
    struct buffer shown;
    int status;
    buffer_init(&shown, 0);
    visible_append(&shown, name, strlen(name));
    if (catalogue_nearest(name, nearest))
        status = complain_usage(
            "lab", _("there is no experiment '%s'; did you mean '%s'? 'woshou lab list'"),
            buffer_text(&shown), nearest);
    else
        status = complain_usage(
            "lab", _("there is no experiment '%s'; 'woshou lab list' lists them"),
            buffer_text(&shown));
    buffer_done(&shown);
    return status;
}

static bool is_path(const char *name)
{
    size_t length = strlen(name);
    return strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".lab") == 0);
}

static int choose(struct lab *lab, int argc, char **argv)
{
    if (optind == argc)
        return complain_usage("lab", "%s",
                              _("which experiment? 'woshou lab list' lists them"));
    lab->list = strcmp(argv[optind], "list") == 0;
    lab->all = strcmp(argv[optind], "all") == 0;
    if (lab->list || lab->all) {
        if (optind + 1 < argc)
            return complain_usage("lab", _("'%s' stands alone, but got '%s'"),
                                  argv[optind], argv[optind + 1]);
        return add_all(lab);
    }
    int status = 0;
    for (int i = optind; i < argc && status == 0; i++) {
        int index = catalogue_find(argv[i]);
        if (is_path(argv[i]))
            status = add_file(lab, argv[i]);
        else if (index >= 0)
            status = add_from_catalogue(lab, (size_t)index);
        else
            status = complain_unknown(argv[i]);
    }
    return status;
}

/* --- Doing it --- */

static void print_list(const struct lab *lab)
{
    for (size_t i = 0; i < lab->order.count; i++) {
        const struct experiment *experiment = lab->experiments[i];
        char takes[16] = "< 1";
        if (experiment->takes_ns)
            snprintf(takes, sizeof takes, "%.0f",
                     (double)experiment->takes_ns / NS_PER_S);
        printf("%3d  %-26s %4s s  %s\n", experiment->number, experiment->name, takes,
               lab_text_in(&experiment->title, language_chosen()));
    }
}

/* Two hosts, or the reasons why not, and what would help. */
static int find_hosts(struct lab_order *order)
{
    struct error tun = {0}, veth = {0};
    if (order->kind != WIRE_VETH && wire_probe(WIRE_TUN, &tun) == 0)
        order->kind = WIRE_TUN;
    else if (order->kind != WIRE_TUN && wire_probe(WIRE_VETH, &veth) == 0)
        order->kind = WIRE_VETH;
    else
        return complain(
            EXIT_FAILED,
            _("no experiment can run here: all of them need two hosts of their own, and "
              "these cannot be made (%s). Run it as root, or allow user namespaces: "
              "sysctl -w user.max_user_namespaces=10000"),
            tun.code ? tun.sentence : veth.sentence);
    return 0;
}

static int make_folders(const struct lab_order *order)
{
    struct error err = {0};
    if ((order->html && folder_make(order->html, &err)) ||
        (order->pcap && folder_make(order->pcap, &err)))
        return complain(EXIT_FAILED, "%s", err.sentence);
    return 0;
}

static int run(struct lab *lab)
{
    struct lab_order *order = &lab->order;
    struct error err = {0};
    int status = find_hosts(order);
    if (status == 0)
        status = make_folders(order);
    if (status)
        return status;
    if (stop_open(&order->stop, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    order->brief = lab->all || order->sabotage;
    order->experiments = lab->experiments;
    int different = lab_job_run(order, &err);
    stop_close(&order->stop);
    if (different == ERROR_INTERRUPTED)
        return complain(EXIT_FAILED, "%s", _("stopped; nothing was left behind"));
    if (different < 0)
        return complain(EXIT_FAILED, "%s", err.sentence);
    return different ? EXIT_FAILED : EXIT_DONE;
}

int cmd_lab(int argc, char **argv)
{
    struct lab lab = {
        .order = {.kind = WIRE_BEST, .delay_ns = 10 * NS_PER_MS, .at_once = 12}};
    int status = read_options(argc, argv, &lab);
    if (status)
        return status < 0 ? EXIT_DONE : status;
    status = choose(&lab, argc, argv);
    if (status == 0 && lab.list)
        print_list(&lab);
    else if (status == 0)
        status = run(&lab);
    for (size_t i = 0; i < lab.order.count; i++)
        experiment_free(&lab.experiments[i]);
    return status;
}
