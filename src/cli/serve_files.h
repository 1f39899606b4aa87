/* What `woshou serve` does with connections that are for files: it joins the file service to the server
 * and its rooms. */
#ifndef WOSHOU_CLI_SERVE_FILES_H
#define WOSHOU_CLI_SERVE_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct server;
struct serve_files;

struct serve_files_settings {
    const char *folder;   /* the server's own: files are kept in files/ and incoming/ */
    int64_t heartbeat_ns; /* 0: the usual */
    bool sink;            /* what comes is checked and thrown away */
};

/* Before server_run. */
int serve_files_start(struct server *server, const struct serve_files_settings *settings,
                      struct serve_files **ret_files, struct error *err);
/* After server_run; what is under way is broken off, and can be carried on. Accepts null, leaves null. */
void serve_files_end(struct serve_files **files);

#endif
