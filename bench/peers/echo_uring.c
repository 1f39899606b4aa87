/* echo_uring: the echo server on io_uring alone: a multishot accept into the ring's own file
 * table, a multishot receive a connection into a ring of provided buffers, and sends from
 * those same buffers. One system call hands over all that is to be sent and fetches all that
 * came. It takes Linux 6.1 or newer.
 *
 * A connection has one send under way; the buffers that came meanwhile stand in line behind
 * it, so that bytes keep their order. */
#include "echo.h"

#include <liburing.h>

enum {
    ENTRIES = 4096,
    CONNECTIONS = 4096,
    BUFFERS = 4096, /* a power of two */
    BUFFERS_AT_ONCE = 64,
    BUFFER_GROUP = 0,
    NONE = 0xffff
};

enum what { ACCEPTED, RECEIVED, SENT, CLOSED };

struct connection {
    uint16_t first, last; /* buffers to be sent, the first is under way; or NONE */
    bool receiving;       /* the multishot receive is there */
    bool over;            /* nothing more comes, or nothing more can be sent */
    bool starved;         /* it waits for a buffer before it receives again */
    bool closing;
};

static struct io_uring ring;
static struct io_uring_buf_ring *provided;
static struct connection connections[CONNECTIONS];
static char buffers[BUFFERS][BUFFER_BYTES];
static uint32_t lengths[BUFFERS];
static uint16_t next[BUFFERS];

/* So many buffers are in use: more only when they ran out, since the ring goes through all
 * of them in turn, and few stay in the caches. */
static unsigned provided_count;

/* Connections that found no buffer while none is left wait here until one comes back. */
static uint16_t starved[CONNECTIONS];
static unsigned starved_count;

static struct io_uring_sqe *order(enum what what, unsigned slot, unsigned buffer)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (!sqe) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
    }
    if (!sqe)
        give_up("ordering", EBUSY);
    sqe->user_data = (uint64_t)what << 32 | (uint64_t)buffer << 16 | slot;
    return sqe;
}

/* The prep functions of liburing 2.3 leave user_data alone. */
static void order_accept(int listener)
{
    io_uring_prep_multishot_accept_direct(order(ACCEPTED, 0, 0), listener, NULL, NULL, 0);
}

static void order_receive(unsigned slot)
{
    struct io_uring_sqe *sqe = order(RECEIVED, slot, 0);
    io_uring_prep_recv_multishot(sqe, (int)slot, NULL, 0, 0);
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    connections[slot].receiving = true;
}

/* MSG_WAITALL: the kernel sends the rest itself when there is room. */
static void order_send(unsigned slot)
{
    unsigned buffer = connections[slot].first;
    struct io_uring_sqe *sqe = order(SENT, slot, buffer);
    io_uring_prep_send(sqe, (int)slot, buffers[buffer], lengths[buffer],
                       MSG_NOSIGNAL | MSG_WAITALL);
    sqe->flags |= IOSQE_FIXED_FILE;
}

/* Closes once nothing of the connection is under way. */
static void close_if_over(unsigned slot)
{
    struct connection *connection = &connections[slot];
    if (!connection->over || connection->receiving || connection->starved ||
        connection->closing || connection->first != NONE)
        return;
    connection->closing = true;
    io_uring_prep_close_direct(order(CLOSED, slot, 0), slot);
}

static void feed_starved(void)
{
    unsigned slot = starved[--starved_count];
    connections[slot].starved = false;
    if (connections[slot].over)
        close_if_over(slot);
    else
        order_receive(slot);
}

