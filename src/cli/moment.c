#include "cli/moment.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const char digits[] = "0123456789";

bool moment_is_number(const char *text)
{
    return *text && text[strspn(text, digits)] == 0;
}

static int64_t unit_ns(const char *unit)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (unit[0] == units[i].letter && !unit[1])
            return units[i].seconds * NS_PER_S;
    return 0;
}

static int parse_ago(const char *text, int64_t now_ns, int64_t *ret_ns)
{
    size_t length = strspn(text, digits);
    int64_t unit = unit_ns(text + length);
    if (length == 0 || length > 9 || !unit)
        return -1;
    int64_t ns;
    if (__builtin_mul_overflow(strtoll(text, NULL, 10), unit, &ns))
        return -1;
    *ret_ns = ns < now_ns ? now_ns - ns : 1;
    return 0;
}

static int parse_date(const char *text, int64_t *ret_ns)
{
    static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M",
                                          "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
                                          "%Y-%m-%d %H:%M:%S"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm parts = {.tm_isdst = -1};
        const char *end = strptime(text, formats[i], &parts);
        bool utc = end && end[0] == 'Z' && !end[1];
        if (!end || (*end && !utc))
            continue;
        time_t seconds = utc ? timegm(&parts) : mktime(&parts);
        if (seconds <= 0)
            return -1;
        /* Nanoseconds end in 2262, and nothing is younger. */
        if (__builtin_mul_overflow(seconds, NS_PER_S, ret_ns))
            *ret_ns = INT64_MAX;
        return 0;
    }
    return -1;
}

int moment_parse(const char *text, int64_t now_ns, int64_t *ret_ns)
{
    return parse_ago(text, now_ns, ret_ns) ? parse_date(text, ret_ns) : 0;
}
