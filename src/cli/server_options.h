/* What the verbs that go to a server have in common: where it is, who asks, and how it is
 * trusted.
 *
 *     struct server_options server = {0};
 *     static const struct option options[] = {SERVER_OPTIONS, {"json", ...}, {0}};
 *     ...in the loop over getopt_long:
 *         if (server_options_are(option)) status = server_options_take(&server, option, optarg);
 *     ...after it, with the word HOST[:PORT] or null:
 *     status = server_options_finish(&server, "say", host);
 *     ...as often as the verb wants connections:
 *     status = server_options_open(&server, &how, &scratch, &session, &refused, &err);
 *     server_options_done(&server);
 *
 * The help text's lines are SERVER_OPTIONS_HELP's, to be printed behind the verb's own.
 * */
#ifndef WOSHOU_CLI_SERVER_OPTIONS_H
#define WOSHOU_CLI_SERVER_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "net/session.h"

enum {
    SERVER_OPTION_NAME = 1000,
    SERVER_OPTION_TOKEN,
    SERVER_OPTION_TOKEN_FILE,
    SERVER_OPTION_TLS,
    SERVER_OPTION_PLAIN,
    SERVER_OPTION_FINGERPRINT,
    SERVER_OPTION_TIMEOUT,
    SERVER_OPTION_END
};

#define SERVER_OPTIONS                                                                   \
    {"name", required_argument, NULL, SERVER_OPTION_NAME},                               \
        {"token", required_argument, NULL, SERVER_OPTION_TOKEN},                         \
        {"token-file", required_argument, NULL, SERVER_OPTION_TOKEN_FILE},               \
        {"tls", no_argument, NULL, SERVER_OPTION_TLS},                                   \
        {"plain", no_argument, NULL, SERVER_OPTION_PLAIN},                               \
        {"fingerprint", required_argument, NULL, SERVER_OPTION_FINGERPRINT},             \
    {                                                                                    \
        "timeout", required_argument, NULL, SERVER_OPTION_TIMEOUT                        \
    }

struct server_options {
    const char *name, *fingerprint; /* as given, or null */
    const char *token_word, *token_file;
    enum session_tls tls;
    int64_t timeout_ns;

    /* Once finished; then `name` may be `login`. */
    char login[GREETING_NAME_BYTES + 1];
    char host[ADDRESS_HOST];
    uint16_t port;
    uint8_t client_id[GREETING_CLIENT_ID_BYTES];
    struct buffer token, pins;
};

/* The lines of the options above, translated. */
const char *server_options_help(void);
static inline bool server_options_are(int option)
{
    return option >= SERVER_OPTION_NAME && option < SERVER_OPTION_END;
}
/* An exit status; complains of what is wrong. `value` (optarg) is borrowed. */
int server_options_take(struct server_options *server, const char *verb, int option,
                        const char *value);
/* `where` is HOST, HOST:PORT or null: then WOSHOU_SERVER's, then localhost. Finds the
 * token (--token, --token-file, WOSHOU_TOKEN, the user's file), the client id and where
 * the pins are. An exit status. */
int server_options_finish(struct server_options *server, const char *verb,
                          const char *where);
/* What they say, for who opens sessions himself; borrows of `server`. */
struct session_options server_options_session(const struct server_options *server,
                                              enum business business, wo_event *stop);
/* Says the fingerprint on standard error where the server is met for the first time. */
void server_options_met(const struct server_options *server,
                        const struct session *session);
/* Opens a session as these options say, for this business; the first time a server is met
 * its fingerprint is said on standard error. As session_open. */
int server_options_open(const struct server_options *server, enum business business,
                        wo_event *stop, struct channel_scratch *scratch,
                        struct session *ret_session, struct session_refused *ret_refused,
                        struct error *err);
/* Accepts one that is all zero. */
void server_options_done(struct server_options *server);

#endif
