#include "cli/serve_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "file/service.h"
#include "serve/log.h"
#include "serve/server.h"
#include "text/protocol.h"
#include "text/text.h"
#include "trust/door.h"

struct serve_files {
    struct file_service *service;
    struct server *server;
};

static void adopt(void *owner, struct door_guest *guest)
{
    struct serve_files *files = owner;
    const struct file_guest welcomed = {.client_id = guest->client_id,
                                        .name = guest->name};
    file_service_adopt(files->service, &guest->channel, &welcomed);
}

/* The room hears the name alone: whoever wants the file asks for it by that. */
static void announce(void *owner, const char *room, const char *from,
                     const struct transfer_result *result)
{
    struct serve_files *files = owner;
    text_announce(server_text(files->server), room, TEXT_KIND_FILE, *from ? from : "-",
                  result->name, strlen(result->name));
}

static void note(void *owner, const char *from, bool fetched,
                 const struct transfer_result *result)
{
    struct buffer text;
    (void)owner;
    buffer_init(&text, 0);
    buffer_append_format(&text, "%s, %s %s", result->name, fetched ? "to" : "from",
                         *from ? from : "-");
    if (result->code)
        buffer_append_format(&text, ": %s", result->sentence);
    log_event(result->code ? LOG_WARNING : LOG_INFO,
              result->code ? "file-failed"
              : fetched    ? "file-sent"
                           : "file-received",
              NULL, buffer_text(&text));
    buffer_done(&text);
}

static struct server_file_counts count(void *owner)
{
    const struct serve_files *files = owner;
    const struct file_service_counts counts = file_service_counts(files->service);
    return (struct server_file_counts){.connections = counts.connections,
                                       .received = counts.received_roots,
                                       .sent = counts.sent_roots,
                                       .failed = counts.failed_roots,
                                       .received_bytes = counts.received_bytes,
                                       .sent_bytes = counts.sent_bytes};
}

int serve_files_start(struct server *server, const struct serve_files_settings *settings,
                      struct serve_files **ret_files, struct error *err)
{
    struct serve_files *files = calloc(1, sizeof *files);
    struct buffer whole, incoming;
    if (!files)
        return error_set(err, ERROR_MEMORY, "no memory for the file service");
    files->server = server;
    buffer_init(&whole, 0);
    buffer_init(&incoming, 0);
    buffer_append_format(&whole, "%s/files", settings->folder);
    buffer_append_format(&incoming, "%s/incoming", settings->folder);
    const struct file_service_options options = {
        .files = buffer_text(&whole),
        .incoming = buffer_text(&incoming),
        .heartbeat_ns = settings->heartbeat_ns,
        .sink = settings->sink,
        .reports = {.arrived = announce, .ended = note, .owner = files}};
    int code = file_service_new(&options, &files->service, err);
    buffer_done(&whole);
    buffer_done(&incoming);
    if (code) {
        free(files);
        return code;
    }
    server_set_files(server, &(const struct server_files){adopt, count, files});
    *ret_files = files;
    return 0;
}

void serve_files_end(struct serve_files **files)
{
    if (!*files)
        return;
    file_service_free(&(*files)->service);
    free(*files);
    *files = NULL;
}
