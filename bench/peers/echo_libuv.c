/* echo_libuv: the echo server on libuv. What is received is sent at once, with uv_try_write;
 * only what the connection does not take becomes a write request. */
#include "echo.h"

#include <uv.h>

struct connection {
    uv_tcp_t handle; /* first: libuv's pointers to it are ours */
    uv_write_t request;
    struct rest rest;
};

static char buffer[BUFFER_BYTES];

static void must(int code, const char *what)
{
    if (code < 0)
        give_up(what, -code);
}

/* It is in use only until on_read returns. */
static void lend_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)handle;
    (void)suggested;
    *ret_buffer = uv_buf_init(buffer, sizeof buffer);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = (struct connection *)handle;
    rest_drop(&connection->rest);
    free(connection);
}

static void end(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)connection))
        uv_close((uv_handle_t *)connection, on_closed);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *received);

static void on_written(uv_write_t *request, int code)
{
    struct connection *connection = request->data;
    rest_drop(&connection->rest);
    if (code < 0 || uv_read_start((uv_stream_t *)connection, lend_buffer, on_read) < 0)
        end(connection);
}

/* Keeps the rest, and reads on when it is sent. */
static int write_rest(struct connection *connection, const char *bytes, size_t length)
{
    rest_keep(&connection->rest, bytes, length);
    connection->request.data = connection;
    uv_read_stop((uv_stream_t *)connection);
    uv_buf_t rest = uv_buf_init(connection->rest.bytes, (unsigned)length);
    return uv_write(&connection->request, (uv_stream_t *)connection, &rest, 1,
                    on_written);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *received)
{
    struct connection *connection = (struct connection *)stream;
    if (length == 0) /* libuv's EAGAIN */
        return;
    if (length < 0) {
        end(connection);
        return;
    }
    uv_buf_t bytes = uv_buf_init(received->base, (unsigned)length);
    int sent = uv_try_write(stream, &bytes, 1);
    if (sent == length)
        return;
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0 ||
        write_rest(connection, received->base + sent, (size_t)(length - sent)))
        end(connection);
}

static void on_connection(uv_stream_t *listener, int code)
{
    struct connection *connection = allocate(sizeof *connection);
    must(code, "accepting");
    must(uv_tcp_init(listener->loop, &connection->handle), "accepting");
    must(uv_accept(listener, (uv_stream_t *)connection), "accepting");
    must(uv_read_start((uv_stream_t *)connection, lend_buffer, on_read), "reading");
}

int main(void)
{
    static uv_loop_t loop;
    static uv_tcp_t listener;
    int fd = echo_listen();
    must(uv_loop_init(&loop), "starting");
    must(uv_tcp_init(&loop, &listener), "starting");
    must(uv_tcp_open(&listener, fd), "starting");
    must(uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection), "listening");
    echo_tell(fd);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
