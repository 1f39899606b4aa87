#include "cli/console.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/visible.h"
#include "cli/stop.h"
#include "cli/verbs.h"

int console_open(struct console *ret_console, struct error *err)
{
    struct console console = {0};
    signal(SIGPIPE, SIG_IGN);
    int code = stop_open(&console.stop, err);
    if (code == 0)
        *ret_console = console;
    return code;
}

int console_close(struct console *console, int status)
{
    struct error err;
    stop_close(&console->stop);
    if (!console->write_errno)
        return status;
    error_set_system(&err, console->write_errno, "standard output");
    return complain(EXIT_FAILED, "%s", err.sentence);
}

void console_print(struct console *console, const char *text, size_t length)
{
    struct buffer line;
    buffer_init(&line, 0);
    visible_append(&line, text, length);
    errno = 0;
    if (printf("%s\n", buffer_text(&line)) < 0 || fflush(stdout) != 0) {
        console->write_errno = errno ? errno : EIO;
        wo_event_set(console->stop);
    }
    buffer_done(&line);
}
