/* A carrier: the bytes below a channel, plain or enciphered, as the socket takes and
 * gives them, and whether there may be some to receive. Nothing here waits. */
#ifndef WOSHOU_NET_CARRIER_H
#define WOSHOU_NET_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct watch;

struct carrier {
    int fd;
    bool readable; /* WO_READ was enumerated, and no receive came back short since */
    bool hung;     /* WO_CLOSE was enumerated: only the end itself ends receiving */
    struct watch *watch; /* may be null */
};

/* Bytes received; 0 at the peer's end; -EAGAIN: none now, WO_READ will tell; a negated
 * errno. */
ssize_t carrier_receive(struct carrier *carrier, void *buffer, size_t length);
/* How many bytes were taken: where fewer than `length`, WO_WRITE will tell of room.
 * -EAGAIN where none were, or a negated errno. */
ssize_t carrier_send(struct carrier *carrier, const void *bytes, size_t length);
/* The same from a file, as it lies there. 0 (of more than 0 bytes) where the file ends.
 * */
ssize_t carrier_send_file(struct carrier *carrier, int file, uint64_t offset,
                          size_t length);

#endif
