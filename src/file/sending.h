/* Sending: the side of a transfer that has the files. It walks through what is to be sent, tells the
 * receiver of it in batches, and sends what that wants over however many links there are.
 *
 *     sending_new, sending_add for each root
 *     sending_attach       each link; the first is the control connection's
 *     sending_take         each frame of files that comes
 *     sending_fill         whenever a link may take more: until it says that it has nothing to do
 *     sending_detach       a link that failed or stalled: what was under way there goes over others
 *     sending_is_over      every root is in its place, or has failed
 *     sending_free
 *
 * Data is read into memory, checked there and sent from there, so that what is sent is what was checked,
 * and nobody who cuts the file meanwhile does more harm than an error. (Over loopback that is also
 * faster than sendfile with a second reading for the check, and takes half of the receiver's time.)
 *
 * A file that is not as it was when its entry was sent fails its root: what arrives is one state of it.
 *
 * Not for several threads at once. */
#ifndef WOSHOU_FILE_SENDING_H
#define WOSHOU_FILE_SENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "file/check.h"
#include "file/link.h"
#include "file/tally.h"

struct error;
struct sending;

struct sending_options {
    struct transfer_reports reports;
};

int sending_new(const struct sending_options *options, struct sending **ret_sending,
                struct error *err);
/* Accepts null, leaves null. Links must be detached. */
void sending_free(struct sending **sending);

/* Adds a root: `path` in `folder` (AT_FDCWD: as a person wrote it; then links are followed to it), sent
 * under the name `as`. `folder` is borrowed. ERROR_ABSENT, ERROR_ARGUMENT; nothing is added then. */
int sending_add(struct sending *sending, int folder, const char *path, const char *as,
                struct error *err);
/* There is a root of that name, and it cannot be sent. */
int sending_add_failed(struct sending *sending, const char *as, unsigned code,
                       const char *sentence);

void sending_attach(struct sending *sending, struct link *link);
void sending_detach(struct sending *sending, struct link *link);

/* 0, or -EBADMSG where it is nonsense, or what the link fails with. */
int sending_take(struct sending *sending, struct link *link, const struct frame *frame);
/* Sends for a while: 1, there is more to do at once; 0, the link's or another event will tell; or what
 * the link fails with. */
int sending_fill(struct sending *sending, struct link *link, int64_t now_ns);
/* Whether a link more would have something to do. */
bool sending_is_busy(const struct sending *sending);
/* Whether a link owes something: it is to move on, or it has stalled. */
bool sending_waits_for(const struct sending *sending, const struct link *link);
bool sending_is_over(const struct sending *sending);
struct tally sending_tally(const struct sending *sending);

#endif
