/* woshou demo: the article, live. Plays the scenes over a wire, prints each ladder as it
 * grows, and leaves one page with all of them. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/demo_page.h"
#include "cli/language.h"
#include "cli/live.h"
#include "cli/options.h"
#include "cli/stop.h"
#include "cli/verbs.h"
#include "draw/json.h"
#include "lab/scene.h"

struct demo {
    const char *out; /* where the page goes; null: nowhere */
    bool json, svg;
    bool ascii;
    enum wire_kind kind;
    int64_t delay_ns;
};

static void print_help(void)
{
    fputs(
        _("Usage: woshou demo [OPTION]...\n"
          "Open, use and close real TCP connections between two hosts of its own making,\n"
          "and draw what happened: the article's hello; one client with three connections\n"
          "to one server port; a port where nobody listens. The ladders appear as they\n"
          "happen, and demo.html holds them all.\n"
          "\n"
          "  --out DIR    put demo.html into DIR (default: the current directory)\n"
          "  --svg        put hello.svg, three.svg and refused.svg there as well\n"
          "  --json       print each connection as a line of JSON with its events, in place\n"
          "               of ladders; writes files only with --out or --svg\n"
          "  --ascii      ladders in plain ASCII\n"
          "  --lang LANG  en or zh (default: the environment's)\n"
          "  --delay MS   the wire's length: how long each packet takes, 0 to 1000\n"
          "               (default: 30)\n"
          "  --wire KIND  tun, veth: two hosts joined by this program; capture, calls: the\n"
          "               loopback, only watched; best: the first that can be had (default)\n"
          "  --help       print this and exit\n"
          "\n"
          "Colour is used on a terminal, unless NO_COLOR is set.\n"),
        stdout);
}

static int read_kind(const char *word, enum wire_kind *ret_kind)
{
    for (int kind = WIRE_BEST; kind <= WIRE_CALLS; kind++) {
        if (strcmp(word, wire_kind_word((enum wire_kind)kind)) == 0) {
            *ret_kind = (enum wire_kind)kind;
            return 0;
        }
    }
    return complain_usage(
        "demo", _("--wire takes best, tun, veth, capture or calls, not '%s'"), word);
}

static int read_delay(const char *word, int64_t *ret_ns)
{
    char *end;
    double ms = strtod(word, &end);
    if (end == word || *end || !(ms >= 0 && ms <= 1000))
        return complain_usage("demo", _("--delay takes 0 to 1000 milliseconds, not '%s'"),
                              word);
    *ret_ns = (int64_t)(ms * NS_PER_MS);
    return 0;
}

