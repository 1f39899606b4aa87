/* What `woshou talk` and its kin show: messages and events, for a person's terminal, for a pipe, or
 * as JSON; and the line that is being typed, which what comes never disturbs. */
#ifndef WOSHOU_CLI_TALK_VIEW_H
#define WOSHOU_CLI_TALK_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/console.h"
#include "cli/editor.h"
#include "draw/json_writer.h"
#include "text/protocol.h"

struct talk_view {
    struct console *console;
    struct editor *editor; /* null: nobody types here */
    const char *room;
    const char *prompt;
    bool json, terminal, colourful;
};

/* How this user is called on this machine, where others could be shown that; else null. */
const char *talk_view_login_name(void);

/* Shows by what standard output is. */
void talk_view_init(struct talk_view *view, struct console *console, const char *room,
                    bool json);

void talk_view_message(struct talk_view *view, const struct text_message *message);
void talk_view_direct(struct talk_view *view, const char *name, size_t name_length,
                      const char *text, size_t length, int64_t time_ns);
/* A sentence of ours for a person: on a terminal among the rest, else on standard error; not in
 * JSON, which has events. */
void talk_view_note(struct talk_view *view, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One JSON object on a line: begin, put, end. Only where `json` is set. */
struct json_writer talk_view_event_begin(struct talk_view *view, struct buffer *line,
                                         const char *what);
void talk_view_event_end(struct talk_view *view, struct json_writer *writer);
void talk_view_put_text(struct json_writer *writer, const char *key, const char *text,
                        size_t length);

/* The line that is typed: drawn anew, or away. */
void talk_view_draw(struct talk_view *view);
void talk_view_clear(struct talk_view *view);

#endif
