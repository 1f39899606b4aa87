/* A moment as people write it. Pure, but for the time zone. */
#ifndef WOSHOU_CLI_MOMENT_H
#define WOSHOU_CLI_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Digits alone: a message's number. */
bool moment_is_number(const char *text);
/* "2026-11-25", "2026-11-25T10:30", "2026-11-25 10:30:15" in local time, with Z behind it in UTC; or "90s",
 * "20m", "2h", "3d" before now. Nanoseconds since 1970; -1 where it is none of these. */
int moment_parse(const char *text, int64_t now_ns, int64_t *ret_ns);

#endif
