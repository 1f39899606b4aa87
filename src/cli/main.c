/* woshou: one program, one verb a job. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/language.h"
#include "cli/verbs.h"

static const struct verb {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"demo", N_("open, use and close real TCP connections, and draw what happened"),
     cmd_demo},
    {"scope", N_("say what happened to every connection of a capture or an interface"),
     cmd_scope},
    {"lab", N_("prove or refute what is said about TCP, on the real kernel"), cmd_lab},
    {"serve", N_("serve rooms of text, files, and the article's conversation"),
     cmd_serve},
    {"talk", N_("talk in a room, by a terminal or a pipe"), cmd_talk},
    {"say", N_("say one message, kept when it returns"), cmd_say},
    {"history", N_("print what was said in a room"), cmd_history},
    {"token", N_("make, list and revoke the tokens by which a server knows people"),
     cmd_token},
    {"send", N_("send files and folders to a server, resumable"), cmd_send},
    {"get", N_("get files and folders from a server, resumable"), cmd_get},
    {"files", N_("list the files that a server has"), cmd_files},
    {"hello", N_("be the article's client"), cmd_hello},
};

enum { VERB_COUNT = sizeof verbs / sizeof verbs[0] };

static void complain_va(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

static void complain_va(const char *format, va_list arguments)
{
    fputs("woshou: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int complain(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain_va(format, arguments);
    va_end(arguments);
    return status;
}

int complain_usage(const char *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain_va(format, arguments);
    va_end(arguments);
    fprintf(stderr, _("Try 'woshou %s --help'."), verb);
    fputc('\n', stderr);
    return EXIT_USED_WRONGLY;
}

static void print_help(void)
{
    printf(_("Usage: woshou VERB [OPTION]...\n"
             "TCP connections that people use, wait on and see.\n\n"
             "Verbs:\n"));
    for (int i = 0; i < VERB_COUNT; i++)
        printf("  %-8s %s\n", verbs[i].name, _(verbs[i].summary));
    printf(_(
        "\n'woshou VERB --help' tells more of each. Also: --version.\n"
        "The language is the environment's (LANGUAGE, LC_ALL, LANG): English or 中文.\n"));
}

/* Nobody takes words for said that standard output did not take. */
static int finish(int status)
{
    bool failed = ferror(stdout) || fflush(stdout) != 0;
    return status == EXIT_DONE && failed
               ? complain(EXIT_FAILED, "%s", _("standard output cannot be written"))
               : status;
}

int main(int argc, char **argv)
{
    language_start();
    if (argc < 2) {
        print_help();
        return EXIT_USED_WRONGLY;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        print_help();
        return finish(EXIT_DONE);
    }
    if (strcmp(name, "--version") == 0) {
        puts("woshou " WOSHOU_VERSION);
        return finish(EXIT_DONE);
    }
    for (int i = 0; i < VERB_COUNT; i++)
        if (strcmp(name, verbs[i].name) == 0)
            return finish(verbs[i].run(argc - 1, argv + 1));
    return complain(EXIT_USED_WRONGLY,
                    _("there is no verb '%s'; 'woshou --help' lists them"), name);
}
