/* What the verbs that move files have in common on their command lines. */
#ifndef WOSHOU_CLI_TRANSFER_OPTIONS_H
#define WOSHOU_CLI_TRANSFER_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "cli/server_options.h"
#include "cli/transfer_view.h"
#include "file/client.h"

enum {
    TRANSFER_OPTION_SERVER = 1100,
    TRANSFER_OPTION_CONNECTIONS,
    TRANSFER_OPTION_PRESERVE,
    TRANSFER_OPTION_STALL,
    TRANSFER_OPTION_PROGRESS,
    TRANSFER_OPTION_QUIET,
    TRANSFER_OPTION_JSON,
    TRANSFER_OPTION_END
};

#define TRANSFER_OPTIONS                                                                 \
    {"server", required_argument, NULL, TRANSFER_OPTION_SERVER},                         \
        {"connections", required_argument, NULL, TRANSFER_OPTION_CONNECTIONS},           \
        {"preserve", no_argument, NULL, TRANSFER_OPTION_PRESERVE},                       \
        {"stall", required_argument, NULL, TRANSFER_OPTION_STALL},                       \
        {"progress", no_argument, NULL, TRANSFER_OPTION_PROGRESS},                       \
        {"quiet", no_argument, NULL, TRANSFER_OPTION_QUIET},                             \
    {                                                                                    \
        "json", no_argument, NULL, TRANSFER_OPTION_JSON                                  \
    }

struct transfer_options {
    struct server_options server;
    const char *where; /* --server, or null */
    struct file_client_options client;
    struct transfer_view view;
};

/* The lines of the options above, translated. */
const char *transfer_options_help(void);
static inline bool transfer_options_are(int option)
{
    return option >= TRANSFER_OPTION_SERVER && option < TRANSFER_OPTION_END;
}
/* An exit status; complains of what is wrong. `value` (optarg) is borrowed. */
int transfer_options_take(struct transfer_options *options, const char *verb, int option,
                          const char *value);
/* Finishes the server's, and fills `client` in, so that it can be used as long as `options` is. */
int transfer_options_finish(struct transfer_options *options, const char *verb,
                            const char *where, wo_event *stop);

#endif
