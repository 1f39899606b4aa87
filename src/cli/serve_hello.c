#include "cli/serve_hello.h"

#include <stdio.h>

#include "base/error.h"
#include "cli/console.h"
#include "cli/language.h"
#include "cli/verbs.h"
#include "hello/server.h"
#include "net/address.h"

/* --- What the server reports --- */

static void print_said(void *owner, const struct endpoint *peer, const char *text,
                       size_t length)
{
    (void)peer;
    console_print(owner, text, length);
}

static void print_told(void *owner, const struct endpoint *peer, const char *sentence)
{
    (void)owner;
    char text[ENDPOINT_TEXT];
    if (peer)
        fprintf(stderr, "%s: %s\n", endpoint_format(peer, text), sentence);
    else
        complain(EXIT_DONE, "%s", sentence);
}

/* --- Serving --- */

/* Listens at every address of one --hello. A name may have some that this machine has
 * not, such as ::1 where there is no IPv6: one that works is enough then. */
static int listen_at(struct hello_server *server, const char *text)
{
    struct address_list list;
    struct error err;
    int code = address_read(text, "127.0.0.1", 0, &list, &err);
    if (code)
        return complain(EXIT_FAILED, "%s", err.sentence);
    size_t listening = 0;
    for (size_t i = 0; i < list.count; i++) {
        struct endpoint local;
        char spelled[ENDPOINT_TEXT];
        code = hello_server_listen(server, &list.addresses[i], &local, &err);
        if (code && code != ERROR_ABSENT && code != ERROR_UNSUPPORTED)
            return complain(EXIT_FAILED, "%s", err.sentence);
        if (code)
            continue;
        fprintf(stderr, _("listening on %s\n"), endpoint_format(&local, spelled));
        listening++;
    }
    return listening ? EXIT_DONE : complain(EXIT_FAILED, "%s", err.sentence);
}

int serve_hello_open(const struct serve_hello_settings *settings, struct console *console,
                     struct hello_server **ret_server)
{
    struct hello_server *server = NULL;
    struct error err;
    const struct hello_server_options options = {
        .greeting = settings->greeting,
        .silence_ns = settings->silence_ns,
        .reports = {print_said, print_told, console}};
    if (hello_server_new(&options, &server, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    int status = EXIT_DONE;
    for (size_t i = 0; i < settings->count && status == EXIT_DONE; i++)
        status = listen_at(server, settings->ports[i]);
    if (status == EXIT_DONE)
        *ret_server = server;
    else
        hello_server_free(&server);
    return status;
}

int serve_hello_run(struct hello_server *server, struct console *console)
{
    struct error err;
    if (hello_server_run(server, console->stop, &err))
        return complain(EXIT_FAILED, "%s", err.sentence);
    return EXIT_DONE;
}
