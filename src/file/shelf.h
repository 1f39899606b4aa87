/* A shelf: the folder where whole files and folders stand, and beside it the one where what is still
 * arriving lies. What stands on the shelf is whole and synced; nothing is ever replaced.
 *
 * Two names that differ only in their spelling are one name here. Functions may be called from any
 * thread. */
#ifndef WOSHOU_FILE_SHELF_H
#define WOSHOU_FILE_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "file/check.h"

struct error;
struct shelf;

/* Opens both folders and makes them where they are not there; they must be on one file system. `arriving`
 * may lie in `whole`. */
int shelf_open(const char *whole, const char *arriving, struct shelf **ret_shelf,
               struct error *err);
/* Accepts null, leaves null. A folder for what arrives that is empty, and lies in the other, is removed. */
void shelf_close(struct shelf **shelf);
/* Descriptors of the two folders, borrowed until shelf_close. */
int shelf_whole(const struct shelf *shelf);
int shelf_arriving(const struct shelf *shelf);

/* Keeps a name for who is about to put something there, so that nobody else sends in vain. 0; or 1
 * where what is there came under the same `key`: there is nothing to do; ERROR_IN_USE with a sentence.
 * `name` is terminated and has passed name_check. */
int shelf_reserve(struct shelf *shelf, const char *name, const struct check *key,
                  struct error *err);
/* Gives a reserved name back. */
void shelf_release(struct shelf *shelf, const char *name);

/* What was reserved is there: renames `from` in `folder` to it. Sync its contents first, and the shelf
 * after. ERROR_IN_USE where another program put something there. */
int shelf_put(struct shelf *shelf, int folder, const char *from, const char *name,
              struct error *err);
int shelf_sync(struct shelf *shelf, struct error *err);

/* Notes on a file or folder under which key it came, and for a folder what is in it; where the file
 * system does not keep such notes, there are none. */
void shelf_note(int fd, const struct check *key, uint64_t bytes, uint32_t files);

struct shelf_item {
    char name[256];
    bool folder;
    bool counted;   /* bytes and files are known */
    uint64_t bytes; /* of a file, or of all in a folder */
    uint32_t files; /* in a folder; 1 for a file */
    int64_t mtime_ns;
};
/* Calls `each` for what stands there, in no order, until it returns other than 0; returns that. */
int shelf_list(struct shelf *shelf,
               int (*each)(void *owner, const struct shelf_item *item), void *owner,
               struct error *err);
/* ERROR_ABSENT where there is none. */
int shelf_remove(struct shelf *shelf, const char *name, struct error *err);

/* Removes what has been arriving and was not written to for `age_ns`, by the clock on the wall `now_ns`,
 * and is under way nowhere. */
void shelf_expire(struct shelf *shelf, int64_t now_ns, int64_t age_ns);

#endif
