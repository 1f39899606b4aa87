/* What holds always: the bytes of `received` came before those in the scratch buffer, and
 * are given first. A frame is given from where it lies; one that begins in `received` is
 * completed there. */
#include "net/channel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/call.h"
#include "net/tls.h"

enum { VANISHED_AFTER_MS = 90000 };

int channel_scratch_init(struct channel_scratch *scratch, size_t capacity)
{
    *scratch = (struct channel_scratch){.bytes = malloc(capacity), .capacity = capacity};
    return scratch->bytes ? 0 : -ENOMEM;
}

/* --- Life --- */

/* Both are wishes: without them it is slower to send, or to notice. */
static void set_options(int fd)
{
    const int on = 1, vanished_ms = VANISHED_AFTER_MS;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &vanished_ms, sizeof vanished_ms);
}

int channel_adopt(struct channel *ret_channel, int fd, wo_event *event,
                  const struct endpoint *peer, struct watch *watch)
{
    struct channel channel = {
        .carrier = {.fd = fd, .watch = watch, .readable = true},
        .event = event,
        .peer = *peer,
        .body_limit = FRAME_BODY_EARLY_BYTES,
        .unsent_limit = CHANNEL_UNSENT_BYTES,
    };
    byte_queue_init(&channel.received);
    byte_queue_init(&channel.unsent);
    set_options(fd);
    int code = wo_select(fd, event, WO_READ | WO_WRITE | WO_CLOSE);
    if (code) {
        channel_close(&channel);
        return code;
    }
    *ret_channel = channel;
    return 0;
}

/* What it had there is lost. */
static void leave_scratch(struct channel *channel)
{
    struct channel_scratch *scratch = channel->scratch;
    if (!scratch)
        return;
    scratch->owner = NULL;
    scratch->begin = scratch->end = 0;
    channel->scratch = NULL;
}

void channel_scratch_done(struct channel_scratch *scratch)
{
    if (scratch->owner)
        leave_scratch(scratch->owner);
    free(scratch->bytes);
    *scratch = (struct channel_scratch){0};
}

bool channel_is_open(const struct channel *channel)
{
    return channel->event != NULL;
}

void channel_close(struct channel *channel)
{
    if (!channel_is_open(channel))
        return;
    leave_scratch(channel);
    tls_free(&channel->tls);
    call_close(channel->carrier.watch, channel->carrier.fd);
    channel->carrier.fd = -1;
    wo_event_free(&channel->event);
    byte_queue_done(&channel->received);
    byte_queue_done(&channel->unsent);
}

static int fail_receiving(struct channel *channel, int code)
{
    if (!channel->receive_fault)
        channel->receive_fault = (int16_t)code;
    return channel->receive_fault;
}

int channel_enumerate(struct channel *channel, unsigned *ret_events)
{
    wo_network_events network = {0};
    int code = wo_enumerate(channel->carrier.fd, channel->event, &network);
    if (code)
        return fail_receiving(channel, code);
    if (network.events & (WO_READ | WO_CLOSE))
        channel->carrier.readable = true;
    if (network.events & WO_CLOSE)
        channel->carrier.hung = true;
    if (ret_events)
        *ret_events = network.events;
    return network.events & WO_WRITE ? channel_flush(channel) : 0;
}

/* --- Through TLS, or not --- */

static ssize_t receive_bytes(struct channel *channel, void *buffer, size_t length)
{
    return channel->tls ? tls_receive(channel->tls, &channel->carrier, buffer, length)
                        : carrier_receive(&channel->carrier, buffer, length);
}

ssize_t channel_peek(struct channel *channel, void *buffer, size_t length)
{
    ssize_t there =
        call_peek(channel->carrier.watch, channel->carrier.fd, buffer, length);
    return there == -EINTR ? -EAGAIN : there;
}

void channel_start_tls(struct channel *channel, struct tls *tls)
{
    channel->tls = tls;
}

int channel_handshake(struct channel *channel)
{
    if (channel->receive_fault)
        return channel->receive_fault;
    int code = tls_handshake(channel->tls, &channel->carrier);
    return code < 0 ? fail_receiving(channel, code) : code;
}

/* --- Receiving --- */

int channel_stow(struct channel *channel)
{
    struct channel_scratch *scratch = channel->scratch;
    int code = 0;
    if (!scratch)
        return 0;
    if (scratch->begin < scratch->end)
        code = byte_queue_append(&channel->received, scratch->bytes + scratch->begin,
                                 scratch->end - scratch->begin);
    leave_scratch(channel);
    return code ? fail_receiving(channel, code) : 0;
}

/* Makes the channel the scratch buffer's owner. What another's owner fails with, it says
 * itself later. */
static int take_scratch(struct channel *channel, struct channel_scratch *scratch)
{
    if (channel->scratch == scratch)
        return 0;
    if (scratch->owner)
        channel_stow(scratch->owner);
    int code = channel_stow(channel);
    scratch->owner = channel;
    channel->scratch = scratch;
    return code;
}

static bool is_streamed(const struct channel *channel, const struct frame *frame)
{
    return channel->streamed_type && frame->type == channel->streamed_type;
}

/* How many bytes, from the header on, must be there for the frame to be given. */
static size_t needed_bytes(const struct channel *channel, const struct frame *frame)
{
    size_t body = frame->total;
    if (is_streamed(channel, frame) && body > channel->streamed_head)
        body = channel->streamed_head;
    return FRAME_HEADER_BYTES + body;
}

/* Looks for a frame at the beginning of `bytes`: 1, and how many bytes were `ret_taken`;
 * 0, and how many are needed; or a negated errno. */