static void give_back(unsigned buffer)
{
    io_uring_buf_ring_add(provided, buffers[buffer], BUFFER_BYTES, (unsigned short)buffer,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(provided, 1);
    if (starved_count > 0)
        feed_starved();
}

/* Their memory is touched now, not when data comes. */
static void provide_more(void)
{
    for (unsigned i = 0; i < BUFFERS_AT_ONCE && provided_count < BUFFERS; i++) {
        memset(buffers[provided_count], 1, BUFFER_BYTES);
        give_back(provided_count++);
    }
}

static void want_buffer(unsigned slot)
{
    if (provided_count < BUFFERS) {
        provide_more();
        order_receive(slot);
        return;
    }
    connections[slot].starved = true;
    starved[starved_count++] = (uint16_t)slot;
}

static void drop_line(struct connection *connection)
{
    while (connection->first != NONE) {
        unsigned buffer = connection->first;
        connection->first = next[buffer];
        give_back(buffer);
    }
}

static void on_accepted(int listener, const struct io_uring_cqe *cqe)
{
    if (cqe->res < 0)
        give_up("accepting", -cqe->res);
    if (cqe->res >= CONNECTIONS)
        give_up("accepting", EMFILE);
    connections[cqe->res] = (struct connection){.first = NONE};
    order_receive((unsigned)cqe->res);
    if (!(cqe->flags & IORING_CQE_F_MORE))
        order_accept(listener);
}

static void on_received(unsigned slot, const struct io_uring_cqe *cqe)
{
    struct connection *connection = &connections[slot];
    connection->receiving = cqe->flags & IORING_CQE_F_MORE;
    if (cqe->res > 0) {
        unsigned buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        lengths[buffer] = (uint32_t)cqe->res;
        next[buffer] = NONE;
        if (connection->first == NONE) {
            connection->first = (uint16_t)buffer;
            order_send(slot);
        } else {
            next[connection->last] = (uint16_t)buffer;
        }
        connection->last = (uint16_t)buffer;
    } else if (cqe->res == -ENOBUFS) {
        want_buffer(slot);
        return;
    } else {
        connection->over = true;
    }
    if (!connection->receiving && !connection->over)
        order_receive(slot);
    close_if_over(slot);
}

static void on_sent(unsigned slot, unsigned buffer, const struct io_uring_cqe *cqe)
{
    struct connection *connection = &connections[slot];
    bool whole = cqe->res == (int)lengths[buffer];
    connection->first = next[buffer];
    give_back(buffer);
    if (whole && connection->first != NONE) {
        order_send(slot);
    } else if (!whole) {
        /* The connection is gone; its receive ends by itself. */
        drop_line(connection);
        connection->over = true;
    }
    close_if_over(slot);
}

static void open_ring(void)
{
    struct io_uring_params parameters = {
        .flags =
            IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 4 * ENTRIES,
    };
    int code = io_uring_queue_init_params(ENTRIES, &ring, &parameters);
    if (code < 0)
        give_up("io_uring", -code);
    code = io_uring_register_files_sparse(&ring, CONNECTIONS);
    if (code < 0)
        give_up("a file table", -code);
    io_uring_register_ring_fd(&ring);
}

static void open_buffers(void)
{
    size_t size = BUFFERS * sizeof(struct io_uring_buf);
    provided = aligned_alloc(4096, size);
    if (!provided)
        give_up("buffers", ENOMEM);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)provided,
        .ring_entries = BUFFERS,
        .bgid = BUFFER_GROUP,
    };
    int code = io_uring_register_buf_ring(&ring, &registration, 0);
    if (code < 0)
        give_up("a ring of buffers", -code);
    io_uring_buf_ring_init(provided);
    provide_more();
}

static void dispatch(int listener, const struct io_uring_cqe *cqe)
{
    unsigned slot = cqe->user_data & 0xffff, buffer = cqe->user_data >> 16 & 0xffff;
    switch ((enum what)(cqe->user_data >> 32)) {
    case ACCEPTED: on_accepted(listener, cqe); break;
    case RECEIVED: on_received(slot, cqe); break;
    case SENT: on_sent(slot, buffer, cqe); break;
    case CLOSED: break;
    }
}

int main(void)
{
    int listener = echo_listen();
    open_ring();
    open_buffers();
    order_accept(listener);
    io_uring_submit(&ring);
    echo_tell(listener);
    for (;;) {
        struct io_uring_cqe *cqe;
        unsigned head, count = 0;
        int code = io_uring_submit_and_wait(&ring, 1);
        if (code < 0 && code != -EINTR)
            give_up("waiting", -code);
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            dispatch(listener, cqe);
            count++;
        }
        io_uring_cq_advance(&ring, count);
    }
}
