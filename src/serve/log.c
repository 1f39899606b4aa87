#include "serve/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/visible.h"

enum { KINDS = 64, LINE_BYTES = 1024 };

/* How often a kind was told of lately. Kinds are static words, so their addresses tell them
 * apart; where there are too many, the last place is for all of the rest. */
struct kind {
    const char *event;
    int64_t second_ns;
    unsigned lines, left_out;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kind kinds[KINDS];

static struct kind *kind_of(const char *event)
{
    struct kind *kind = kinds;
    while (kind < kinds + KINDS - 1 && kind->event && strcmp(kind->event, event) != 0)
        kind++;
    kind->event = event;
    return kind;
}

/* Whether it may have a line; `ret_left_out` says how many before it had none. */
static int may_tell(const char *event, unsigned *ret_left_out)
{
    int64_t now_ns = clock_monotonic_ns();
    struct kind *kind = kind_of(event);
    if (now_ns - kind->second_ns >= NS_PER_S) {
        kind->second_ns = now_ns;
        kind->lines = 0;
    }
    if (kind->lines >= LOG_BURST) {
        kind->left_out++;
        return 0;
    }
    kind->lines++;
    *ret_left_out = kind->left_out;
    kind->left_out = 0;
    return 1;
}

static void append_quoted(struct buffer *line, const char *text)
{
    struct buffer visible;
    buffer_init(&visible, 0);
    visible_append(&visible, text, strlen(text));
    buffer_append_char(line, '"');
    for (size_t i = 0; i < visible.length; i++) {
        if (visible.bytes[i] == '"' || visible.bytes[i] == '\\')
            buffer_append_char(line, '\\');
        buffer_append_char(line, visible.bytes[i]);
    }
    buffer_append_char(line, '"');
    buffer_done(&visible);
}

static void append_time(struct buffer *line)
{
    struct timespec now;
    struct tm parts;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    buffer_append_format(line, "%s.%03ldZ", text, now.tv_nsec / NS_PER_MS);
}

void log_event(enum log_level level, const char *event, const struct endpoint *peer,
               const char *text)
{
    static const char *const levels[] = {"info", "warning", "error"};
    struct buffer line;
    unsigned left_out = 0;
    pthread_mutex_lock(&lock);
    int may = may_tell(event, &left_out);
    pthread_mutex_unlock(&lock);
    if (!may)
        return;
    buffer_init(&line, 0);
    append_time(&line);
    buffer_append_format(&line, " %s %s", levels[level], event);
    if (peer) {
        char spelled[ENDPOINT_TEXT];
        buffer_append_format(&line, " peer=%s", endpoint_format(peer, spelled));
    }
    if (text) {
        buffer_append_text(&line, " text=");
        append_quoted(&line, text);
    }
    if (left_out)
        buffer_append_format(&line, " left_out=%u", left_out);
    buffer_append_char(&line, '\n');
    /* One write, so that lines of several threads are not mixed. */
    if (!line.failed)
        fwrite(line.bytes, 1, line.length, stderr);
    buffer_done(&line);
}
