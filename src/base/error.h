/* An error is a code and a sentence. The code says which kind of thing went wrong, and
 * every system error is mapped to one here and nowhere else; the sentence is for the
 * person at the terminal, and gains detail on its way up ("port 30001 on 127.0.0.1:
 * address already in use").
 *
 * Functions that can fail return 0 or a negative code, and take a `struct error *`, which
 * may be null where the caller does not care for the sentence. Outputs are untouched on
 * failure.
 *
 * A sentence is one line without control characters: whatever the formats below bring in,
 * from outside too, is made visible as visible.h says. */
#ifndef WOSHOU_BASE_ERROR_H
#define WOSHOU_BASE_ERROR_H

enum error_code {
    ERROR_NONE = 0,
    ERROR_ARGUMENT = -1,     /* used wrongly: the caller's mistake (exit status 2) */
    ERROR_MEMORY = -2,       /* no memory */
    ERROR_PERMISSION = -3,   /* EPERM, EACCES */
    ERROR_ABSENT = -4,       /* no such file, device, address or name */
    ERROR_IN_USE = -5,       /* EADDRINUSE, EEXIST, EBUSY */
    ERROR_REFUSED = -6,      /* ECONNREFUSED */
    ERROR_RESET = -7,        /* ECONNRESET, EPIPE */
    ERROR_ABORTED = -8,      /* ECONNABORTED */
    ERROR_TIMED_OUT = -9,    /* ETIMEDOUT */
    ERROR_UNREACHABLE = -10, /* ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN */
    ERROR_AGAIN = -11,       /* EAGAIN, EINPROGRESS, EALREADY: not now */
    ERROR_INTERRUPTED = -12, /* EINTR, or a stop event was set */
    ERROR_DESCRIPTORS = -13, /* EMFILE, ENFILE */
    ERROR_CORRUPT = -14,     /* bytes that are not what they should be */
    ERROR_LIMIT = -15,       /* a bound of ours was reached */
    ERROR_UNSUPPORTED = -16, /* ENOSYS, EOPNOTSUPP, EPROTONOSUPPORT, EAFNOSUPPORT */
    ERROR_SYSTEM = -17       /* any other system error */
};

struct error {
    int code;           /* enum error_code */
    int system;         /* the errno it came from, or 0 */
    char sentence[256]; /* UTF-8, terminated, no full stop, cut at a whole character */
};

/* The code an errno stands for; 0 for 0. */
int error_code_from_errno(int system);

/* Sets code and sentence (printf's format); returns `code`. `err` may be null. */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sets the code of `system` (an errno) and the sentence "FORMAT...: the system's words",
 * with the words beginning in lower case; returns the code. */
int error_set_system(struct error *err, int system, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "FORMAT...: " in front of the sentence, on the way up; returns the code
 * unchanged. Null has no code to return: ERROR_SYSTEM then, so that it is never taken
 * for success. */
int error_add(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The errno's name as the manual pages print it ("ECONNREFUSED"); "0" for 0, never
 * null. */
const char *error_errno_name(int system);

#endif
