/* woshou history: what was said in a room. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/utf.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/moment.h"
#include "cli/options.h"
#include "cli/server_options.h"
#include "cli/talk_view.h"
#include "cli/verbs.h"

#define ANSWER_NS                                                                        \
    (60 * NS_PER_S) /* for one page; a search may have to wait for its index */

struct settings {
    struct server_options server;
    const char *where, *room, *search;
    uint64_t since, until;
    int64_t since_ns;
    uint64_t last; /* 0: all */
    bool json;
};

static int print_help(void)
{
    printf(
        "%s%s%s",
        _("Usage: woshou history [OPTION]... ROOM\n"
          "Print what was said in ROOM, oldest first.\n\n"
          "  --server HOST[:PORT]  where (WOSHOU_SERVER, or this machine)\n"
          "  --since WHEN          from there on: a message's number, a date or time\n"
          "                        (2026-11-25, 2026-11-25T10:30), or so long ago (90s, 20m,\n"
          "                        2h, 3d)\n"
          "  --until N             up to that number\n"
          "  --last N              only the last N\n"
          "  --search WORDS        only those with all of these words; the last may end in *\n"
          "  --json                one JSON object a line\n"),
        server_options_help(), _("  --help                print this and exit\n"));
    return EXIT_DONE;
}

enum {
    OPTION_SERVER = OPTIONS_LONG,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_LAST,
    OPTION_SEARCH,
    OPTION_JSON,
    OPTION_HELP
};

static int take_number(const char *option, const char *text, uint64_t *ret_number)
{
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end || end == text || text[0] == '-' || number == 0)
        return complain_usage("history", _("%s: '%s' is no number from 1 on"), option,
                              text);
    *ret_number = number;
    return EXIT_DONE;
}

static int take_since(struct settings *settings, const char *text)
{
    if (moment_is_number(text))
        return take_number("--since", text, &settings->since);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (moment_parse(text, now.tv_sec * NS_PER_S + now.tv_nsec, &settings->since_ns))
        return complain_usage("history", _("--since: '%s' is no number, date or time"),
                              text);
    return EXIT_DONE;
}

static int take_option(struct settings *settings, int option, char **argv)
{
    if (server_options_are(option))
        return server_options_take(&settings->server, "history", option, optarg);
    switch (option) {
    case OPTION_SERVER: settings->where = optarg; return EXIT_DONE;
    case OPTION_SINCE: return take_since(settings, optarg);
    case OPTION_UNTIL: return take_number("--until", optarg, &settings->until);
    case OPTION_LAST: return take_number("--last", optarg, &settings->last);
    case OPTION_JSON: settings->json = true; return EXIT_DONE;
    case OPTION_SEARCH:
        if (!utf8_valid(optarg, strlen(optarg)) || strlen(optarg) > UINT16_MAX ||
            strspn(optarg, " \t\r\n") == strlen(optarg))
            return complain_usage("history", _("--search: there is no word in it"));
        settings->search = optarg;
        return EXIT_DONE;
    default: return options_complain("history", option, argv);
    }
}

static int take_words(struct settings *settings, int argc, char **argv)
{
    if (optind == argc)
        return complain_usage("history", _("say of which room: ROOM"));
    settings->room = argv[optind++];
    if (optind < argc)
        return complain_usage("history", _("'%s' is one word too many"), argv[optind]);
    if (!text_name_valid(settings->room, strlen(settings->room)))
        return complain_usage(
            "history",
            _("a room's name is 1 to 64 bytes of visible characters, no space at either end"));
    return server_options_finish(&settings->server, "history", settings->where);
}

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, OPTION_SERVER},
        {"since", required_argument, NULL, OPTION_SINCE},
        {"until", required_argument, NULL, OPTION_UNTIL},
        {"last", required_argument, NULL, OPTION_LAST},
        {"search", required_argument, NULL, OPTION_SEARCH},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},
        SERVER_OPTIONS,
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

/* --- Asking --- */

struct reading {
    const struct settings *settings;
    struct console *console;
    struct talk_view view;
    struct session session;
    struct channel_scratch scratch;
    struct buffer *kept; /* --last of a search: a ring of rows, as their frames */
    uint64_t kept_count;
};

/* What one answer ends with. */
struct page {
    uint64_t next, last;
};

static int ask(struct reading *reading, uint64_t since, uint32_t limit)
{
    const struct settings *settings = reading->settings;
    const char *search = settings->search ? settings->search : "";
    struct buffer frame;
    buffer_init(&frame, 0);
    size_t begin = frame_begin(&frame, TEXT_HISTORY, 0, 1);
    frame_put_text(&frame, settings->room, strlen(settings->room));
    frame_put_u64(&frame, since);
    frame_put_u64(&frame, settings->until);
    frame_put_u64(&frame, (uint64_t)settings->since_ns);
    frame_put_u32(&frame, limit);
    frame_put_text(&frame, search, strlen(search));
    frame_end(&frame, begin);
    int code = frame.failed
                   ? -1
                   : channel_send(&reading->session.channel, frame.bytes, frame.length);
    buffer_done(&frame);
    return code < 0 ? complain(EXIT_FAILED, _("the connection was lost")) : EXIT_DONE;
}