static int find_frame(struct channel *channel, const uint8_t *bytes, size_t length,
                      struct frame *ret_frame, size_t *ret_needed, size_t *ret_taken)
{
    struct frame frame;
    int code = frame_decode(bytes, length, channel->body_limit, &frame, ret_needed);
    if (code < 0 || length < FRAME_HEADER_BYTES)
        return code;
    *ret_needed = needed_bytes(channel, &frame);
    if (length < *ret_needed)
        return 0;
    *ret_taken = FRAME_HEADER_BYTES + frame.length;
    if (is_streamed(channel, &frame)) {
        channel->streamed = frame;
        channel->streamed.offset = frame.length;
    }
    *ret_frame = frame;
    return 1;
}

/* The next piece of a streamed frame, of at most `length` bytes at `bytes`. */
static size_t find_piece(struct channel *channel, const uint8_t *bytes, size_t length,
                         struct frame *ret_frame)
{
    struct frame *streamed = &channel->streamed;
    uint32_t left = streamed->total - streamed->offset;
    uint32_t piece = length < left ? (uint32_t)length : left;
    *ret_frame = *streamed;
    ret_frame->body = bytes;
    ret_frame->length = piece;
    streamed->offset += piece;
    return piece;
}

static bool within_streamed(const struct channel *channel)
{
    return channel->streamed.offset < channel->streamed.total;
}

/* A frame, or a piece of one, from what stands first in `bytes`. Arguments and results as
 * of find_frame. */
static int find_next(struct channel *channel, const uint8_t *bytes, size_t length,
                     struct frame *ret_frame, size_t *ret_needed, size_t *ret_taken)
{
    if (!within_streamed(channel))
        return find_frame(channel, bytes, length, ret_frame, ret_needed, ret_taken);
    *ret_needed = 1;
    if (length == 0)
        return 0;
    *ret_taken = find_piece(channel, bytes, length, ret_frame);
    return 1;
}

/* From the bytes of its own, which the scratch buffer's complete. */
static int next_of_received(struct channel *channel, struct channel_scratch *scratch,
                            struct frame *ret_frame)
{
    struct byte_queue *received = &channel->received;
    for (;;) {
        size_t needed = 0, taken = 0, length = byte_queue_length(received);
        int code = find_next(channel, byte_queue_bytes(received), length, ret_frame,
                             &needed, &taken);
        if (code == 1)
            byte_queue_take(received, taken);
        if (code)
            return code;
        size_t there = scratch->end - scratch->begin;
        size_t more = needed - length < there ? needed - length : there;
        if (more == 0)
            return 0;
        code = byte_queue_append(received, scratch->bytes + scratch->begin, more);
        if (code)
            return code;
        scratch->begin += more;
    }
}

static int next_of_scratch(struct channel *channel, struct channel_scratch *scratch,
                           struct frame *ret_frame)
{
    size_t needed = 0, taken = 0;
    int code = find_next(channel, scratch->bytes + scratch->begin,
                         scratch->end - scratch->begin, ret_frame, &needed, &taken);
    if (code == 1)
        scratch->begin += taken;
    return code;
}

/* 1: more bytes are there; 0: none now; or a negated errno. */
static int refill(struct channel *channel, struct channel_scratch *scratch)
{
    int code = channel_stow(channel);
    if (code)
        return code;
    ssize_t received = receive_bytes(channel, scratch->bytes, scratch->capacity);
    if (received == -EAGAIN)
        return 0;
    if (received < 0)
        return (int)received;
    if (received == 0)
        return byte_queue_length(&channel->received) || within_streamed(channel)
                   ? -EBADMSG
                   : -ESHUTDOWN;
    take_scratch(channel, scratch);
    scratch->end = (size_t)received;
    return 1;
}

int channel_next(struct channel *channel, struct channel_scratch *scratch,
                 struct frame *ret_frame)
{
    if (channel->receive_fault)
        return channel->receive_fault;
    int code = take_scratch(channel, scratch);
    while (code == 0) {
        byte_queue_tidy(&channel->received);
        code = byte_queue_length(&channel->received)
                   ? next_of_received(channel, scratch, ret_frame)
                   : next_of_scratch(channel, scratch, ret_frame);
        if (code)
            break;
        code = refill(channel, scratch);
        if (code == 0)
            return 0;
        code = code < 0 ? code : 0;
    }
    return code < 0 ? fail_receiving(channel, code) : code;
}

void channel_stream(struct channel *channel, unsigned type, unsigned head)
{
    channel->streamed_type = (uint16_t)type;
    channel->streamed_head = (uint16_t)head;
}

bool channel_waiting(const struct channel *channel)
{
    struct frame frame;
    size_t needed;
    if (channel->receive_fault || channel->scratch || channel->carrier.readable ||
        (channel->tls && tls_waiting(channel->tls)))
        return true;
    return byte_queue_length(&channel->received) &&
           frame_decode(byte_queue_bytes(&channel->received),
                        byte_queue_length(&channel->received), channel->body_limit,
                        &frame, &needed) != 0;
}

int channel_drain(struct channel *channel, struct channel_scratch *scratch)
{
    ssize_t received;
    take_scratch(channel, scratch);
    leave_scratch(channel);
    byte_queue_done(&channel->received);
    if (channel_flush(channel))
        return 1;
    do
        received = carrier_receive(&channel->carrier, scratch->bytes, scratch->capacity);
    while (received > 0);
    if (received == -EAGAIN)
        return 0;
    return received < 0 || channel->finished;
}
