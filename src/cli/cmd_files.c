/* woshou files: what a server has. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/server_options.h"
#include "cli/transfer_view.h"
#include "cli/verbs.h"
#include "draw/json_writer.h"
#include "file/client.h"
#include "scope/quantity.h"

static int print_help(void)
{
    printf("%s",
           _("Usage: woshou files [HOST[:PORT]] [OPTION]...\n"
             "List the files and folders that a server has: their size, when they were\n"
             "written, and their name.\n\n"
             "  --remove NAME         remove that one, in place of listing\n"
             "  --json                one object a line\n"));
    printf("%s", server_options_help());
    printf("%s", _("  --help                print this and exit\n"));
    return EXIT_DONE;
}

enum { OPTION_REMOVE = OPTIONS_LONG, OPTION_JSON, OPTION_HELP };

struct settings {
    struct server_options server;
    const char *remove;
    bool json;
    const char *where;
};

/* Sets `ret_helped` where help was asked for and given. */
static int read_settings(int argc, char **argv, struct settings *settings,
                         bool *ret_helped)
{
    static const struct option options[] = {
        SERVER_OPTIONS,
        {"remove", required_argument, NULL, OPTION_REMOVE},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},
        {0}};
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        int status = EXIT_DONE;
        if (option == OPTION_HELP || option == 'h') {
            *ret_helped = true;
            return print_help();
        }
        if (option == OPTION_REMOVE)
            settings->remove = optarg;
        else if (option == OPTION_JSON)
            settings->json = true;
        else if (server_options_are(option))
            status = server_options_take(&settings->server, "files", option, optarg);
        else
            status = options_complain("files", option, argv);
        if (status)
            return status;
    }
    if (optind + 1 < argc)
        return complain_usage("files", _("'%s' is one word too many"), argv[optind + 1]);
    settings->where = optind < argc ? argv[optind] : NULL;
    return EXIT_DONE;
}

/* --- Listing --- */

struct items {
    struct shelf_item *items;
    size_t count, capacity;
    bool failed;
};

static void keep(void *owner, const struct shelf_item *item)
{
    struct items *items = owner;
    if (items->count == items->capacity) {
        size_t capacity = items->capacity ? items->capacity * 2 : 64;
        struct shelf_item *more = realloc(items->items, capacity * sizeof *more);
        if (!more) {
            items->failed = true;
            return;
        }
        items->items = more;
        items->capacity = capacity;
    }
    items->items[items->count++] = *item;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct shelf_item *)a)->name,
                  ((const struct shelf_item *)b)->name);
}

static void print_json(const struct shelf_item *item)
{
    struct buffer line;
    struct json_writer writer = {.buffer = &line};
    buffer_init(&line, 0);
    json_put_begin(&writer, '{');
    json_put_key(&writer, "name");
    json_put_text(&writer, item->name);
    json_put_key(&writer, "kind");
    json_put_text(&writer, item->folder ? "folder" : "file");
    json_put_key(&writer, "bytes");
    if (item->counted)
        json_put_integer(&writer, (int64_t)item->bytes);
    else
        json_put_null(&writer);
    json_put_key(&writer, "files");
    if (item->counted)
        json_put_integer(&writer, item->files);
    else
        json_put_null(&writer);
    json_put_key(&writer, "modified_ns");
    json_put_integer(&writer, item->mtime_ns);
    json_put_end(&writer, '}');
    buffer_append_char(&line, '\n');
    fputs(buffer_text(&line), stdout);
    buffer_done(&line);
}

static void print_item(const struct shelf_item *item)
{
    char bytes[QUANTITY_TEXT] = "-", written[32] = "-";
    time_t second = (time_t)(item->mtime_ns / NS_PER_S);
    struct tm local;
    struct buffer name;
    if (item->counted)
        bytes[quantity_bytes(bytes, item->bytes)] = '\0';
    if (localtime_r(&second, &local))
        strftime(written, sizeof written, "%Y-%m-%d %H:%M", &local);
    buffer_init(&name, 0);
    visible_append(&name, item->name, strlen(item->name));
    printf("%10s  %s  %s%s\n", bytes, written, buffer_text(&name),
           item->folder ? "/" : "");
    buffer_done(&name);
}

static int list(const struct settings *settings,
                const struct file_client_options *options,
                struct session_refused *refused, struct error *err)
{
    struct items items = {0};
    int code = file_client_list(options, keep, &items, refused, err);
    if (!code && items.failed)
        code = error_set(err, ERROR_MEMORY, "%s", _("out of memory"));
    if (items.count > 0)
        qsort(items.items, items.count, sizeof *items.items, compare);
    for (size_t i = 0; i < items.count && !code; i++) {
        if (settings->json)
            print_json(&items.items[i]);
        else
            print_item(&items.items[i]);
    }
    free(items.items);
    return code;
}

/* --- The verb --- */

static void tell_meeting(void *owner, const struct session *session)
{
    server_options_met(owner, session);
}

static int complain_failed(const struct settings *settings, int code,
                           const struct session_refused *refused, const struct error *err)
{
    if (!settings->json)
        return complain(EXIT_FAILED, "%s", err->sentence);
    struct buffer line;
    struct json_writer writer = {.buffer = &line};
    buffer_init(&line, 0);
    json_put_begin(&writer, '{');
    json_put_key(&writer, "code");
    json_put_text(&writer, transfer_code_name(code, refused));
    json_put_key(&writer, "error");
    json_put_text(&writer, err->sentence);
    json_put_end(&writer, '}');
    buffer_append_char(&line, '\n');
    fputs(buffer_text(&line), stdout);
    buffer_done(&line);
    return EXIT_FAILED;
}

static int ask(struct settings *settings, wo_event *stop)
{
    struct session_refused refused = {0};
    struct error err = {0};
    int status = server_options_finish(&settings->server, "files", settings->where);
    if (status)
        return status;
    const struct file_client_options options = {
        .session = server_options_session(&settings->server, BUSINESS_FILE, stop),
        .met = tell_meeting,
        .owner = &settings->server};
    int code = settings->remove
                   ? file_client_remove(&options, settings->remove, &refused, &err)
                   : list(settings, &options, &refused, &err);
    return code ? complain_failed(settings, code, &refused, &err) : EXIT_DONE;
}

int cmd_files(int argc, char **argv)
{
    struct settings settings = {0};
    struct console console;
    struct error err;
    bool helped = false;
    int status = read_settings(argc, argv, &settings, &helped);
    if (status || helped)
        return status;
    if (console_open(&console, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    status = ask(&settings, console.stop);
    server_options_done(&settings.server);
    return console_close(&console, status);
}
