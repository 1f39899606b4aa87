/* The half of net/channel.h that sends and ends. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/filled.h"
#include "net/call.h"
#include "net/channel.h"
#include "net/tls.h"

enum { FILE_PIECE_BYTES = 128 << 10 };

static int fail_sending(struct channel *channel, int code)
{
    if (!channel->send_fault)
        channel->send_fault = (int16_t)code;
    return channel->send_fault;
}

static ssize_t send_bytes(struct channel *channel, const void *bytes, size_t length)
{
    return channel->tls ? tls_send(channel->tls, &channel->carrier, bytes, length)
                        : carrier_send(&channel->carrier, bytes, length);
}

/* How many bytes wait below what waits here. */
static size_t below_unsent(const struct channel *channel)
{
    return channel->tls ? tls_unsent_bytes(channel->tls) : 0;
}

static ssize_t send_now(struct channel *channel, const void *bytes, size_t length)
{
    ssize_t sent = send_bytes(channel, bytes, length);
    return sent < 0 && sent != -EAGAIN ? fail_sending(channel, (int)sent) : sent;
}

/* Nothing more is sent after the end was, and nothing in front of what waits. */
static int may_send(struct channel *channel)
{
    if (channel->finishing)
        return -EPIPE;
    int code = byte_queue_length(&channel->unsent) ? channel_flush(channel)
                                                   : channel->send_fault;
    if (code)
        return code;
    return byte_queue_length(&channel->unsent) ? -EAGAIN : 0;
}

ssize_t channel_write(struct channel *channel, const void *bytes, size_t length)
{
    int code = may_send(channel);
    return code ? code : send_now(channel, bytes, length);
}

int channel_send(struct channel *channel, const void *bytes, size_t length)
{
    if (length + byte_queue_length(&channel->unsent) > channel->unsent_limit)
        return -ENOBUFS;
    ssize_t sent = channel_write(channel, bytes, length);
    if (sent < 0 && sent != -EAGAIN)
        return (int)sent;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == length)
        return 0;
    int code = byte_queue_append(&channel->unsent, (const char *)bytes + sent,
                                 length - (size_t)sent);
    return code ? fail_sending(channel, code) : 0;
}

/* Through TLS a file goes by way of memory. */
static ssize_t encipher_file(struct channel *channel, int file, uint64_t offset,
                             size_t length)
{
    FILLED_BY_CALL uint8_t piece[FILE_PIECE_BYTES];
    size_t sent = 0;
    while (sent < length) {
        size_t wanted = length - sent < sizeof piece ? length - sent : sizeof piece;
        ssize_t there = pread(file, piece, wanted, (off_t)(offset + sent));
        if (there < 0)
            return sent ? (ssize_t)sent : -errno;
        if (there == 0)
            break;
        ssize_t taken = send_now(channel, piece, (size_t)there);
        if (taken < 0)
            return sent && taken == -EAGAIN ? (ssize_t)sent : taken;
        sent += (size_t)taken;
        if (taken < there)
            break;
    }
    return (ssize_t)sent;
}

/* Whether the negated errno is of reading the file, and not the connection's. */
static bool is_of_file(ssize_t code)
{
    return code == -EIO || code == -EBADF || code == -EINVAL || code == -EOVERFLOW ||
           code == -EISDIR;
}

ssize_t channel_send_file(struct channel *channel, int file, uint64_t offset,
                          size_t length)
{
    int code = may_send(channel);
    if (code)
        return code;
    if (channel->tls)
        return encipher_file(channel, file, offset, length);
    ssize_t sent = carrier_send_file(&channel->carrier, file, offset, length);
    if (sent < 0 && sent != -EAGAIN && !is_of_file(sent))
        fail_sending(channel, (int)sent);
    return sent;
}

/* In this order: what was kept, TLS's own end, what TLS has kept, the end. */
static int shut_if_wanted(struct channel *channel)
{
    if (!channel->finishing || channel->finished || byte_queue_length(&channel->unsent))
        return 0;
    int code = 0;
    if (channel->tls && !channel->said_end) {
        channel->said_end = true;
        code = tls_finish(channel->tls, &channel->carrier);
    }
    if (code == 0 && below_unsent(channel))
        return 0;
    channel->finished = true;
    int shut = call_shutdown(channel->carrier.watch, channel->carrier.fd, SHUT_WR);
    return code ? fail_sending(channel, code) : shut;
}

static int flush_below(struct channel *channel)
{
    int code = channel->tls ? tls_flush(channel->tls, &channel->carrier) : 0;
    return code ? fail_sending(channel, code) : 0;
}

int channel_flush(struct channel *channel)
{
    struct byte_queue *unsent = &channel->unsent;
    if (channel->send_fault)
        return channel->send_fault;
    int code = flush_below(channel);
    if (code)
        return code;
    if (byte_queue_length(unsent)) {
        ssize_t sent =
            send_now(channel, byte_queue_bytes(unsent), byte_queue_length(unsent));
        if (sent < 0)
            return sent == -EAGAIN ? 0 : (int)sent;
        byte_queue_take(unsent, (size_t)sent);
        byte_queue_tidy(unsent);
    }
    return shut_if_wanted(channel);
}

size_t channel_unsent_bytes(const struct channel *channel)
{
    return byte_queue_length(&channel->unsent) + below_unsent(channel);
}

/* --- Ending --- */

int channel_finish(struct channel *channel)
{
    channel->finishing = true;
    return channel->send_fault ? channel->send_fault : shut_if_wanted(channel);
}
