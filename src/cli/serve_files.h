/* What `woshou serve` does with connections that are for files: it joins the file service to the server
 * and its rooms. */
#ifndef WOSHOU_CLI_SERVE_FILES_H
#define WOSHOU_CLI_SERVE_FILES_H

#include <stdbool.h>

struct error;
struct server;
struct serve_files;

/* Files are kept in `folder`, the server's own, in files/ and incoming/. With `sink` what comes is checked
 * and thrown away. Before server_run. */
int serve_files_start(struct server *server, const char *folder, bool sink,
                      struct serve_files **ret_files, struct error *err);
/* After server_run; what is under way is broken off, and can be carried on. Accepts null, leaves null. */
void serve_files_end(struct serve_files **files);

#endif
