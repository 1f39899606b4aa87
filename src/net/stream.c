#include "net/stream.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/call.h"

static int learn_local(struct stream *stream)
{
    struct sockaddr_storage local;
    socklen_t length = sizeof local;
    if (getsockname(stream->fd, (struct sockaddr *)&local, &length) < 0)
        return -errno;
    stream->local = endpoint_from_address((struct sockaddr *)&local);
    return 0;
}

static int open_connection(struct stream *stream, const struct address *address,
                           wo_event *stop, int64_t timeout_ns)
{
    stream->fd = call_socket(stream->watch, address->storage.ss_family);
    if (stream->fd < 0)
        return stream->fd;
    int code = wo_event_new(WO_MANUAL_RESET, &stream->event);
    if (!code)
        code = stream_select(stream, WO_CONNECT);
    if (!code)
        code = call_connect(stream->watch, stream->fd, stream->event, stop, address,
                            timeout_ns);
    return code ? code : learn_local(stream);
}

int stream_connect(struct stream *ret_stream, const struct address *address,
                   wo_event *stop, int64_t timeout_ns, struct watch *watch,
                   struct error *err)
{
    struct stream stream = {
        .watch = watch,
        .peer = endpoint_from_address((const struct sockaddr *)&address->storage)};
    buffer_init(&stream.unsent, STREAM_UNSENT_BYTES);
    int code = open_connection(&stream, address, stop, timeout_ns);
    if (code) {
        char text[ENDPOINT_TEXT];
        stream_close(&stream);
        return error_set_system(err, -code, "%s", endpoint_format(&stream.peer, text));
    }
    *ret_stream = stream;
    return 0;
}

int stream_adopt(struct stream *ret_stream, int fd, const struct endpoint *peer,
                 wo_event *event, unsigned events, struct watch *watch)
{
    struct stream stream = {.fd = fd, .event = event, .watch = watch, .peer = *peer};
    buffer_init(&stream.unsent, STREAM_UNSENT_BYTES);
    int code = learn_local(&stream);
    if (!code)
        code = stream_select(&stream, events);
    if (code) {
        stream_close(&stream);
        return code;
    }
    *ret_stream = stream;
    return 0;
}

int stream_select(struct stream *stream, unsigned events)
{
    int code = wo_select(stream->fd, stream->event, events);
    if (!code)
        stream->selected = events;
    return code;
}

ssize_t stream_receive(struct stream *stream, void *buffer, size_t length)
{
    return call_recv(stream->watch, stream->fd, buffer, length);
}

size_t stream_unread(const struct stream *stream)
{
    int bytes = 0;
    if (ioctl(stream->fd, FIONREAD, &bytes) < 0 || bytes < 0)
        return 0;
    return (size_t)bytes;
}

/* How much of it the system took before it would have blocked; or a negated errno. */
static ssize_t send_now(struct stream *stream, const char *bytes, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        ssize_t result =
            call_send(stream->watch, stream->fd, bytes + sent, length - sent);
        if (result == -EAGAIN)
            break;
        if (result < 0)
            return result;
        sent += result;
    }
    return (ssize_t)sent;
}

int stream_send(struct stream *stream, const void *bytes, size_t length)
{
    ssize_t sent = stream->unsent.length ? 0 : send_now(stream, bytes, length);
    if (sent < 0)
        return (int)sent;
    if (sent == (ssize_t)length)
        return 0;
    if (buffer_append(&stream->unsent, (const char *)bytes + sent, length - sent))
        return -ENOBUFS;
    if (stream->selected & WO_WRITE)
        return 0;
    return stream_select(stream, stream->selected | WO_WRITE);
}

static int shut_if_wanted(struct stream *stream)
{
    if (!stream->finish || stream->unsent.length)
        return 0;
    stream->finish = false;
    return call_shutdown(stream->watch, stream->fd, SHUT_WR);
}

int stream_flush(struct stream *stream)
{
    if (stream->unsent.length) {
        ssize_t sent = send_now(stream, stream->unsent.bytes, stream->unsent.length);
        if (sent < 0)
            return (int)sent;
        buffer_consume(&stream->unsent, (size_t)sent);
    }
    return shut_if_wanted(stream);
}

int stream_finish(struct stream *stream)
{
    stream->finish = true;
    return shut_if_wanted(stream);
}

void stream_close(struct stream *stream)
{
    if (stream->fd >= 0)
        call_close(stream->watch, stream->fd);
    stream->fd = -1;
    wo_event_free(&stream->event);
    buffer_done(&stream->unsent);
}
