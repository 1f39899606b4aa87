/* A channel: one connection that carries frames, and the event that tells of it.
 *
 *     channel_adopt                    a connected socket and an event; not in a wait set yet
 *     wait for channel->event, then
 *     channel_enumerate                which network events; on WO_WRITE it sends on what it kept
 *     channel_next, until it returns 0 each frame that has come
 *     channel_send, channel_write, channel_send_file
 *     channel_finish, channel_drain    the orderly end
 *     channel_close
 *
 * The loop of whoever serves one:
 *
 *     unsigned events;
 *     int code = channel_enumerate(channel, &events);
 *     while (code >= 0 && (code = channel_next(channel, scratch, &frame)) == 1)
 *         take(&frame);
 *     if (code < 0) ...it is over: see channel_next
 *
 * Who stops before channel_next has returned 0 must come back by himself: no event tells
 * of what has been received already (channel_waiting does).
 *
 * What is received stands in a scratch buffer that a thread's channels share. A channel
 * owns memory only while it holds part of a frame, or bytes that wait to be sent.
 *
 * Not for several threads at once. After channel_stow, and where channel_next has
 * returned 0, it may be moved in memory and handed to another thread. Functions return 0
 * (or a count) or a negated errno; where receiving failed once it says the same from then
 * on, and so does sending. Where receiving failed, an answer can still be sent. */
#ifndef WOSHOU_NET_CHANNEL_H
#define WOSHOU_NET_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "net/carrier.h"
#include "net/frame.h"
#include "net/queue.h"
#include "woshou/event.h"

struct channel;
struct error;
struct tls;
struct watch;

/* One a thread, for all its channels. */
struct channel_scratch {
    uint8_t *bytes;
    size_t capacity;
    size_t begin, end;     /* what is there and was not given yet, of `owner` */
    struct channel *owner; /* null: nothing is there */
};

enum {
    CHANNEL_SCRATCH_BYTES = 256 << 10,
    CHANNEL_UNSENT_BYTES = 2 << 20 /* the usual bound of what waits to be sent */
};

/* -ENOMEM. */
int channel_scratch_init(struct channel_scratch *scratch, size_t capacity);
/* Accepts one that is done already. Channels that have bytes in it lose them: close them
 * first. */
void channel_scratch_done(struct channel_scratch *scratch);

struct channel {
    struct carrier carrier;
    struct tls *tls;                 /* its own; null: plain */
    wo_event *event;                 /* manual reset, its own */
    struct channel_scratch *scratch; /* whose owner it is, or null */
    struct endpoint peer;
    uint32_t body_limit; /* longer frames are refused; FRAME_BODY_EARLY_BYTES at first */
    uint32_t unsent_limit;      /* CHANNEL_UNSENT_BYTES at first */
    struct byte_queue received; /* what did not stay in the scratch buffer */
    struct byte_queue unsent;
    struct frame streamed;  /* the frame whose pieces are given, `offset` up to where */
    uint16_t streamed_type; /* see channel_stream; 0: none */
    uint16_t streamed_head;
    int16_t receive_fault, send_fault; /* what it failed with, negated errno */
    bool said_end;                     /* TLS has said that this is the end */
    bool finishing;                    /* to be shut down for writing once all is sent */
    bool finished;                     /* it was */
};

/* Takes a connected socket and a manual-reset event, both taken whatever comes of it,
 * selects the socket to the event and has it send at once (TCP_NODELAY) and give a peer
 * that vanished up (TCP_USER_TIMEOUT). `watch` is borrowed until channel_close; may be
 * null. On failure there is nothing to close. */
int channel_adopt(struct channel *ret_channel, int fd, wo_event *event,
                  const struct endpoint *peer, struct watch *watch);

/* What has come first of all, and stays to be received: before any TLS. How many bytes,
 * at most `length`; 0 at the end; -EAGAIN: none yet. */
ssize_t channel_peek(struct channel *channel, void *buffer, size_t length);
/* All that follows goes through TLS (net/tls.h), which is taken; nothing has been
 * received or sent yet. */
void channel_start_tls(struct channel *channel, struct tls *tls);
/* 1 once the handshake is done; 0: not yet, call it again when the event has told of
 * something; -EPROTO, -EBADMSG, ...: it failed. */
int channel_handshake(struct channel *channel);

/* Closes at once; what is unsent is dropped. Accepts one that is closed already. The
 * event leaves its wait set. */
void channel_close(struct channel *channel);
bool channel_is_open(const struct channel *channel);

/* Reads the record of network events and resets the event; on WO_WRITE sends on what was
 * kept. `ret_events` (may be null) says what was recorded: on WO_WRITE who sends with
 * channel_write goes on. What failed is said here or by the next channel_next. */
int channel_enumerate(struct channel *channel, unsigned *ret_events);

/* --- Receiving --- */

/* The next frame: 1, and `ret_frame` has it, its body borrowed until the next
 * channel_next with this scratch buffer or of this channel; 0: none now, the event will
 * tell; or it is over:
 *   -ESHUTDOWN   the peer has finished in good order, between two frames
 *   -ECONNRESET  and other errors of the system: the connection is gone
 *   -EBADMSG     the end came within a frame, or without TLS's own
 *   -EPROTO      what came is no TLS, or breaks it (tls_why)
 *   -EMSGSIZE    a frame longer than body_limit: say FRAME_ERROR_TOO_LARGE, finish
 *   -ENOMEM */
int channel_next(struct channel *channel, struct channel_scratch *scratch,
                 struct frame *ret_frame);
/* Frames of `type` are given in pieces as they arrive, without a copy: the first piece
 * has the first `head` bytes of the body at least (or all of a shorter one), and each
 * says where it belongs (offset, length, total). Nothing else is given before the last
 * piece. Type 0: none. */
void channel_stream(struct channel *channel, unsigned type, unsigned head);
/* Something was received, or may be, that no event will tell of: come back to
 * channel_next. */
bool channel_waiting(const struct channel *channel);
/* Takes what it has in a scratch buffer into memory of its own: before another thread
 * takes the channel over (which then calls channel_next without an event). -ENOMEM. */
int channel_stow(struct channel *channel);

/* --- Sending --- */

/* Sends all of it, keeping a copy of what the system does not take now; -ENOBUFS, and
 * nothing is sent, where more than unsent_limit bytes would wait. */
int channel_send(struct channel *channel, const void *bytes, size_t length);
/* Sends what the system takes now and keeps nothing: how many bytes were taken, -EAGAIN
 * for none; where fewer than `length`, WO_WRITE will be among the events. A frame begun
 * must be carried on. */
ssize_t channel_write(struct channel *channel, const void *bytes, size_t length);
/* The same from a file, `length` bytes from `offset` on; plain, they do not pass through
 * the program. 0 (of more than 0 bytes): the file ended. What reading the file fails with
 * is not the channel's failure. */
ssize_t channel_send_file(struct channel *channel, int file, uint64_t offset,
                          size_t length);
/* Sends on what was kept; channel_enumerate does it on WO_WRITE. */
int channel_flush(struct channel *channel);
size_t channel_unsent_bytes(const struct channel *channel);

/* --- Ending --- */

/* No more will be sent: once all that was kept is, the peer reads to the end. Receiving
 * goes on. */
int channel_finish(struct channel *channel);
/* Receives and forgets, so that closing sends no reset that would lose what the peer has
 * not read yet: 1 once the peer has ended, or the connection has, and all was sent: close
 * it; 0: not yet. For 5 s at most, then close it all the same. */
int channel_drain(struct channel *channel, struct channel_scratch *scratch);

#endif
