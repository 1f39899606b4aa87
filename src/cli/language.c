/* Messages are English in the sources; gettext has them in Chinese. Pages hold both
 * languages at once, so gettext is always asked for Chinese, and English is the message
 * itself. LANGUAGE is set for that once, before there are threads. It counts only where
 * messages are in a locale other than C, and Debian always has C.UTF-8: that one is taken
 * where the environment's is missing or plain C. */
#include "cli/language.h"

#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The user's choice: the process's, like gettext's own state. */
static const struct words *chosen = &language_english;

/* A program that was built and not installed finds its catalogues beside itself. */
static void bind_catalogues(void)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "/po");
    if (length > 0) {
        path[length] = '\0';
        char *slash = strrchr(path, '/');
        if (slash) {
            memcpy(slash, "/po", sizeof "/po");
            if (access(path, F_OK) == 0) {
                bindtextdomain("woshou", path);
                return;
            }
        }
    }
    bindtextdomain("woshou", WOSHOU_LOCALEDIR);
}

static bool is_chinese(const char *name)
{
    return strncmp(name, "zh", 2) == 0;
}

/* The environment's wish, in gettext's own order of precedence. */
static const struct words *wished(void)
{
    static const char *const variables[] = {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return is_chinese(value) ? &language_chinese : &language_english;
    }
    return &language_english;
}

/* Category by category: who sets LC_CTYPE alone has messages in C. */
static void leave_plain_c(int category)
{
    const char *locale = setlocale(category, NULL);
    if (!locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        setlocale(category, "C.UTF-8");
}

void language_start(void)
{
    chosen = wished();
    setlocale(LC_ALL, "");
    leave_plain_c(LC_CTYPE);
    leave_plain_c(LC_MESSAGES);
    setlocale(LC_NUMERIC, "C"); /* numbers keep their point: in JSON, SVG and tables */
    setenv("LANGUAGE", "zh_CN", 1);
    bind_catalogues();
    bind_textdomain_codeset("woshou", "UTF-8");
    textdomain("woshou");
}

int language_choose(const char *tag)
{
    if (strcmp(tag, "en") != 0 && !is_chinese(tag))
        return -1;
    chosen = is_chinese(tag) ? &language_chinese : &language_english;
    return 0;
}

const struct words *language_chosen(void)
{
    return chosen;
}

const char *language_say(const char *message)
{
    return chosen->say(message);
}

static const char *say_english(const char *message)
{
    return message;
}

static const char *say_chinese(const char *message)
{
    /* The empty message is a catalogue's own header. */
    return *message ? gettext(message) : message;
}

const struct words language_english = {"en", say_english};
const struct words language_chinese = {"zh-CN", say_chinese};
