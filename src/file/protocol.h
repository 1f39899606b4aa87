/* What is said on connections whose business is files: the frames' types, and what both sides hold to.
 * doc/protocol.md has each frame's fields.
 *
 * A transfer has one control connection, which opened it (OFFER or FETCH), and any number of data
 * connections attached to it by its id. The side that has the files is the sender, the other the
 * receiver, whichever of them is the server:
 *
 *     sender                                     receiver
 *       ENTRIES  what there is, in batches  ->
 *                                           <-  WANT     which of them, which chunks of them
 *       END      that was all               ->
 *       PACK     small files, whole         ->           on any connection
 *       DATA..., CHECK   a chunk            ->
 *                                           <-  GOT      all up to here was right, on that connection
 *                                           <-  AGAIN    that one was not
 *                                           <-  DONE     a root is whole, synced and in its place
 *       FAILED                             <->  FAILED   a root will not be
 *
 * A root is a file or a folder that was named in the command; it succeeds or fails as a whole. */
#ifndef WOSHOU_FILE_PROTOCOL_H
#define WOSHOU_FILE_PROTOCOL_H

#include <stdint.h>

#include "net/frame.h"

struct buffer;
struct error;

enum file_frame {
    FILE_OFFER = 0x0201,
    FILE_FETCH = 0x0202,
    FILE_ATTACH = 0x0203,
    FILE_READY = 0x0204,
    FILE_ENTRIES = 0x0205,
    FILE_WANT = 0x0206,
    FILE_END = 0x0207,
    FILE_DONE = 0x0208,
    FILE_FAILED = 0x0209,
    FILE_PACK = 0x0210,
    FILE_DATA = 0x0211,
    FILE_CHECK = 0x0212,
    FILE_GOT = 0x0213,
    FILE_AGAIN = 0x0214,
    FILE_LIST = 0x0220,
    FILE_NAMES = 0x0221,
    FILE_NAMES_END = 0x0222,
    FILE_REMOVE = 0x0223,
    FILE_REMOVED = 0x0224
};

enum {
    FILE_ID_BYTES = 16,
    FILE_CONNECTIONS_MOST = 64,
    FILE_ENTRIES_MOST = 8 << 20,  /* in one transfer */
    FILE_DEPTH_MOST = 128,        /* of folders in each other */
    FILE_PACKED_BYTES = 64 << 10, /* files up to here travel in packs */
    FILE_PACK_BYTES = 256 << 10,  /* the longest body of a pack that we make */
    FILE_BATCH_BYTES = 128 << 10, /* and of a batch of entries */
    FILE_PIECE_BYTES =
        256 << 10, /* and the data of a DATA frame: it stays in a core's cache */
    FILE_DATA_HEAD_BYTES = 12, /* the fields of DATA before the data */
    FILE_NO_ENTRY = -1         /* as a u32: the parent of a root */
};

/* OFFER's and FETCH's options. */
enum file_option { FILE_PRESERVE = 1 << 0 /* times and modes too */ };

/* What WANT says of one entry. */
enum file_want {
    FILE_HAVE = 0, /* nothing of it is needed */
    FILE_ALL = 1,
    FILE_SOME = 2, /* a blob follows: the map of the chunks that are there */
    FILE_NOT = 3   /* its root has failed */
};

enum file_kind { FILE_REGULAR = 1, FILE_FOLDER = 2 };

/* The number from frame.h that an error of ours is sent as. */
unsigned file_error_code(const struct error *err);

/* Appends a FAILED frame; `number` is the root's entry, or UINT32_MAX where it never had one. */
void file_put_failed(struct buffer *buffer, uint32_t number, unsigned code,
                     const char *name, const char *sentence);

#endif
