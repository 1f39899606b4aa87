/* woshou token: the tokens by which a server knows who comes from elsewhere. */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/home.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "draw/json_writer.h"
#include "trust/token_file.h"

enum { TIME_TEXT = 32 };

struct settings {
    int (*run)(const struct settings *settings, const char *path);
    const char *word; /* the name, or what is to be revoked */
    const char *directory;
    int64_t expires_s; /* 0: never */
    bool json;
    bool helped;
};

static int print_help(void)
{
    printf(
        "%s",
        _("Usage: woshou token make NAME [OPTION]...\n"
          "       woshou token list [OPTION]...\n"
          "       woshou token revoke ID|NAME [OPTION]...\n"
          "A server asks a token of everyone who comes from another machine, and takes\n"
          "who shows one to be NAME. 'make' prints a new token, once: the server keeps\n"
          "a hash. 'revoke' ends one token, or all of a name. A server that is running\n"
          "sees both at once.\n\n"
          "  --expires WHEN  make: good for so long (90d; also w, h, m, s) or until the\n"
          "                  beginning of a day (2027-01-31); without it, for ever\n"
          "  --dir DIR       the server's directory ($XDG_STATE_HOME/woshou/server)\n"
          "  --json          one object a line, for programs\n"
          "  --help          print this and exit\n"));
    return EXIT_DONE;
}

/* --- Times --- */

/* "90d"; 0, or -1 where it is no such. */
static int read_span(const char *text, int64_t now_s, int64_t *ret_s)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    long long count = strtoll(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end[0] == units[i].letter && end[1] == '\0' && count > 0 && count < 1000000) {
            *ret_s = now_s + count * units[i].seconds;
            return 0;
        }
    return -1;
}

/* "2027-01-31", where the user is. */
static int read_day(const char *text, int64_t *ret_s)
{
    struct tm day = {.tm_isdst = -1};
    const char *end = strptime(text, "%Y-%m-%d", &day);
    time_t begin = end && !*end ? mktime(&day) : (time_t)-1;
    if (begin == (time_t)-1)
        return -1;
    *ret_s = begin;
    return 0;
}

static int take_expiry(struct settings *settings, const char *text)
{
    int64_t now_s = time(NULL);
    if (read_span(text, now_s, &settings->expires_s) &&
        read_day(text, &settings->expires_s))
        return complain_usage("token", _("--expires: '%s' is neither 90d nor 2027-01-31"),
                              text);
    if (settings->expires_s <= now_s)
        return complain_usage("token", _("--expires: '%s' is over"), text);
    return EXIT_DONE;
}

static const char *spell_time(int64_t seconds, char text[TIME_TEXT])
{
    time_t moment = (time_t)seconds;
    struct tm parts;
    if (!localtime_r(&moment, &parts) ||
        strftime(text, TIME_TEXT, "%Y-%m-%d %H:%M", &parts) == 0)
        snprintf(text, TIME_TEXT, "?");
    return text;
}

/* --- Printing --- */

static int print_json(const struct token *token, const char *text)
{
    struct buffer buffer;
    struct json_writer writer = {.buffer = &buffer};
    buffer_init(&buffer, 0);
    json_put_begin(&writer, '{');
    json_put_key(&writer, "id");
    json_put_text(&writer, token->id);
    json_put_key(&writer, "name");
    json_put_text(&writer, token->name);
    if (text) {
        json_put_key(&writer, "token");
        json_put_text(&writer, text);
    }
    json_put_key(&writer, "made");
    json_put_integer(&writer, token->made_s);
    json_put_key(&writer, "expires");
    if (token->expires_s)
        json_put_integer(&writer, token->expires_s);
    else
        json_put_null(&writer);
    json_put_end(&writer, '}');
    bool failed = buffer.failed;
    if (!failed)
        puts(buffer_text(&buffer));
    buffer_done(&buffer);
    return failed ? complain(EXIT_FAILED, "%s", _("no memory")) : EXIT_DONE;
}

static void print_cell(const char *text, int width)
{
    int spaces = width - visible_width(text, strlen(text));
    printf("%s%*s", text, spaces > 0 ? spaces : 0, "");
}

static void print_row(const char *id, const char *made, const char *expires,
                      const char *name)
{
    print_cell(id, 10);
    print_cell(made, 18);
    print_cell(expires, 18);
    printf("%s\n", name);
}

static void print_table(const struct token_list *list)
{
    int64_t now_s = time(NULL);
    print_row(_("ID"), _("made"), _("expires"), _("name"));
    for (size_t i = 0; i < list->count; i++) {
        const struct token *token = &list->tokens[i];
        char made[TIME_TEXT], expires[TIME_TEXT];
        const char *end = token->expires_s == 0 ? _("never")
                          : token->expires_s <= now_s
                              ? _("expired")
                              : spell_time(token->expires_s, expires);
        print_row(token->id, spell_time(token->made_s, made), end, token->name);
    }
}

