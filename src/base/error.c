/* Every sentence is made here, and holds always: terminated, one line, no control
 * character, well-formed UTF-8 as far as what went in was, cut at a whole character.
 * Nothing is allocated, since an error may be the lack of memory. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/visible.h"

enum {
    RAW_BYTES = 1024,
    /* visible_append makes at most four bytes of one: <XX>. */
    VISIBLE_BYTES = 4 * RAW_BYTES
};

int error_code_from_errno(int system)
{
    switch (system) {
    case 0: return ERROR_NONE;
    case ENOMEM:
    case ENOBUFS: return ERROR_MEMORY;
    case EPERM:
    case EACCES: return ERROR_PERMISSION;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH:
    case EADDRNOTAVAIL: return ERROR_ABSENT;
    case EADDRINUSE:
    case EEXIST:
    case EBUSY: return ERROR_IN_USE;
    case ECONNREFUSED: return ERROR_REFUSED;
    case ECONNRESET:
    case EPIPE: return ERROR_RESET;
    case ECONNABORTED: return ERROR_ABORTED;
    case ETIMEDOUT: return ERROR_TIMED_OUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN: return ERROR_UNREACHABLE;
    case EAGAIN:
    case EINPROGRESS:
    case EALREADY: return ERROR_AGAIN;
    case EINTR: return ERROR_INTERRUPTED;
    case EMFILE:
    case ENFILE: return ERROR_DESCRIPTORS;
    case ENOSYS:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT: return ERROR_UNSUPPORTED;
    default: return ERROR_SYSTEM;
    }
}

/* Writes `raw` into the sentence, made visible and cut where a character begins. */
static void set_sentence(struct error *err, const char *raw)
{
    char array[VISIBLE_BYTES];
    struct buffer visible;
    buffer_init_fixed(&visible, array, sizeof array);
    visible_append(&visible, raw, strlen(raw));
    size_t length = visible.length;
    if (length >= sizeof err->sentence) {
        length = sizeof err->sentence - 1;
        while (length > 0 && ((unsigned char)array[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(err->sentence, array, length);
    err->sentence[length] = '\0';
}

int error_set(struct error *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char raw[RAW_BYTES] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    set_sentence(err, raw);
    err->code = code;
    err->system = 0;
    return code;
}

/* What the system says of it, as the second half of a sentence: "No such file" begins small,
 * "RPC struct is bad" does not. Not strerror: its words are in the language that the process
 * asks the C library for, and sentences here are in English, one language each. */
static void describe_system(int system, char *words, size_t size)
{
    const char *description = strerrordesc_np(system);
    if (description)
        snprintf(words, size, "%s", description);
    else
        snprintf(words, size, "unknown error %d", system);
    if (words[0] >= 'A' && words[0] <= 'Z' && words[1] >= 'a' && words[1] <= 'z')
        words[0] = (char)(words[0] - 'A' + 'a');
}

int error_set_system(struct error *err, int system, const char *format, ...)
{
    int code = error_code_from_errno(system);
    if (!err)
        return code;
    char detail[RAW_BYTES / 2] = "", words[RAW_BYTES / 2 - 2], raw[RAW_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    describe_system(system, words, sizeof words);
    snprintf(raw, sizeof raw, "%s: %s", detail, words);
    set_sentence(err, raw);
    err->code = code;
    err->system = system;
    return code;
}

int error_add(struct error *err, const char *format, ...)
{
    if (!err)
        return ERROR_SYSTEM;
    char detail[RAW_BYTES / 2] = "", raw[RAW_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    snprintf(raw, sizeof raw, "%s: %s", detail, err->sentence);
    set_sentence(err, raw);
    return err->code;
}

const char *error_errno_name(int system)
{
    const char *name = strerrorname_np(system);
    return name ? name : "unknown error";
}
