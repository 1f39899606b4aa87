/* Receiving: the side of a transfer that the files come to. It says which of the entries it is told of it
 * wants, checks what comes, writes it, and puts each root in its place once it is whole.
 *
 *     receiving_new
 *     receiving_attach     each link; the first is the control connection's
 *     receiving_take       each frame of files that comes, and each piece of DATA
 *     receiving_settle     when the disk's port has a job that is done: for whichever it belongs to
 *     receiving_detach     a link that is gone
 *     receiving_is_over    every root is in its place, or has failed
 *     receiving_close      what is not whole is left for another time
 *
 * What waits for the disk is done by the disk's threads; a receiving that is closed meanwhile goes on
 * until those are done with it, and a root that is whole is put in its place all the same.
 *
 * Not for several threads at once. */
#ifndef WOSHOU_FILE_RECEIVING_H
#define WOSHOU_FILE_RECEIVING_H

#include <stdbool.h>
#include <stdint.h>

#include "file/arrival.h"
#include "file/disk.h"
#include "file/link.h"
#include "file/tally.h"

struct error;
struct receiving;

struct receiving_options {
    struct arrival_options arrival;
    struct disk *disk;      /* borrowed */
    struct disk_port *port; /* borrowed: the loop's */
    struct transfer_reports reports;
};

int receiving_new(const struct receiving_options *options,
                  struct receiving **ret_receiving, struct error *err);
/* Accepts null, leaves null. No report comes any more but of roots that were being put in their place. */
void receiving_close(struct receiving **receiving);

void receiving_attach(struct receiving *receiving, struct link *link);
void receiving_detach(struct receiving *receiving, struct link *link);

/* 0, or -EBADMSG where it is nonsense, or what a link fails with. */
int receiving_take(struct receiving *receiving, struct link *link,
                   const struct frame *frame);
/* What a job of the disk's came to: what a link fails with, or 0. */
int receiving_settle(struct disk_job *job);
bool receiving_is_over(const struct receiving *receiving);
/* Whether it waits for its own disk, and not for the peer. */
bool receiving_waits_for_disk(const struct receiving *receiving);
struct tally receiving_tally(const struct receiving *receiving);

#endif
