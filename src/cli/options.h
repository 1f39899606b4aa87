/* What the verbs' options have in common. */
#ifndef WOSHOU_CLI_OPTIONS_H
#define WOSHOU_CLI_OPTIONS_H

#include <stdint.h>

/* Long options without a letter are numbered from here on. */
enum { OPTIONS_LONG = 256 };

/* What getopt_long returned was '?' or ':': complains of the option at which it stopped,
 * and returns EXIT_USED_WRONGLY. */
int options_complain(const char *verb, int found, char **argv);

/* "2" or "0.5", more than nothing and at most a hundred years, whatever the locale's
 * decimal point is; 0, or -1 where it is none. */
int options_seconds(const char *text, int64_t *ret_ns);

/* Whether `text` can be said as the article's message; complains of it as of `option`'s value where it
 * cannot. An exit status. */
int options_check_message(const char *verb, const char *option, const char *text);

#endif
