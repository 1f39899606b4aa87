#include "cli/server_options.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/home.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "net/address.h"

static const int64_t usual_timeout_ns = 10 * NS_PER_S;

const char *server_options_help(void)
{
    return _(
        "  --name NAME           how you would like to be called (your login name)\n"
        "  --token TOKEN         who you are, as 'woshou token make' has it there; others\n"
        "                        can see it in the list of processes, but not in the\n"
        "                        environment's WOSHOU_TOKEN or in a file\n"
        "  --token-file FILE     the token is the first word of FILE, which only you may\n"
        "                        read; else that of a line 'HOST:PORT TOKEN' in\n"
        "                        ~/.config/woshou/tokens\n"
        "  --tls                 use TLS on this machine, too; elsewhere it always is\n"
        "  --plain               use no TLS anywhere: everyone on the way can read all\n"
        "  --fingerprint F       take this server and no other: F is what it shows when\n"
        "                        it starts; without it the first one met is pinned\n"
        "  --timeout SECONDS     how long to try to get through (10)\n");
}

int server_options_take(struct server_options *server, const char *verb, int option,
                        const char *value)
{
    switch (option) {
    case SERVER_OPTION_NAME: server->name = value; break;
    case SERVER_OPTION_TOKEN: server->token_word = value; break;
    case SERVER_OPTION_TOKEN_FILE: server->token_file = value; break;
    case SERVER_OPTION_TLS: server->tls = SESSION_TLS_ALWAYS; break;
    case SERVER_OPTION_PLAIN: server->tls = SESSION_TLS_NEVER; break;
    case SERVER_OPTION_FINGERPRINT: server->fingerprint = value; break;
    case SERVER_OPTION_TIMEOUT:
        if (options_seconds(value, &server->timeout_ns))
            return complain_usage(verb, _("--timeout: '%s' is no number of seconds"),
                                  value);
        break;
    default: break;
    }
    return EXIT_DONE;
}

static int find_server(struct server_options *server, const char *verb, const char *where)
{
    struct address_words words;
    struct error err;
    const char *text = where ? where : getenv("WOSHOU_SERVER");
    if (!text || !*text)
        text = "localhost";
    if (address_parse(text, &words, &err))
        return complain_usage(verb, "%s", err.sentence);
    snprintf(server->host, sizeof server->host, "%s",
             words.host[0] ? words.host : "localhost");
    server->port = words.has_port ? words.port : SESSION_PORT;
    return EXIT_DONE;
}

/* The first word of the file. */
static int read_token_file(const char *path, struct buffer *ret_token, struct error *err)
{
    char text[GREETING_TOKEN_BYTES + 64];
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_system(err, errno, "%s", path);
    ssize_t length = fstat(fd, &status) < 0 ? -1 : read(fd, text, sizeof text - 1);
    int system = errno;
    close(fd);
    if (length < 0)
        return error_set_system(err, system, "%s", path);
    if (S_ISREG(status.st_mode) && status.st_mode & 077)
        return error_set(err, ERROR_PERMISSION, "others can read the token: chmod 600 %s",
                         path);
    text[length] = '\0';
    size_t begin = strspn(text, " \t\r\n"), word = strcspn(text + begin, " \t\r\n");
    if (word == 0)
        return error_set(err, ERROR_CORRUPT, "%s: no token is in it", path);
    buffer_append(ret_token, text + begin, word);
    return ret_token->failed ? error_set(err, ret_token->failed, "no memory") : 0;
}

static int find_token(struct server_options *server, struct error *err)
{
    const char *word = server->token_word ? server->token_word : getenv("WOSHOU_TOKEN");
    if (server->token_file)
        return read_token_file(server->token_file, &server->token, err);
    if (word && *word)
        return buffer_append_text(&server->token, word)
                   ? error_set(err, ERROR_MEMORY, "no memory")
                   : 0;
    return home_token(server->host, server->port, &server->token, err);
}

/* Who does not say how to be called is called as on this machine; where that is no name for the
 * protocol the server gives one. */
static void find_name(struct server_options *server)
{
    const struct passwd *user = server->name ? NULL : getpwuid(geteuid());
    size_t length = user ? strlen(user->pw_name) : 0;
    if (length == 0 || length >= sizeof server->login)
        return;
    memcpy(server->login, user->pw_name, length + 1);
    server->name = server->login;
}

int server_options_finish(struct server_options *server, const char *verb,
                          const char *where)
{
    struct error err;
    int status = find_server(server, verb, where);
    if (status)
        return status;
    find_name(server);
    buffer_init(&server->token, 0);
    buffer_init(&server->pins, 0);
    if (server->timeout_ns == 0)
        server->timeout_ns = usual_timeout_ns;
    int code = find_token(server, &err);
    if (code == 0)
        code = home_client_id(server->client_id, sizeof server->client_id, &err);
    if (code == 0)
        code = home_state_path(&server->pins, "known-servers", &err);
    return code ? complain(EXIT_FAILED, "%s", err.sentence) : EXIT_DONE;
}

struct session_options server_options_session(const struct server_options *server,
                                              enum business business, wo_event *stop)
{
    return (struct session_options){
        .host = server->host,
        .port = server->port,
        .business = business,
        .name = server->name,
        .token = server->token.length ? server->token.bytes : NULL,
        .client_id = server->client_id,
        .tls = server->tls,
        .pins = buffer_text(&server->pins),
        .fingerprint = server->fingerprint,
        .stop = stop,
        .timeout_ns = server->timeout_ns,
    };
}

void server_options_met(const struct server_options *server,
                        const struct session *session)
{
    if (session->first_meeting)
        fprintf(stderr,
                _("%s:%u is met for the first time; its fingerprint is pinned:\n%s\n"),
                server->host, server->port, session->fingerprint);
}

int server_options_open(const struct server_options *server, enum business business,
                        wo_event *stop, struct channel_scratch *scratch,
                        struct session *ret_session, struct session_refused *ret_refused,
                        struct error *err)
{
    const struct session_options options = server_options_session(server, business, stop);
    int code = session_open(&options, scratch, ret_session, ret_refused, err);
    if (code == 0)
        server_options_met(server, ret_session);
    return code;
}

void server_options_done(struct server_options *server)
{
    buffer_done(&server->token);
    buffer_done(&server->pins);
}