static int show_row(struct reading *reading, const struct frame *frame)
{
    struct text_message message;
    if (text_message_decode(frame, &message))
        return complain(EXIT_FAILED, _("the server sent what is no message"));
    if (!reading->kept) {
        talk_view_message(&reading->view, &message);
        return EXIT_DONE;
    }
    struct buffer *place =
        &reading->kept[reading->kept_count++ % reading->settings->last];
    buffer_clear(place);
    if (buffer_reserve(place, text_message_bytes(&message)))
        return complain(EXIT_FAILED, _("out of memory"));
    text_message_encode(&message, (uint8_t *)place->bytes);
    place->length = text_message_bytes(&message);
    return EXIT_DONE;
}

/* The server's answer: rows, then its end, or why there is none. */
static int read_page(struct reading *reading, struct page *ret_page)
{
    struct error err;
    int64_t by_ns = clock_monotonic_ns() + ANSWER_NS;
    for (;;) {
        struct frame frame;
        struct refusal refusal;
        if (session_await(&reading->session.channel, &reading->scratch,
                          reading->console->stop, by_ns, &frame, NULL, &err))
            return complain(EXIT_FAILED, "%s", err.sentence);
        int status = EXIT_DONE;
        struct frame_reader reader = frame_reader(&frame);
        switch (frame.type) {
        case TEXT_PAST: status = show_row(reading, &frame); break;
        case TEXT_HISTORY_END:
            ret_page->next = frame_read_u64(&reader);
            ret_page->last = frame_read_u64(&reader);
            return reader.failed
                       ? complain(EXIT_FAILED, _("the server sent what is no answer"))
                       : EXIT_DONE;
        case FRAME_ERROR:
            if (refusal_decode(&frame, &refusal))
                return complain(EXIT_FAILED, _("the server sent what is no answer"));
            error_set(&err, ERROR_REFUSED, "%.*s", (int)refusal.sentence.length,
                      refusal.sentence.bytes);
            return complain(EXIT_FAILED, "%s", err.sentence);
        default: break;
        }
        if (status || reading->console->write_errno)
            return status;
    }
}

/* Where to begin, so that the last ones come: a question beyond the end tells where that is. */
static int find_begin(struct reading *reading, uint64_t *ret_since)
{
    const struct settings *settings = reading->settings;
    struct page page = {0};
    *ret_since = settings->since;
    if (!settings->last || settings->search || settings->since_ns)
        return EXIT_DONE;
    int status = ask(reading, UINT64_C(1) << 39, 1);
    if (!status)
        status = read_page(reading, &page);
    uint64_t end =
        settings->until && settings->until < page.last ? settings->until : page.last;
    if (end > settings->last && end - settings->last + 1 > *ret_since)
        *ret_since = end - settings->last + 1;
    return status;
}

static int show_kept(struct reading *reading)
{
    uint64_t last = reading->settings->last, count = reading->kept_count;
    for (uint64_t i = count > last ? count - last : 0; i < count; i++) {
        const struct buffer *row = &reading->kept[i % last];
        struct frame frame;
        struct text_message message;
        size_t taken;
        if (frame_decode(row->bytes, row->length, UINT32_MAX, &frame, &taken) == 1 &&
            text_message_decode(&frame, &message) == 0)
            talk_view_message(&reading->view, &message);
    }
    return EXIT_DONE;
}

static int read_all(struct reading *reading)
{
    uint64_t since;
    int status = find_begin(reading, &since);
    struct page page = {.next = since ? since : 1};
    while (!status && page.next && !reading->console->write_errno) {
        status = ask(reading, page.next, 0);
        if (!status)
            status = read_page(reading, &page);
    }
    return status || !reading->kept ? status : show_kept(reading);
}

/* --last where the server cannot tell how many will come: the rows are kept here. */
static int make_ring(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    enum { MOST = 1000000 };
    if (!settings->last || (!settings->search && !settings->since_ns))
        return EXIT_DONE;
    if (settings->last > MOST)
        return complain_usage("history", _("--last: at most %d with --search or a time"),
                              MOST);
    reading->kept = calloc(settings->last, sizeof *reading->kept);
    if (!reading->kept)
        return complain(EXIT_FAILED, _("out of memory"));
    for (uint64_t i = 0; i < settings->last; i++)
        buffer_init(&reading->kept[i], 0);
    return EXIT_DONE;
}

static void free_ring(struct reading *reading)
{
    for (uint64_t i = 0; reading->kept && i < reading->settings->last; i++)
        buffer_done(&reading->kept[i]);
    free(reading->kept);
}

static int history(const struct settings *settings, struct console *console)
{
    struct reading reading = {.settings = settings, .console = console};
    struct session_refused refused;
    struct error err;
    talk_view_init(&reading.view, console, settings->room, settings->json);
    reading.view.terminal = false; /* with the day: it may be long ago */
    int status = make_ring(&reading);
    if (!status && channel_scratch_init(&reading.scratch, CHANNEL_SCRATCH_BYTES))
        status = complain(EXIT_FAILED, _("out of memory"));
    if (!status &&
        server_options_open(&settings->server, BUSINESS_TEXT, console->stop,
                            &reading.scratch, &reading.session, &refused, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    else if (!status) {
        status = read_all(&reading);
        session_close(&reading.session, &reading.scratch);
    }
    channel_scratch_done(&reading.scratch);
    free_ring(&reading);
    return status;
}

int cmd_history(int argc, char **argv)
{
    struct settings settings = {0};
    bool helped = false;
    struct console console;
    struct error err;
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        goto out;
    if (console_open(&console, &err))
        status = complain(EXIT_FAILED, "%s", err.sentence);
    else
        status = console_close(&console, history(&settings, &console));
out:
    server_options_done(&settings.server);
    return status;
}
