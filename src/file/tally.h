/* How far a transfer is, and what it reports: both sides' words for whoever shows them. */
#ifndef WOSHOU_FILE_TALLY_H
#define WOSHOU_FILE_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "file/check.h"

struct tally {
    bool counted;       /* the manifest is complete: the totals are final */
    uint64_t bytes;     /* of all files so far known of */
    uint64_t had_bytes; /* of these, there already when the transfer began */
    uint64_t
        moved_bytes; /* sent and acknowledged, or received and checked, in this one */
    uint32_t files, done_files; /* known of, and whole there */
};

/* What became of a root. */
struct transfer_result {
    const char *name; /* from outside, perhaps; borrowed for the call */
    bool folder;
    bool already; /* it was there; nothing was sent */
    bool checked; /* `check` is set: of a file */
    struct check check;
    uint64_t bytes;
    uint32_t files;
    unsigned code;        /* 0, or why it failed: enum frame_error */
    const char *sentence; /* with a code; else null */
};

struct transfer_reports {
    /* Once for each root. */
    void (*ended)(void *owner, const struct transfer_result *result);
    /* Something below a root is not sent: its name, its root's, and what it is. Only a sender's. */
    void (*passed)(void *owner, const char *root, const char *name, const char *what);
    /* None of these will be called any more; may be null. */
    void (*closed)(void *owner);
    void *owner;
};

#endif