/* 0 to go on, -1 when all is said (--help), or an exit status. */
static int read_options(int argc, char **argv, struct demo *demo)
{
    enum { OUT = OPTIONS_LONG, JSON, SVG, ASCII, LANGUAGE, DELAY, WIRE, HELP };
    static const struct option options[] = {{"out", required_argument, NULL, OUT},
                                            {"svg", no_argument, NULL, SVG},
                                            {"json", no_argument, NULL, JSON},
                                            {"ascii", no_argument, NULL, ASCII},
                                            {"lang", required_argument, NULL, LANGUAGE},
                                            {"delay", required_argument, NULL, DELAY},
                                            {"wire", required_argument, NULL, WIRE},
                                            {"help", no_argument, NULL, HELP},
                                            {NULL, 0, NULL, 0}};
    int option, status = 0;

    opterr = 0;
    while (status == 0 && (option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        switch (option) {
        case OUT: demo->out = optarg; break;
        case JSON: demo->json = true; break;
        case SVG: demo->svg = true; break;
        case ASCII: demo->ascii = true; break;
        case LANGUAGE:
            if (language_choose(optarg))
                status =
                    complain_usage("demo", _("--lang takes en or zh, not '%s'"), optarg);
            break;
        case DELAY: status = read_delay(optarg, &demo->delay_ns); break;
        case WIRE: status = read_kind(optarg, &demo->kind); break;
        case HELP:
        case 'h': print_help(); return -1;
        default: status = options_complain("demo", option, argv);
        }
    }
    if (status == 0 && optind < argc)
        status = complain_usage("demo", _("demo takes no argument, but got '%s'"),
                                argv[optind]);
    if (status == 0 && !demo->out && (!demo->json || demo->svg))
        demo->out = ".";
    return status;
}

static int print_json(const struct wire *wire)
{
    struct buffer line;
    buffer_init(&line, 0);
    for (size_t i = 0; i < wire_story_count(wire); i++)
        json_story(wire_story(wire, i), true, language_chosen(), &line);
    int failed = line.failed;
    if (!failed && (fputs(buffer_text(&line), stdout) < 0 || fflush(stdout) != 0))
        failed = ERROR_SYSTEM;
    buffer_done(&line);
    return failed;
}

/* Plays one scene; its wire, with the stories, goes to `ret_wire`. */
static int play(const struct demo *demo, enum scene scene, uint32_t first_id,
                wo_event *stop, struct wire **ret_wire, struct error *err)
{
    struct live live;
    struct scene_options options = {
        .wire = {.kind = demo->kind, .delay_ns = demo->delay_ns}, .stop = stop};

    if (!demo->json) {
        live_begin(&live, demo->ascii, (size_t)scene_connections(scene));
        live_title(&live, demo_scene_title(scene), demo_scene_intro(scene));
        options.wire.on_growth = live_on_growth;
        options.wire.owner = &live;
    }
    int status = scene_play(scene, &options, ret_wire, err);
    for (size_t i = 0; status == 0 && i < wire_story_count(*ret_wire); i++)
        wire_story(*ret_wire, i)->id = first_id + (uint32_t)i;
    int shown = 0;
    if (!demo->json)
        shown = live_end(&live, status ? NULL : *ret_wire);
    else if (status == 0)
        shown = print_json(*ret_wire);
    if (status == 0 && shown)
        status =
            error_set(err, shown, "%s",
                      shown == ERROR_MEMORY ? _("no memory for the picture")
                                            : _("standard output cannot be written"));
    return status;
}

static void say_what_is_missing(const struct wire *wire)
{
    const char *missing = demo_missing(wire_kind(wire));
    if (missing && *wire_why_not_better(wire))
        fprintf(stderr, "%s (%s)\n", _(missing), wire_why_not_better(wire));
    else if (missing)
        fprintf(stderr, "%s\n", _(missing));
}

/* The last line: where the page is. With --json standard output is for the JSON alone. */
static int write_page(const struct demo *demo, struct wire *const wires[SCENE_COUNT],
                      struct error *err)
{
    char path[PATH_MAX], whole[PATH_MAX];
    int status =
        demo_page_write(demo->out, wires, demo->delay_ns, path, sizeof path, err);
    if (status)
        return status;
    const char *shown = realpath(path, whole) ? whole : path;
    fprintf(demo->json ? stderr : stdout, _("\nThe page with all of it: %s\n"), shown);
    return 0;
}

static int run(struct demo *demo, wo_event *stop)
{
    struct wire *wires[SCENE_COUNT] = {0};
    struct error err = {0};
    uint32_t next_id = 1;
    int status = 0;

    for (int scene = 0; scene < SCENE_COUNT && status == 0; scene++) {
        status = play(demo, (enum scene)scene, next_id, stop, &wires[scene], &err);
        if (status)
            break;
        if (scene == 0)
            say_what_is_missing(wires[0]);
        /* One answer to what can be had is enough. */
        demo->kind = wire_kind(wires[scene]);
        next_id += (uint32_t)wire_story_count(wires[scene]);
    }
    if (status == 0 && demo->svg)
        status = demo_pictures_write(demo->out, wires, &err);
    if (status == 0 && demo->out)
        status = write_page(demo, wires, &err);
    for (int scene = 0; scene < SCENE_COUNT; scene++)
        wire_close(&wires[scene]);
    if (status == ERROR_INTERRUPTED)
        return complain(EXIT_FAILED, "%s", _("stopped; nothing was left behind"));
    return status ? complain(EXIT_FAILED, "%s", err.sentence) : EXIT_DONE;
}

int cmd_demo(int argc, char **argv)
{
    struct demo demo = {.delay_ns = 30 * NS_PER_MS, .kind = WIRE_BEST};
    wo_event *stop;

    int status = read_options(argc, argv, &demo);
    if (status)
        return status < 0 ? EXIT_DONE : status;
    struct error err = {0};
    if (stop_open(&stop, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    status = run(&demo, stop);
    stop_close(&stop);
    return status;
}
