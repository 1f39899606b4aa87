/* What is kept, in one SQLite database: a folder's history.db, which people may read with the
 * tools they have while we write it.
 *
 *     message(id, time_ns, client, number, kind, name, text)    id = room << 40 | seq
 *     room(id, name)   client(id, key, window, seen_ns)   index: search, FTS5 without contents
 *
 * One thread writes: everything that waits goes into one transaction, with synchronous=FULL, and
 * comes back once that is committed. When it has nothing to commit it fills the index of words,
 * some messages at a time. Another thread reads. Whoever asks for words waits for the index.
 *
 * Disk full: what waits comes back KEEP_FULL, nothing of it is kept, and the next is tried anew.
 * Damaged: found at the start, the database is set aside under another name, a new one begun
 * with a new epoch, and that is told; found later, what waits comes back KEEP_FAILED, reading
 * goes on as far as it can, and the next start sets it aside. */
#ifndef WOSHOU_HISTORY_HISTORY_H
#define WOSHOU_HISTORY_HISTORY_H

#include <stdint.h>

#include "text/keep.h"

struct error;
struct history;

/* A client not heard of for so long may have its numbers forgotten. */
#define HISTORY_CLIENT_NS (INT64_C(30) * 24 * 3600 * 1000000000)

struct history_options {
    const char *folder;
    /* Something the owner of the server should know, in one line; from any thread. */
    void (*told)(void *owner, const char *sentence);
    void *owner;
};

struct history_counts {
    uint64_t stored, repeated, failed, commits, indexed;
    uint64_t waiting; /* messages taken and not yet back */
};

/* Opens or makes the database and starts its threads. The options are copied, what they point
 * to is borrowed until history_close. */
int history_open(const struct history_options *options, struct history **ret_history,
                 struct error *err);
/* Commits what waits, ends the threads and closes. Accepts null, leaves null. */
void history_close(struct history **history);

const struct keep *history_keep(const struct history *history);
/* From any thread. */
struct history_counts history_counts(const struct history *history);

#endif
