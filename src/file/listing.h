/* The list of what stands on a server's shelf, as it travels. Pure: fields in, values out. */
#ifndef WOSHOU_FILE_LISTING_H
#define WOSHOU_FILE_LISTING_H

#include <stdint.h>

#include "file/shelf.h"
#include "net/frame.h"

struct buffer;
struct error;

/* NAMES: u16 count, items. Writes one frame: begin, put until it returns ERROR_LIMIT, end. */
struct listing_writer {
    struct buffer *buffer; /* borrowed; its failure is sticky */
    size_t begin;
    uint16_t count;
};
void listing_begin(struct listing_writer *writer, struct buffer *buffer, uint64_t id);
/* 0; or ERROR_LIMIT: the frame is full, the item is not in it. */
int listing_put(struct listing_writer *writer, const struct shelf_item *item);
/* Ends the frame; one without items is taken away. 0 or the buffer's failure. */
int listing_end(struct listing_writer *writer);

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
