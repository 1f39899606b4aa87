#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/language.h"
#include "cli/verbs.h"
#include "hello/message.h"

static const int64_t longest_ns = INT64_C(100) * 366 * 86400 * NS_PER_S;

int options_complain(const char *verb, int found, char **argv)
{
    /* A letter may stand in a cluster that getopt_long has not left yet; a word it has
     * passed. */
    char letter[3] = {'-', (char)optopt, '\0'};
    const char *option = optopt > 0 && optopt < OPTIONS_LONG ? letter : argv[optind - 1];
    if (found == ':')
        return complain_usage(verb, _("option '%s' needs a value"), option);
    if (optopt >= OPTIONS_LONG)
        return complain_usage(verb, _("option '%s' takes no value"), option);
    return complain_usage(verb, _("there is no option '%s'"), option);
}

int options_seconds(const char *text, int64_t *ret_ns)
{
    int64_t ns = 0, unit_ns = NS_PER_S;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && ns <= longest_ns; at++)
        ns = ns * 10 + (*at - '0') * NS_PER_S;
    if (*at == '.' && at > text)
        for (at++; *at >= '0' && *at <= '9'; at++) {
            unit_ns /= 10;
            ns += (*at - '0') * unit_ns;
        }
    if (*at || ns <= 0 || ns > longest_ns)
        return -1;
    *ret_ns = ns;
    return 0;
}

int options_check_message(const char *verb, const char *option, const char *text)
{
    struct buffer bytes;
    struct error err;
    buffer_init(&bytes, 0);
    int code = message_encode(text, strlen(text), &bytes, &err);
    buffer_done(&bytes);
    return code ? complain_usage(verb, "%s: %s", option, err.sentence) : EXIT_DONE;
}
