/* The terminal or pipe of a verb that goes on until it is told to stop: lines from outside printed as
 * they come, Ctrl-C, and a standard output that may go away. */
#ifndef WOSHOU_CLI_CONSOLE_H
#define WOSHOU_CLI_CONSOLE_H

#include <stddef.h>

#include "woshou/event.h"

struct error;

struct console {
    wo_event *stop;  /* set by Ctrl-C, SIGTERM, and when standard output takes no more */
    int write_errno; /* of standard output; 0 as long as it takes what is written */
};

/* From here on signals set the stop event, and a closed pipe is told of, not died of. */
int console_open(struct console *ret_console, struct error *err);
/* Gives the signals their usual meaning back. Returns `status`, or EXIT_FAILED, having said so, where
 * standard output failed meanwhile. */
int console_close(struct console *console, int status);

/* Prints text from outside, made visible, as one line on standard output, at once. */
void console_print(struct console *console, const char *text, size_t length);

#endif
