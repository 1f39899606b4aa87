/* The article's conversation as a part of `woshou serve`. */
#ifndef WOSHOU_CLI_SERVE_HELLO_H
#define WOSHOU_CLI_SERVE_HELLO_H

#include <stddef.h>
#include <stdint.h>

struct console;
struct hello_server;

struct serve_hello_settings {
    const char *const *ports; /* [ADDR:]PORT, as written */
    size_t count;
    const char *greeting; /* null: the usual */
    int64_t silence_ns;   /* 0: the usual */
};

/* Makes it and listens everywhere, telling of it on standard error. An exit status. */
int serve_hello_open(const struct serve_hello_settings *settings, struct console *console,
                     struct hello_server **ret_server);
/* Serves until the console's stop event is set. An exit status. */
int serve_hello_run(struct hello_server *server, struct console *console);

#endif
