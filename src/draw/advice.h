/* What to do about a connection that failed: what its outcome means, and what to check
 * next. Each kind of failure has one advice, so that a thousand connections that failed the
 * same way need it once. */
#ifndef WOSHOU_DRAW_ADVICE_H
#define WOSHOU_DRAW_ADVICE_H

#include <stdbool.h>

#include "tcp/story.h"

/* The gravest first: a connection has the first that fits. */
enum advice {
    ADVICE_REFUSED,
    ADVICE_REFUSED_BY_ICMP,
    ADVICE_FORBIDDEN,
    ADVICE_UNREACHABLE,
    ADVICE_TOO_FAR,
    ADVICE_STALE, /* the server still holds an older connection of the same ends */
    ADVICE_NO_ANSWER,
    ADVICE_ONE_SYN, /* no answer, but the capture may have ended before */
    ADVICE_HALF_OPEN,
    ADVICE_ABORTED_BY_CLIENT,
    ADVICE_ABORTED_BY_SERVER,
    ADVICE_RESET_AT_ONCE,     /* by the server, before it had said anything */
    ADVICE_RESET_AFTER_CLOSE, /* one end had closed and its peer went on sending */
    ADVICE_RESET_BY_SERVER,
    ADVICE_RESET_BY_CLIENT,
    ADVICE_FORGED_RESET, /* its number is none that its receiver heeds */
    ADVICE_VANISHED,     /* keepalive probes without an answer */
    ADVICE_NOT_CLOSED,   /* one end's program has not closed yet */
    ADVICE_ZERO_WINDOW,
    ADVICE_TIMESTAMPS,
    ADVICE_SLOW_SERVER, /* the SYN was sent again, and it opened nevertheless */
    ADVICE_LOSS,
    ADVICE_EVICTED,
    ADVICE_GAP,
    ADVICE_NOT_SEEN, /* nothing failed: the capture began too late to tell */
    ADVICE_NONE
};

enum advice advice_of(const struct story *story);

/* Whether it is about a connection that failed or was troubled, and not about the
 * capture. */
bool advice_is_of_failure(enum advice advice);

/* A few words for it ("refused"), and sentences on what it means and what to check. Both
 * are messages; null for ADVICE_NONE. */
const char *advice_title(enum advice advice);
const char *advice_text(enum advice advice);

/* The packets that show it, of a story with that advice. */
const struct evidence *advice_evidence(enum advice advice, const struct verdict *verdict);

#endif
