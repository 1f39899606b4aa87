/* The list of what stands on a server's shelf, as it travels. */
#ifndef WOSHOU_FILE_LISTING_H
#define WOSHOU_FILE_LISTING_H

#include <stdint.h>

#include "file/shelf.h"
#include "net/frame.h"

struct error;
struct link;

/* Sends all of it, ended by NAMES_END, as the answer to request `id`; what link_send says. */
int listing_send(struct shelf *shelf, struct link *link, uint64_t id);

struct listing_reader {
    struct frame_reader fields;
    uint16_t left;
};
/* Of a NAMES frame. ERROR_CORRUPT. */
int listing_open(struct listing_reader *ret_reader, const struct frame *frame,
                 struct error *err);
/* 1 and an item, whose name is raw; 0 at the end; ERROR_CORRUPT. */
int listing_read(struct listing_reader *reader, struct shelf_item *ret_item,
                 struct error *err);

#endif
