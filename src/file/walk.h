/* A walk through what is to be sent: one root, a file or a folder with all that is in it, each folder
 * before what it holds. Links and whatever is neither file nor folder are named and passed over; links
 * below the root are never followed. */
#ifndef WOSHOU_FILE_WALK_H
#define WOSHOU_FILE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "file/manifest.h"

struct error;
struct stat;
struct walk;

/* Opens the root: `name` in `folder`, which is borrowed, and, with `follow`, where it leads if it is a
 * link; it is sent as `as`, which is copied. ERROR_ABSENT; ERROR_ARGUMENT for what cannot be sent or has
 * a name that cannot be. */
int walk_open(int folder, const char *name, bool follow, const char *as,
              struct walk **ret_walk, struct error *err);
/* Accepts null, leaves null. */
void walk_close(struct walk **walk);

enum walk_found {
    WALK_END = 0,
    WALK_ENTRY = 1,
    WALK_PASSED =
        2 /* no entry: `ret_entry` has only a name, and `ret_why` says what it is */
};
/* The next one: enum walk_found or an error. `number` is the one that the entry gets if it is one; names
 * are borrowed until the next call. */
int walk_next(struct walk *walk, uint32_t number, struct manifest_entry *ret_entry,
              const char **ret_why, struct error *err);

/* What changes whenever a file is written. */
uint64_t walk_version(const struct stat *status);

#endif
