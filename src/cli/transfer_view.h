/* What a person or a program sees of a transfer: a line for each file or folder that ended, and how far
 * it is meanwhile.
 *
 * With `json` one object a line on standard output:
 *
 *     {"name", "kind": "file"|"folder", "status": "done"|"already"|"failed", "bytes", "files", "check",
 *      "code", "error"}             for each root; "code" is a name from the protocol, or null
 *     {"passed", "root", "what"}    for what is not sent: links and their like
 *     {"summary": {"status": "done"|"failed", "done", "failed", "bytes", "resumed_bytes", "moved_bytes",
 *      "seconds_ns", "code", "error"}}     last, and always */
#ifndef WOSHOU_CLI_TRANSFER_VIEW_H
#define WOSHOU_CLI_TRANSFER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "file/pace.h"
#include "file/tally.h"
#include "net/session.h"

struct error;

enum transfer_direction { TRANSFER_SEND, TRANSFER_GET };

struct transfer_view {
    enum transfer_direction direction;
    bool json, quiet;
    bool lines; /* progress, also where standard error is no terminal: a line each time */
    bool shown; /* there is a line of progress to be taken away */
    int64_t began_ns, shown_ns;
    struct pace pace;
    struct tally tally; /* the last one */
    unsigned done, failed;
};

void transfer_view_begin(struct transfer_view *view);
/* Of struct transfer_reports, and the others of struct file_client_options; the owner is the view. */
void transfer_view_ended(void *owner, const struct transfer_result *result);
void transfer_view_passed(void *owner, const char *root, const char *name,
                          const char *what);
void transfer_view_progress(void *owner, const struct tally *tally);
/* `code` is what the transfer returned. An exit status; complains where that was not done yet. */
int transfer_view_end(struct transfer_view *view, int code,
                      const struct session_refused *refused, const struct error *err);

/* The stable name of what a client failed with: the server's word where it refused. */
const char *transfer_code_name(int code, const struct session_refused *refused);

#endif
