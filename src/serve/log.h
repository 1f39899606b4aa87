/* The server's log: one line an event on standard error, words and values, for people and programs:
 *
 *     2026-11-25T09:54:22.123Z warning slow-reader peer=10.9.0.1:40001 gaps=3
 *     2026-11-25T09:54:22.123Z error history text="the disk is full"
 *
 * Values that are text come quoted and visible, so that nothing from outside can end a line or
 * look like another value. From any thread; one kind of event fills at most LOG_BURST lines a
 * second, and the next line of that kind says how many were left out. */
#ifndef WOSHOU_SERVE_LOG_H
#define WOSHOU_SERVE_LOG_H

#include "base/endpoint.h"

enum log_level { LOG_INFO, LOG_WARNING, LOG_ERROR };
enum { LOG_BURST = 10 };

/* `event` is a static word. `peer` and `text` may be null. */
void log_event(enum log_level level, const char *event, const struct endpoint *peer,
               const char *text);

#endif
