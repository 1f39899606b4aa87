#include "net/carrier.h"

#include <errno.h>

#include "net/call.h"

ssize_t carrier_receive(struct carrier *carrier, void *buffer, size_t length)
{
    if (!carrier->readable)
        return -EAGAIN;
    ssize_t received = call_recv(carrier->watch, carrier->fd, buffer, length);
    if (received == -EINTR)
        return -EAGAIN;
    if (received == -EAGAIN)
        carrier->readable = false;
    /* A short receive emptied the socket: what comes later is recorded again. Once the
     * end was recorded nothing more will be. */
    if (received > 0 && (size_t)received < length && !carrier->hung)
        carrier->readable = false;
    return received;
}

ssize_t carrier_send(struct carrier *carrier, const void *bytes, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        ssize_t result = call_send(carrier->watch, carrier->fd,
                                   (const char *)bytes + sent, length - sent);
        if (result == -EINTR)
            continue;
        if (result == -EAGAIN)
            break;
        if (result < 0)
            return result;
        sent += (size_t)result;
    }
    return sent || !length ? (ssize_t)sent : -EAGAIN;
}

ssize_t carrier_send_file(struct carrier *carrier, int file, uint64_t offset,
                          size_t length)
{
    const int64_t begin = (int64_t)offset, end = begin + (int64_t)length;
    int64_t at = begin;
    while (at < end) {
        ssize_t result =
            call_sendfile(carrier->watch, carrier->fd, file, &at, (size_t)(end - at));
        if (result == -EINTR)
            continue;
        if (result == -EAGAIN && at == begin)
            return -EAGAIN;
        if (result == -EAGAIN || result == 0)
            break;
        if (result < 0)
            return result;
    }
    return (ssize_t)(at - begin);
}