/* --- The three jobs --- */

static int make(const struct settings *settings, const char *path)
{
    char text[TOKEN_TEXT];
    struct token token;
    struct error err;
    int code = home_make_directory(settings->directory, &err);
    if (code == 0)
        code = token_make(path, settings->word, time(NULL), settings->expires_s, &token,
                          text, &err);
    if (code)
        return complain(code == ERROR_ARGUMENT ? EXIT_USED_WRONGLY : EXIT_FAILED, "%s",
                        err.sentence);
    if (settings->json)
        return print_json(&token, text);
    puts(text);
    fprintf(stderr, _("This is %s's token; it is not shown again.\n"), settings->word);
    return EXIT_DONE;
}

static int list(const struct settings *settings, const char *path)
{
    struct token_list list;
    struct error err;
    int status = EXIT_DONE;
    if (token_list_read(path, &list, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    for (size_t i = 0; settings->json && i < list.count && status == EXIT_DONE; i++)
        status = print_json(&list.tokens[i], NULL);
    if (!settings->json && list.count)
        print_table(&list);
    if (list.count == 0)
        fprintf(stderr, "%s", _("There are no tokens.\n"));
    token_list_done(&list);
    return status;
}

static int revoke(const struct settings *settings, const char *path)
{
    struct error err;
    size_t count;
    if (token_revoke(path, settings->word, &count, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    if (settings->json)
        printf("{\"revoked\":%zu}\n", count);
    else
        fprintf(stderr, _("Tokens revoked: %zu.\n"), count);
    return EXIT_DONE;
}

/* --- The command line --- */

static const struct job {
    const char *name;
    bool takes_word;
    int (*run)(const struct settings *settings, const char *path);
} jobs[] = {{"make", true, make}, {"list", false, list}, {"revoke", true, revoke}};

static const struct job *find_job(const char *name)
{
    for (size_t i = 0; name && i < sizeof jobs / sizeof *jobs; i++)
        if (strcmp(jobs[i].name, name) == 0)
            return &jobs[i];
    return NULL;
}

enum { OPTION_EXPIRES = OPTIONS_LONG, OPTION_DIR, OPTION_JSON, OPTION_HELP };

static int read_settings(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {
        {"expires", required_argument, NULL, OPTION_EXPIRES},
        {"dir", required_argument, NULL, OPTION_DIR},
        {"json", no_argument, NULL, OPTION_JSON},
        {"help", no_argument, NULL, OPTION_HELP},
        {0}};
    int status = EXIT_DONE;
    opterr = 0;
    for (int option; status == EXIT_DONE &&
                     (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (option) {
        case OPTION_EXPIRES: status = take_expiry(settings, optarg); break;
        case OPTION_DIR: settings->directory = optarg; break;
        case OPTION_JSON: settings->json = true; break;
        case 'h':
        case OPTION_HELP: settings->helped = true; return print_help();
        default: status = options_complain("token", option, argv);
        }
    }
    return status;
}

/* What is left over are words: the job's, and what it takes. */
static int read_words(int argc, char **argv, struct settings *settings)
{
    const struct job *job = optind < argc ? find_job(argv[optind]) : NULL;
    if (optind == argc)
        return complain_usage("token", "%s", _("say what to do: make, list or revoke"));
    if (!job)
        return complain_usage("token", _("'%s' is not make, list or revoke"),
                              argv[optind]);
    int words = argc - optind - 1;
    if (words < job->takes_word)
        return complain_usage("token", _("%s whose?"), job->name);
    if (words > job->takes_word)
        return complain_usage("token", _("'%s' is one word too many"),
                              argv[optind + 1 + job->takes_word]);
    if (settings->expires_s && job->run != make)
        return complain_usage("token", "%s", _("--expires goes with make"));
    settings->word = job->takes_word ? argv[optind + 1] : NULL;
    settings->run = job->run;
    return EXIT_DONE;
}

static int run(struct settings *settings)
{
    struct buffer directory, path;
    struct error err;
    int status, code = 0;
    buffer_init(&directory, 0);
    buffer_init(&path, 0);
    if (!settings->directory)
        code = home_state_path(&directory, "server", &err);
    if (code == 0 && !settings->directory)
        settings->directory = buffer_text(&directory);
    if (code)
        status = complain(EXIT_FAILED, "%s", err.sentence);
    else if (buffer_append_format(&path, "%s/" TOKENS_FILE, settings->directory))
        status = complain(EXIT_FAILED, "%s", _("no memory"));
    else
        status = settings->run(settings, buffer_text(&path));
    buffer_done(&directory);
    buffer_done(&path);
    return status;
}

int cmd_token(int argc, char **argv)
{
    struct settings settings = {.run = list};
    int status = read_settings(argc, argv, &settings);
    if (status || settings.helped)
        return status;
    status = read_words(argc, argv, &settings);
    return status ? status : run(&settings);
}
